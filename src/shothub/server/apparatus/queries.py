"""Questions about apparatus and what they publish."""

from datetime import datetime, timedelta
from functools import lru_cache

from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.wire.apparatus import ApparatusStatus, ApparatusView, Description

ONLINE_FOR = timedelta(seconds=30)


class NoSuchApparatus(LookupError):
    """There is no apparatus of this name."""


def apparatus_named(name: str) -> Apparatus:
    """Return one apparatus, without its description.

    Raises:
        NoSuchApparatus: there is none of this name.
    """
    found = Apparatus.objects.defer("description").filter(name=name).first()
    if found is None:
        raise NoSuchApparatus(f"There is no apparatus named {name!r}.")
    return found


def all_apparatus() -> list[Apparatus]:
    """Return every apparatus by name, without descriptions."""
    return list(Apparatus.objects.defer("description"))


def description_of(apparatus: Apparatus) -> Description:
    """Return what the apparatus published in its present session."""
    return _description(apparatus.pk, apparatus.epoch)


@lru_cache(maxsize=64)
def _description(pk: int, epoch: int) -> Description:
    # A description changes only when a session opens, which changes the epoch.
    found = Apparatus.objects.only("description").get(pk=pk, epoch=epoch)
    return Description.model_validate(found.description)


def status_of(apparatus: Apparatus) -> ApparatusStatus:
    """Return what the agent said last."""
    return ApparatusStatus.model_validate(apparatus.status)


def is_online(apparatus: Apparatus, now: datetime) -> bool:
    """Tell whether the agent was heard within the last half minute."""
    return apparatus.last_seen is not None and now - apparatus.last_seen < ONLINE_FOR


def may_submit(principal: Principal, apparatus: Apparatus) -> list[str]:
    """Return the kinds of jobs that the user may submit there."""
    kinds = ["procedure"]
    return [*kinds, "script"] if principal.may("scripts", apparatus.name) else kinds


def view(
    apparatus: Apparatus, principal: Principal, *, pending_shots: int, now: datetime
) -> ApparatusView:
    """Return an apparatus as this user sees it."""
    published = description_of(apparatus)
    rights = [k for k in ("hdf5", "operator") if principal.may(k, apparatus.name)]
    return ApparatusView(
        name=apparatus.name,
        title=apparatus.title or published.title,
        doc=published.doc,
        online=is_online(apparatus, now),
        paused=apparatus.paused,
        status=status_of(apparatus),
        last_seen=apparatus.last_seen,
        pending_shots=pending_shots,
        accepts=list(published.accepts) if apparatus.epoch else [],
        may=[*may_submit(principal, apparatus), *rights],
    )
