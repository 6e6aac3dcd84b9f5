"""Questions about apparatus and what they publish."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import connection

from shothub.domain.parameters import Parameter
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.refusals import NotThere
from shothub.server.rows import ask, columns
from shothub.wire.apparatus import (
    ApparatusStatus,
    ApparatusView,
    Description,
    ParameterView,
    ProcedureView,
)

ONLINE_FOR = timedelta(seconds=30)
_RIGHTS = ("relay", "hdf5", "reviewer", "operator", "admin")


class NoSuchApparatus(NotThere):
    """There is no apparatus of this name."""


def apparatus_named(name: str) -> Apparatus:
    """Return one apparatus, without its description.

    Raises:
        NoSuchApparatus: there is none of this name.
    """
    # Asked at every poll: plain SQL, a fifth of the ORM's time.
    known = columns(Apparatus, "apparatus", "description")
    sql = f"SELECT {known.sql} FROM apparatus_apparatus apparatus WHERE name = %s"  # noqa: S608
    for row in ask(sql, [name]):
        return known.object(row)
    raise NoSuchApparatus(f"There is no apparatus named {name!r}.")


def apparatus_for(principal: Principal, name: str) -> Apparatus:
    """Return one apparatus, if the credential is good for it.

    Raises:
        NoSuchApparatus: there is none of this name, or the credential is for others.
    """
    if not principal.reaches(name):
        good = ", ".join(sorted(principal.only_on))
        raise NoSuchApparatus(
            f"There is no apparatus named {name!r} for this token.",
            hint=f"the token is good on {good} only",
        )
    return apparatus_named(name)


def all_for(principal: Principal) -> list[Apparatus]:
    """Return every apparatus for which the credential is good, by name."""
    return [found for found in all_apparatus() if principal.reaches(found.name)]


def known_apparatus(names: Collection[str]) -> dict[str, Apparatus]:
    """Return those apparatus that exist, by name, with what a submission needs to know."""
    marks = ", ".join(["%s"] * len(names))
    columns = ("id", "name", "description_digest", "draining")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM apparatus_apparatus"  # noqa: S608
            f" WHERE name IN ({marks})",
            list(names),
        )
        found = [Apparatus.from_db("default", columns, r) for r in cursor.fetchall()]
    return {apparatus.name: apparatus for apparatus in found}


def all_apparatus() -> list[Apparatus]:
    """Return every apparatus by name, without descriptions."""
    return list(Apparatus.objects.defer("description"))


@dataclass(frozen=True)
class Published:
    """What an apparatus publishes, and its procedures by name, ready to check against."""

    description: Description
    procedures: Mapping[str, tuple[ProcedureView, tuple[Parameter, ...]]]


def published_by(apparatus: Apparatus) -> Published:
    """Return what the apparatus published in its present session."""
    found = _load(apparatus.pk, apparatus.description_digest)
    while found is None:
        apparatus.refresh_from_db(fields=["description_digest", "epoch"])
        found = _load(apparatus.pk, apparatus.description_digest)
    return found


@lru_cache(maxsize=64)
def _load(pk: int, digest: str) -> Published | None:
    # Descriptions are large and change with sessions only: kept in memory by digest.
    rows = Apparatus.objects.filter(pk=pk, description_digest=digest)
    found = rows.values_list("description", flat=True).first()
    return None if found is None else _published(Description.model_validate(found))


def _published(description: Description) -> Published:
    return Published(
        description,
        {
            p.name: (p, tuple(map(_parameter, p.parameters)))
            for p in description.procedures
        },
    )


def _parameter(view: ParameterView) -> Parameter:
    return Parameter(**view.model_dump() | {"choices": tuple(view.choices)})


def description_of(apparatus: Apparatus) -> Description:
    """Return what the apparatus published in its present session."""
    return published_by(apparatus).description


def offered_to(principal: Principal, apparatus: Apparatus) -> Description:
    """Return what the apparatus published, with those procedures that one may run."""
    published = description_of(apparatus)
    may = [
        procedure
        for procedure in published.procedures
        if principal.may_run(procedure.name, apparatus.name)
    ]
    if len(may) == len(published.procedures):
        return published
    return published.model_copy(update={"procedures": may})


def status_of(apparatus: Apparatus) -> ApparatusStatus:
    """Return what the agent said last."""
    return ApparatusStatus.model_validate(apparatus.status)


def is_online(apparatus: Apparatus, now: datetime) -> bool:
    """Tell whether the agent was heard within the last half minute."""
    return apparatus.last_seen is not None and now - apparatus.last_seen < ONLINE_FOR


def hindrance(apparatus: Apparatus, now: datetime) -> str:
    """Return in words what keeps shots from starting; empty if nothing does."""
    if apparatus.last_seen is None:
        return "no agent has connected to the apparatus yet"
    if not is_online(apparatus, now):
        return (
            f"the apparatus is offline since {apparatus.last_seen:%Y-%m-%d %H:%M} UTC"
        )
    if apparatus.paused:
        return (
            f"the operator has paused the apparatus: {apparatus.pause_message}".strip(
                ": "
            )
        )
    status = status_of(apparatus)
    hold = apparatus.hold or status.hold
    if hold:
        return f"the apparatus is held: {hold}"
    if status.blacs in {"absent", "error", "paused"}:
        return f"BLACS is {status.blacs}: {status.message}".strip(": ")
    return ""


def may_submit(principal: Principal, apparatus: Apparatus) -> list[str]:
    """Return the kinds of jobs that the user may submit there."""
    kinds = ["procedure"]
    return [*kinds, "script"] if principal.may("scripts", apparatus.name) else kinds


def view(
    apparatus: Apparatus, principal: Principal, *, pending_shots: int, now: datetime
) -> ApparatusView:
    """Return an apparatus as this user sees it."""
    published = description_of(apparatus)
    rights = [k for k in _RIGHTS if principal.may(k, apparatus.name)]
    return ApparatusView(
        name=apparatus.name,
        title=apparatus.title or published.title,
        doc=published.doc,
        online=is_online(apparatus, now),
        paused=apparatus.paused,
        pause_message=apparatus.pause_message,
        draining=apparatus.draining,
        held=apparatus.hold,
        status=status_of(apparatus),
        last_seen=apparatus.last_seen,
        pending_shots=pending_shots,
        accepts=list(published.accepts) if apparatus.epoch else [],
        may=[*may_submit(principal, apparatus), *rights],
    )
