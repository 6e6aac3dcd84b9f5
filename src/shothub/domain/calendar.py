"""Booked time on an apparatus: who may start what, and when; all spans are half-open.

A booking belongs to a user, to a group or, for maintenance, to nobody. While one runs, only
its holder starts shots; before one begins, nothing of others starts that could not end in
time. A running shot is never cut. A holder who has nothing to run for five minutes lends
the time to everybody until he has work again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shothub.domain.faults import Fault

IDLE_RELEASE = timedelta(minutes=5)
"""A holder without work for so long lends his time to everybody."""
MARGIN = timedelta(seconds=2)
"""Kept free between the foreseen end of a shot and what must not wait for it."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A user, or anybody who runs on a group's allocation; exactly one of the two."""

    user: int | None = None
    group: int | None = None

    def holds(self, user: int, group: int | None) -> bool:
        """Tell whether a job of this user and group is the holder's."""
        if self.user is not None:
            return user == self.user
        return group is not None and group == self.group


@dataclass(frozen=True, kw_only=True)
class Booking:
    """One reservation that stands.

    Attributes:
        holder: whose time it is; None for maintenance, when nobody runs anything.
        name: of the holder, or what the maintenance is for, for people.
        idle_since: since when the holder has had nothing to run, if that is so.
        released: whether the time was lent to everybody for that.
    """

    id: int
    holder: Holder | None
    starts: datetime
    ends: datetime
    name: str = ""
    idle_since: datetime | None = None
    released: bool = False

    def is_lent(self, now: datetime) -> bool:
        """Tell whether everybody may use it, as its holder has had nothing to run."""
        if self.holder is None:
            return False
        return self.released or is_idle(self.idle_since, now)

    def is_held_by(self, user: int, group: int | None) -> bool:
        """Tell whether a job of this user and group may run in it by right."""
        return self.holder is not None and self.holder.holds(user, group)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The session that is open: only its own jobs run until it ends."""

    id: str
    user: int
    group: int | None
    until: datetime
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A shot that somebody would start.

    Attributes:
        seconds: how long it takes, with the change of configuration before it.
        session: the session that its job belongs to; empty for none.
        above: whether its class stands above reservations (safety, calibration): it runs
            in everybody's time, but not during maintenance.
    """

    user: int
    group: int | None
    seconds: float
    session: str = ""
    above: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the calendar stands at one moment.

    Attributes:
        closed: why nothing may run at all, in words; empty if something may.
        holder: whose time it is by a booking; others may start nothing, unless ``lent``.
        lent: whether everybody may run, the holder having had nothing to run; as soon as
            he has, he goes first and gets his time back.
        running: the booking that runs now.
        ahead: those that begin later, in order.
        turn: the session that is open.
    """

    closed: str = ""
    holder: Holder | None = None
    lent: bool = False
    running: Booking | None = None
    ahead: tuple[Booking, ...] = field(default=())
    turn: Turn | None = None

    @property
    def session(self) -> str:
        """Return the id of the open session; empty if none is."""
        return self.turn.id if self.turn else ""

    def ends_before(self, user: int, group: int | None) -> datetime | None:
        """Return when the next booking begins that is not this one's; None if none is."""
        return next((b.starts for b in self.foreign_ahead(user, group)), None)

    def foreign_ahead(self, user: int, group: int | None) -> Iterable[Booking]:
        """Return the coming bookings that are others' or maintenance, in order."""
        return (b for b in self.ahead if not b.is_held_by(user, group))


def overlaps(
    starts: datetime, ends: datetime, other_starts: datetime, other_ends: datetime
) -> bool:
    """Tell whether two half-open spans share a moment."""
    return starts < other_ends and other_starts < ends


def is_idle(idle_since: datetime | None, now: datetime) -> bool:
    """Tell whether a holder has had nothing to run for so long that his time is lent."""
    return idle_since is not None and now - idle_since >= IDLE_RELEASE


def standing_at(
    bookings: Iterable[Booking], now: datetime, turn: Turn | None = None
) -> Standing:
    """Return how the calendar stands now; what is over counts for nothing."""
    turn = turn if turn and now < turn.until else None
    living = sorted((b for b in bookings if b.ends > now), key=lambda b: b.starts)
    running = next((b for b in living if b.starts <= now), None)
    ahead = tuple(b for b in living if b.starts > now)
    if running is None:
        return Standing(ahead=ahead, turn=turn)
    if running.holder is None:
        return Standing(closed=_maintenance(running), running=running, ahead=ahead)
    return Standing(
        holder=running.holder,
        lent=running.is_lent(now),
        running=running,
        ahead=ahead,
        turn=turn,
    )


def _maintenance(booking: Booking) -> str:
    about = f" ({booking.name})" if booking.name else ""
    return f"maintenance until {_clock(booking.ends)}{about}"


def may_start(standing: Standing, shot: Asked, *, now: datetime) -> Fault | None:
    """Return why a shot may not start now, or None if it may.

    The codes are ``maintenance``, ``reserved``, ``session`` and ``reservation_ahead``.
    """
    if standing.closed:
        return Fault(code="maintenance", detail=f"There is {standing.closed}.")
    return _occupied(standing, shot) or _too_long(standing, shot, now)


def _occupied(standing: Standing, shot: Asked) -> Fault | None:
    if shot.above:
        return None
    running, turn = standing.running, standing.turn
    if turn and shot.session != turn.id:
        detail = f"A session of {turn.name or 'another user'} is open"
        return Fault(
            code="session", detail=f"{detail}, until {_clock(turn.until)} at most."
        )
    if shot.session and turn is None:
        return Fault(code="session", detail="The session of this job is not open.")
    foreign = running is not None and not running.is_held_by(shot.user, shot.group)
    if running is None or not foreign or standing.lent:
        return None
    return Fault(
        code="reserved",
        detail=f"The time until {_clock(running.ends)} is reserved for {running.name}.",
    )


def _too_long(standing: Standing, shot: Asked, now: datetime) -> Fault | None:
    end = now + timedelta(seconds=shot.seconds) + MARGIN
    turn = standing.turn
    if turn and shot.session == turn.id and end - MARGIN > turn.until:
        detail = f"It could not end before the session does, at {_clock(turn.until)}."
        return Fault(code="session", detail=detail)
    for booking in standing.foreign_ahead(shot.user, shot.group):
        if end <= booking.starts:
            return None
        if booking.holder is None or not shot.above:
            return Fault(code="reservation_ahead", detail=_in_the_way(booking))
    return None


def _in_the_way(booking: Booking) -> str:
    what = "maintenance" if booking.holder is None else "a reservation"
    return f"It could not end before {what} begins at {_clock(booking.starts)}."


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M} UTC"


def in_words(standing: Standing) -> str:
    """Return whose time it is and what comes next, for people."""
    said = [_present(standing)]
    if standing.ahead:
        coming = standing.ahead[0]
        whose = f"reserved for {coming.name}" if coming.holder else "maintenance"
        said.append(f"from {coming.starts:%Y-%m-%d} {_clock(coming.starts)}: {whose}")
    return "; ".join(said)


def _present(standing: Standing) -> str:
    running, turn = standing.running, standing.turn
    if standing.closed:
        return standing.closed
    if turn:
        return f"a session of {turn.name} is open until {_clock(turn.until)} at most"
    if running is None:
        return "nothing is reserved now"
    lent = ", who has nothing to run: everybody may" if standing.lent else ""
    return f"reserved for {running.name} until {_clock(running.ends)}{lent}"


def turn_until(
    standing: Standing, *, user: int, group: int | None, seconds: float, now: datetime
) -> datetime:
    """Return when a session that opens now ends at the latest."""
    end = now + timedelta(seconds=seconds)
    foreign = standing.ends_before(user, group)
    return min(end, foreign) if foreign else end


def may_open(
    standing: Standing, *, user: int, group: int | None, seconds: float, now: datetime
) -> bool:
    """Tell whether a session may open now and then last for ``seconds`` at least."""
    if standing.closed or standing.turn:
        return False
    running = standing.running
    if running and not running.is_held_by(user, group) and not standing.lent:
        return False
    until = turn_until(standing, user=user, group=group, seconds=seconds, now=now)
    return until >= now + timedelta(seconds=seconds)


def clash(
    bookings: Iterable[Booking], starts: datetime, ends: datetime
) -> Booking | None:
    """Return the first booking that shares a moment with a span, or None."""
    found = [b for b in bookings if overlaps(starts, ends, b.starts, b.ends)]
    return min(found, key=lambda b: b.starts, default=None)


def next_free(
    bookings: Iterable[Booking], starts: datetime, length: timedelta
) -> datetime:
    """Return the first time from ``starts`` on at which so long a span is free."""
    for booking in sorted(bookings, key=lambda b: b.starts):
        if overlaps(starts, starts + length, booking.starts, booking.ends):
            starts = booking.ends
    return starts


def weeks_of(starts: datetime, ends: datetime) -> list[tuple[datetime, datetime]]:
    """Return the weeks, Monday to Monday, that a span touches."""
    midnight = starts.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=starts.weekday())
    weeks = []
    while monday < ends:
        weeks.append((monday, monday + timedelta(days=7)))
        monday += timedelta(days=7)
    return weeks


def booked_within(
    spans: Iterable[tuple[datetime, datetime]], week: tuple[datetime, datetime]
) -> timedelta:
    """Return how much of a week the spans take."""
    shares = (min(end, week[1]) - max(start, week[0]) for start, end in spans)
    return sum((s for s in shares if s > timedelta(0)), timedelta(0))
