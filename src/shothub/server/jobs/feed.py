"""All events of the apparatus that one operates, in order and without gaps."""

from dataclasses import dataclass

from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import apparatus_for
from shothub.server.jobs.horizon import horizon
from shothub.server.jobs.models import Event
from shothub.server.refusals import Forbidden
from shothub.wire.notices import FeedEvent

MOST = 500


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Some events, oldest first.

    Attributes:
        last: after which event to go on.
        more: whether there are more already.
        settling: whether some are being written that may not be read yet.
    """

    events: list[FeedEvent]
    last: int
    more: bool = False
    settling: bool = False


def readable(principal: Principal, apparatus: str) -> list[int] | None:
    """Return of which apparatus the user may read the feed; None for all.

    Args:
        principal: who asks.
        apparatus: the only one that he wants; empty for all that he may.

    Raises:
        Forbidden: he operates none, or not this one.
        NotThere: there is no such apparatus.
    """
    if apparatus:
        found = apparatus_for(principal, apparatus)
        if principal.may("operator", apparatus):
            return [found.pk]
        raise _not_operator(f"an operator of {apparatus!r}")
    if principal.staff and not principal.only_on:
        return None
    named = principal.only_on or principal.grants
    names = [name for name in named if principal.may("operator", name)]
    if not names:
        raise _not_operator("an operator of an apparatus")
    return list(Apparatus.objects.filter(name__in=names).values_list("pk", flat=True))


def _not_operator(what: str) -> Forbidden:
    return Forbidden(f"The lab has not made you {what}.", code="operator_not_granted")


def stretch(
    apparatus: list[int] | None, since: int | None, *, limit: int = MOST
) -> Stretch:
    """Return the events after event ``since``, or the newest if that is None.

    Whoever goes on from ``last`` each time sees every event once.
    """
    until, settling = horizon()
    rows = Event.objects.select_related("apparatus").defer("apparatus__description")
    if apparatus is not None:
        rows = rows.filter(apparatus__in=apparatus)
    if until is not None:
        rows = rows.filter(id__lte=until)
    if since is None:
        found = list(rows.order_by("-id")[:limit])[::-1]
    else:
        found = list(rows.filter(id__gt=since).order_by("id")[:limit])
    return Stretch(
        events=[feed_event(event) for event in found],
        last=found[-1].pk if found else since or 0,
        more=since is not None and len(found) == limit,
        settling=settling,
    )


def feed_event(event: Event) -> FeedEvent:
    """Return an event as operators see it."""
    return FeedEvent(
        id=event.pk,
        at=event.at,
        what=event.what,
        apparatus=event.apparatus.name,
        job=event.job_id,
        shot=event.shot,
        actor=event.actor,
        detail=event.detail,
        epoch=event.epoch,
        fence=event.fence,
        late=event.late,
    )
