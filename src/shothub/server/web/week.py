"""One week of an apparatus's calendar, laid out in days: pure, for the page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

from shothub.wire.reservations import ReservationView

HOUR = 24  # pixels
DAY = 24 * HOUR
_LEAST = 5  # pixels, so that a minute can be seen
_LINE, _FIRST = 14, 15


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A reservation's part of one day.

    Attributes:
        top, height: pixels from midnight.
        lines: text with its base line, pixels from the top of the slot.
        said: all of it in words.
    """

    view: ReservationView
    top: int
    height: int
    lines: Sequence[tuple[int, str]]
    said: str


@dataclass(frozen=True, kw_only=True)
class Day:
    """One column.

    Attributes:
        now: where the present is, pixels from midnight; None on other days.
    """

    date: date
    slots: list[Slot] = field(default_factory=list)
    now: int | None = None


@dataclass(frozen=True, kw_only=True)
class Week:
    """Monday to Sunday in one zone.

    Attributes:
        hours: labels of the hours with their base line, pixels.
        earlier, later: names of the weeks around it, e.g. ``2026-W48``.
    """

    monday: date
    days: list[Day]
    hours: list[tuple[int, str]]
    earlier: str
    later: str

    @property
    def sunday(self) -> date:
        """Return its last day."""
        return self.monday + timedelta(days=6)


def monday_of(name: str, today: date) -> date:
    """Return the Monday of a week named as ``2026-W48``, else of the present one."""
    try:
        found = datetime.strptime(f"{name}-1", "%G-W%V-%u").date()  # noqa: DTZ007
    except ValueError:
        found = today
    near = found if 2000 <= found.year < 2200 else today
    return near - timedelta(days=near.weekday())


def name_of(monday: date) -> str:
    """Return the name of a week."""
    return f"{monday:%G-W%V}"


def span_of(monday: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return begin and end of a week in a zone, whatever its clocks do meanwhile."""
    ends = (monday, monday + timedelta(days=7))
    first, last = (datetime.combine(day, time(), zone) for day in ends)
    return first, last


def week(
    monday: date, views: Iterable[ReservationView], zone: tzinfo, *, now: datetime
) -> Week:
    """Lay the reservations of a week out."""
    found = list(views)
    dates = [monday + timedelta(days=n) for n in range(7)]
    seven = timedelta(days=7)
    return Week(
        monday=monday,
        days=[_day(day, found, zone, now.astimezone(zone)) for day in dates],
        hours=[(hour * HOUR + 4, f"{hour:02d}:00") for hour in range(1, 24)],
        earlier=name_of(monday - seven),
        later=name_of(monday + seven),
    )


def _day(day: date, views: list[ReservationView], zone: tzinfo, now: datetime) -> Day:
    slots = [slot for view in views if (slot := _slot(day, view, zone))]
    present = round(_pixels(day, now)) if now.date() == day else None
    return Day(date=day, slots=slots, now=present)


def _slot(day: date, view: ReservationView, zone: tzinfo) -> Slot | None:
    starts, ends = view.starts.astimezone(zone), view.ends.astimezone(zone)
    if ends <= datetime.combine(day, time(), zone) or starts.date() > day:
        return None
    begin, end = _pixels(day, starts), _pixels(day, ends)
    top = min(round(begin), DAY - _LEAST)
    height = max(round(end) - top, _LEAST)
    span = f"{starts:%H:%M} to {ends:%H:%M}"
    words = [f"{starts:%H:%M} {whose(view)}", view.title]
    return Slot(
        view=view,
        top=top,
        height=height,
        lines=_fitting([word for word in words if word], height),
        said=", ".join(w for w in (span, whose(view), view.title, view.state) if w),
    )


def _fitting(words: Sequence[str], height: int) -> list[tuple[int, str]]:
    room = max((height - _FIRST) // _LINE + 1, 0) if height >= _FIRST else 0
    return [(_FIRST - 2 + n * _LINE, word) for n, word in enumerate(words[:room])]


def _pixels(day: date, at: datetime) -> float:
    """Return where a wall clock's time lies in a day's column, cut to the column."""
    if at.date() < day:
        return 0
    if at.date() > day:
        return DAY
    return (at.hour + at.minute / 60 + at.second / 3600) * HOUR


def whose(view: ReservationView) -> str:
    """Return in words for whom the time is."""
    if view.kind == "maintenance":
        return "maintenance"
    return view.group if view.kind == "group" else view.owner
