"""How much of everything a user, or a group as a whole, may take, and when more is free.

Machine time is counted by days; of the day that leaves a window the part still inside it
counts. What waits in the queue counts too, at its foreseen length: a quota that looks back
only could be exceeded by any amount in one submission.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from shothub.domain.faults import Fault

_DAY = timedelta(days=1)
_NEARLY = 0.8
_ASK_AGAIN = 60
_MUCH_LATER = 86_400


class What(StrEnum):
    """What is bounded; the names are those of the quota's fields."""

    PENDING_JOBS = "pending_jobs"
    PENDING_SHOTS = "pending_shots"
    MACHINE_DAY = "machine_day"
    MACHINE_WEEK = "machine_week"
    STORED = "stored"


WINDOWS: Mapping[What, timedelta] = {
    What.MACHINE_DAY: _DAY,
    What.MACHINE_WEEK: 7 * _DAY,
}
_NAMES: Mapping[What, tuple[str, str]] = {
    What.PENDING_JOBS: ("waiting jobs", ""),
    What.PENDING_SHOTS: ("waiting shots", ""),
    What.MACHINE_DAY: ("machine time in 24 hours", "s"),
    What.MACHINE_WEEK: ("machine time in 7 days", "s"),
    What.STORED: ("stored files", "bytes"),
}


@dataclass(frozen=True, kw_only=True)
class QuotaRow:
    """What the lab has set in one place.

    Attributes:
        limits: numbers by name; None is no bound of this row.
        apparatus: the only one it is for; empty for all together.
        group: for which group as a whole; None for users.
        is_own: whether it is set for this user, not for everybody.
    """

    limits: Mapping[What, float | None]
    apparatus: str = ""
    group: int | None = None
    is_own: bool = False


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One number that must not be exceeded; the fields are those of `QuotaRow`."""

    what: What
    limit: float
    apparatus: str = ""
    group: int | None = None


def bounds_from(
    rows: Iterable[QuotaRow], defaults: Mapping[What, float]
) -> list[Bound]:
    """Return all bounds that hold for a user and his groups.

    A number that is set for the user himself replaces the one for everybody, number by
    number; so do both replace the hub's defaults. What is set for a group bounds it as a
    whole, beside the bounds of its members.
    """
    own: dict[tuple[str, What], float] = {("", w): n for w, n in defaults.items()}
    shared: list[Bound] = []
    for row in sorted(rows, key=lambda row: row.is_own):
        for what, limit in row.limits.items():
            if limit is None:
                continue
            if row.group is None:
                own[(row.apparatus, what)] = limit
            else:
                shared.append(
                    Bound(
                        what=what,
                        limit=limit,
                        apparatus=row.apparatus,
                        group=row.group,
                    )
                )
    mine = [
        Bound(what=what, limit=limit, apparatus=apparatus)
        for (apparatus, what), limit in own.items()
    ]
    return mine + shared


def used_within(days: Mapping[date, float], now: datetime, window: timedelta) -> float:
    """Return the seconds of a window that ends now, from seconds by day (UTC)."""
    begin = now - window
    return sum(s * _part_after(day, begin) for day, s in days.items())


def _part_after(day: date, begin: datetime) -> float:
    ends = datetime.combine(day, time(), UTC) + _DAY
    return min(max((ends - begin) / _DAY, 0.0), 1.0)


def free_at(
    days: Mapping[date, float], now: datetime, window: timedelta, room: float
) -> datetime | None:
    """Return when at most ``room`` seconds of what was used are left in the window.

    None if never: there is no such room.
    """
    if room < 0:
        return None
    edge = now
    while used_within(days, edge, window) > room:
        midnight = datetime.combine((edge - window).date(), time(), UTC)
        after = midnight + _DAY + window
        left, at_edge = (
            used_within(days, after, window),
            used_within(days, edge, window),
        )
        if left <= room:
            return edge + (after - edge) * ((at_edge - room) / (at_edge - left))
        edge = after
    return edge


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A bound, and how much of it is taken.

    Attributes:
        used: so far.
        queued: machine time of what waits.
        asked: what is asked for now.
        free_at: when as much as is asked for will be free, if that is known.
        group: name of the group that it bounds as a whole; empty for the user.
    """

    what: What
    limit: float
    used: float
    queued: float = 0.0
    asked: float = 0.0
    free_at: datetime | None = None
    apparatus: str = ""
    group: str = ""

    @property
    def total(self) -> float:
        """What would be taken."""
        return self.used + self.queued + self.asked

    @property
    def unit(self) -> str:
        """The unit of all its numbers."""
        return _NAMES[self.what][1]


def is_exceeded(meter: Meter) -> bool:
    """Tell whether more would be taken than is allowed."""
    if meter.what == What.STORED:
        return meter.used >= meter.limit
    return meter.total > meter.limit


def warning_of(meter: Meter) -> str:
    """Return in words that a bound is nearly reached; empty if it is not."""
    if is_exceeded(meter) or meter.total < _NEARLY * meter.limit:
        return ""
    return f"{name_of(meter)}: {_amounts(meter)}; {_number(meter, meter.limit)} are allowed"


@dataclass(frozen=True)
class Refusal:
    """Why a submission is refused, and after how many seconds to try again."""

    fault: Fault
    retry_after: int


def refusal_of(meter: Meter, now: datetime) -> Refusal:
    """Return the refusal: how much is taken, how much is allowed, when to come back."""
    fault = Fault(
        code=f"too_many_{meter.what}"
        if meter.what in {What.PENDING_JOBS, What.PENDING_SHOTS}
        else f"quota_{meter.what}",
        detail=(
            f"{name_of(meter).capitalize()}: {_amounts(meter)};"
            f" {_number(meter, meter.limit)} are allowed."
        ),
        hint=_advice(meter),
    )
    return Refusal(fault, _seconds_until(meter, now))


def name_of(meter: Meter) -> str:
    """Return what a meter counts, in words."""
    where = f" on {meter.apparatus}" if meter.apparatus else ""
    whose = f" of group {meter.group}" if meter.group else ""
    return f"{_NAMES[meter.what][0]}{whose}{where}"


def _amounts(meter: Meter) -> str:
    parts = [f"{_number(meter, meter.used)} are taken"]
    if meter.queued:
        parts.append(f"{_number(meter, meter.queued)} wait")
    if meter.asked:
        parts.append(f"{_number(meter, meter.asked)} are asked for")
    return ", ".join(parts)


def _number(meter: Meter, number: float) -> str:
    return f"{number:.0f} {meter.unit}".strip()


def _advice(meter: Meter) -> str:
    if meter.what in {What.PENDING_JOBS, What.PENDING_SHOTS}:
        return "wait for some of them, or cancel some"
    if meter.what == What.STORED:
        return "ask the lab for more, or to remove old files"
    if meter.free_at:
        return f"so much is free from {meter.free_at:%Y-%m-%d %H:%M} UTC"
    return "ask for less, cancel some of what waits, or ask the lab for more"


def _seconds_until(meter: Meter, now: datetime) -> int:
    if meter.what in {What.PENDING_JOBS, What.PENDING_SHOTS}:
        return _ASK_AGAIN
    if meter.free_at is None:
        return _MUCH_LATER
    return max(int((meter.free_at - now).total_seconds()) + 1, 1)


def first_exceeded(meters: Sequence[Meter]) -> Meter | None:
    """Return the first bound that would be exceeded, if any."""
    return next((meter for meter in meters if is_exceeded(meter)), None)


@dataclass(frozen=True)
class Bucket:
    """Leave for requests: it fills up evenly, and each request takes one.

    Attributes:
        level: requests that are left.
        at: monotonic time of that level, seconds.
    """

    level: float
    at: float


def take(
    bucket: Bucket | None, per_minute: float, at: float, cost: float = 1.0
) -> tuple[Bucket, float]:
    """Take a request from a bucket; None for a full one.

    Args:
        bucket: as it was left.
        per_minute: how many requests fill it, and come back in a minute.
        at: monotonic time, seconds.
        cost: for how many requests this one counts; never for more than a full bucket.

    Returns:
        The bucket afterwards, and the seconds to wait if it held too little, else 0.
    """
    rate = per_minute / 60.0
    level = per_minute if bucket is None else bucket.level
    since = 0.0 if bucket is None else at - bucket.at
    level = min(level + since * rate, per_minute)
    due = min(cost, per_minute)
    if level >= due:
        return Bucket(level - due, at), 0.0
    return Bucket(level, at), (due - level) / rate
