"""Reservations and sessions, as users ask for them and see them."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from shothub.wire.base import Message, Reply

_FIRST_YEAR, _LAST_YEAR = 2000, 2200


def _within_reach(at: datetime) -> datetime:
    """Return a moment in UTC; far from both ends of what can be computed with."""
    if not _FIRST_YEAR <= at.year < _LAST_YEAR:
        raise ValueError(f"the year is not from {_FIRST_YEAR} to {_LAST_YEAR - 1}")
    return at.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_within_reach)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_\-]{0,47}$")]
GroupName = Annotated[str, StringConstraints(pattern=r"^(-|[a-z][a-z0-9_\-]{0,47})?$")]
Title = Annotated[
    str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class ReservationRequest(Message):
    """``POST reservations``: time on an apparatus, for oneself or for a group.

    Attributes:
        starts, ends: with a time zone; half-open: ``ends`` is free again.
        kind: ``exclusive`` for oneself, ``group`` for anybody of ``group``,
            ``maintenance`` (by operators) for nobody.
        group: whose time it is if ``kind`` is ``group``.
        title: what it is for; everybody who sees the calendar reads it.
    """

    apparatus: Slug
    starts: Moment
    ends: Moment
    kind: Literal["exclusive", "group", "maintenance"] = "exclusive"
    group: GroupName = ""
    title: Title = ""


class ReservationChange(Message):
    """``PATCH reservations/{id}``: what is not given stays as it is."""

    starts: Moment | None = None
    ends: Moment | None = None
    title: Title | None = None


class ReservationView(Reply):
    """A reservation, as everybody who sees the calendar sees it.

    Attributes:
        owner: key of who booked it.
        state: ``lent`` if it runs and everybody may use it, as its holder has had nothing
            to run for five minutes; he regains it by submitting.
        mine: whether the reader's jobs may run in it.
        may_change: whether the reader may change or cancel it.
    """

    id: int
    apparatus: str
    kind: Literal["exclusive", "group", "maintenance"]
    owner: str
    group: str = ""
    title: str = ""
    starts: datetime
    ends: datetime
    state: Literal["coming", "running", "lent", "over", "cancelled"]
    mine: bool = False
    may_change: bool = False


class SessionRequest(Message):
    """``POST sessions``: a turn of one's own for a closed loop.

    Attributes:
        idle_seconds: it ends after so long without a shot of it that waits or runs.
        total_seconds: it ends after so long in any case.
    """

    apparatus: Slug
    group: GroupName = ""
    idle_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    total_seconds: Annotated[float, Field(ge=1, le=86_400)] = 600.0


class SessionView(Reply):
    """A session, as its owner sees it.

    Attributes:
        state: ``waiting`` for its fair turn in the queue, ``open``, or ``ended``.
        until: when it ends at the latest, once it is open.
        charged: machine time charged for it, seconds.
        others: how many other users have work that waits, while it waits itself.
        notice: what keeps it waiting, or why it ended, in words.
    """

    id: str
    apparatus: str
    owner: str
    group: str = ""
    state: Literal["waiting", "open", "ended"]
    idle_seconds: float
    total_seconds: float
    requested: datetime
    opened: datetime | None = None
    until: datetime | None = None
    ended: datetime | None = None
    charged: float = 0.0
    others: int | None = None
    notice: str = ""
