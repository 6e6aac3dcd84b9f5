"""A week of the calendar: every reservation lies where the clocks of its zone say."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shothub.server.web.week import DAY, HOUR, monday_of, name_of, span_of, week
from shothub.wire.reservations import ReservationView

MONDAY = date(2026, 11, 23)
BERLIN = ZoneInfo("Europe/Berlin")


def view(starts: datetime, hours: float, **changes: object) -> ReservationView:
    given: dict[str, object] = {
        "id": 1,
        "apparatus": "sim",
        "kind": "exclusive",
        "owner": "alice",
        "starts": starts,
        "ends": starts + timedelta(hours=hours),
        "state": "coming",
    }
    return ReservationView.model_validate(given | changes)


def at(day: int, hour: float) -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(days=day, hours=hour)


def laid_out(*views: ReservationView, zone: ZoneInfo = BERLIN) -> list[list[int]]:
    found = week(MONDAY, views, zone, now=at(0, 2))
    return [
        [number for slot in day.slots for number in (slot.top, slot.height)]
        for day in found.days
    ]


def test_a_reservation_lies_by_the_clock_of_the_zone() -> None:
    [monday, *rest] = laid_out(view(at(0, 9), 2))
    assert monday == [10 * HOUR, 2 * HOUR]
    assert not any(rest)


def test_one_over_midnight_lies_in_both_days() -> None:
    days = laid_out(view(at(3, 22), 5))
    assert days[3] == [23 * HOUR, HOUR]
    assert days[4] == [0, 4 * HOUR]
    assert not any([*days[:3], *days[5:]])


def test_one_that_ends_at_midnight_is_not_in_the_next_day() -> None:
    days = laid_out(view(at(0, 21), 2))
    assert days[0] == [22 * HOUR, 2 * HOUR]
    assert days[1] == []


def test_the_shortest_can_be_seen() -> None:
    [monday, *_] = laid_out(view(at(0, 9), 1 / 60))
    assert monday[1] >= 5


def test_the_present_is_marked_on_its_day_alone() -> None:
    found = week(MONDAY, [], BERLIN, now=at(0, 2))
    assert [day.now for day in found.days] == [3 * HOUR, *[None] * 6]


def test_the_week_of_the_change_of_clocks_is_an_hour_longer() -> None:
    starts, ends = span_of(date(2026, 10, 19), BERLIN)
    assert ends.astimezone(UTC) - starts.astimezone(UTC) == timedelta(hours=169)


def test_a_week_has_a_name_and_neighbours_over_the_year() -> None:
    assert monday_of("2026-W53", MONDAY) == date(2026, 12, 28)
    found = week(date(2026, 12, 28), [], BERLIN, now=at(0, 0))
    assert (found.earlier, found.later) == ("2026-W52", "2027-W01")
    assert monday_of(name_of(MONDAY), date(2000, 1, 1)) == MONDAY


def test_a_name_that_is_none_means_the_present_week() -> None:
    for name in ("", "2026-W99", "x", "2026-W1'", "9999-W52", "0001-W01"):
        assert monday_of(name, date(2026, 11, 25)) == MONDAY


@given(st.floats(-48, 200), st.floats(0.02, 100))
def test_nothing_leaves_its_column(hour: float, hours: float) -> None:
    for day in laid_out(view(at(0, hour), hours)):
        for top, height in zip(day[::2], day[1::2], strict=True):
            assert top >= 0
            assert height > 0
            assert top + height <= DAY
