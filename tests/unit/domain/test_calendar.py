"""Whose time it is, and whether a shot may start: half-open, and never in another's time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.calendar import (
    IDLE_RELEASE,
    MARGIN,
    Asked,
    Booking,
    Holder,
    Turn,
    booked_within,
    clash,
    in_words,
    may_open,
    may_start,
    next_free,
    overlaps,
    standing_at,
    turn_until,
    weeks_of,
)

T0 = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # the night in which Europe loses an hour
ALICE, BOB, LAB = 1, 2, 7
ALICES = Holder(user=ALICE)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def booked(
    starts: float,
    ends: float,
    holder: Holder | None = ALICES,
    *,
    idle_since: datetime | None = None,
) -> Booking:
    return Booking(
        id=1,
        holder=holder,
        starts=at(starts),
        ends=at(ends),
        name="alice",
        idle_since=idle_since,
    )


def refusal(
    bookings: list[Booking],
    now: float,
    *,
    user: int = BOB,
    group: int | None = None,
    seconds: float = 10.0,
    session: str = "",
    above: bool = False,
    turn: Turn | None = None,
) -> str:
    shot = Asked(user=user, group=group, seconds=seconds, session=session, above=above)
    fault = may_start(standing_at(bookings, at(now), turn), shot, now=at(now))
    return fault.code if fault else ""


def test_a_span_ends_where_the_next_begins() -> None:
    assert not overlaps(at(0), at(10), at(10), at(20))
    assert not overlaps(at(10), at(20), at(0), at(10))
    assert overlaps(at(0), at(10), at(9.99), at(20))


def test_only_the_holder_starts_shots_in_his_time() -> None:
    assert refusal([booked(0, 60)], 30) == "reserved"
    assert refusal([booked(0, 60)], 30, user=ALICE) == ""


def test_the_first_moment_belongs_to_it_and_the_last_does_not() -> None:
    assert refusal([booked(0, 60)], 0) == "reserved"
    assert refusal([booked(0, 60)], 60) == ""


def test_everybody_of_a_group_runs_in_its_time_but_for_the_group() -> None:
    time = [booked(0, 60, Holder(group=LAB))]
    assert refusal(time, 30, user=BOB, group=LAB) == ""
    assert refusal(time, 30, user=ALICE, group=None) == "reserved"


def test_maintenance_closes_the_machine_to_all() -> None:
    time = [booked(0, 60, None)]
    assert refusal(time, 30, user=ALICE) == "maintenance"
    assert refusal(time, 30, above=True) == "maintenance"


def test_the_labs_own_shots_run_in_everybodys_time() -> None:
    assert refusal([booked(0, 60)], 30, above=True) == ""


def test_nothing_starts_that_could_not_end_before_the_next_reservation() -> None:
    time = [booked(10, 60)]
    left = 10 * 60 - MARGIN.total_seconds()
    assert refusal(time, 0, seconds=left) == ""
    assert refusal(time, 0, seconds=left + 0.1) == "reservation_ahead"
    assert refusal(time, 0, seconds=left + 0.1, user=ALICE) == ""


def test_a_later_reservation_of_others_counts_behind_ones_own() -> None:
    time = [booked(0, 10), booked(10, 20, Holder(user=BOB))]
    assert refusal(time, 5, user=ALICE, seconds=200) == ""
    assert refusal(time, 5, user=ALICE, seconds=400) == "reservation_ahead"


def test_maintenance_ahead_stops_the_labs_own_shots_too() -> None:
    time = [booked(5, 10), booked(20, 30, None)]
    assert refusal(time, 0, seconds=400, above=True) == ""
    assert refusal(time, 0, seconds=1300, above=True) == "reservation_ahead"


def test_time_of_an_idle_holder_is_lent_after_five_minutes() -> None:
    idle = [booked(0, 60, idle_since=at(10))]
    almost = (at(10) + IDLE_RELEASE - at(0)).total_seconds() / 60 - 0.01
    assert refusal(idle, almost) == "reserved"
    assert refusal(idle, 15) == ""
    assert refusal(idle, 15, user=ALICE) == ""


def test_maintenance_is_never_lent() -> None:
    assert refusal([booked(0, 60, None, idle_since=at(0))], 30) == "maintenance"


def turn(until: float = 10.0) -> Turn:
    return Turn(id="turn", user=ALICE, group=None, until=at(until))


def test_only_its_own_jobs_run_while_a_session_is_open() -> None:
    assert refusal([], 0, turn=turn()) == "session"
    assert refusal([], 0, turn=turn(), user=ALICE) == "session"
    assert refusal([], 0, turn=turn(), user=ALICE, session="turn") == ""


def test_a_shot_of_a_session_ends_before_the_session_does() -> None:
    def refused(seconds: float) -> str:
        mine = turn()
        return refusal([], 9, user=ALICE, session="turn", turn=mine, seconds=seconds)

    assert refused(60.0) == ""
    assert refused(60.1) == "session"


def test_a_session_that_is_over_stands_in_nobodys_way() -> None:
    assert refusal([], 10, turn=turn()) == ""
    assert refusal([], 10, turn=turn(), user=ALICE, session="turn") == "session"


def test_a_session_ends_where_a_foreign_reservation_begins() -> None:
    standing = standing_at([booked(5, 60)], at(0))
    until = turn_until(standing, user=BOB, group=None, seconds=600, now=at(0))
    assert until == at(5)
    own = turn_until(standing, user=ALICE, group=None, seconds=600, now=at(0))
    assert own == at(10)


def test_a_session_does_not_open_for_less_than_is_of_use() -> None:
    standing = standing_at([booked(5, 60)], at(0))
    assert may_open(standing, user=BOB, group=None, seconds=300, now=at(0))
    assert not may_open(standing, user=BOB, group=None, seconds=301, now=at(0))


def test_it_says_in_words_whose_time_it_is() -> None:
    nothing = in_words(standing_at([booked(120, 180)], at(0)))
    assert nothing == (
        "nothing is reserved now; from 2026-03-29 03:00 UTC: reserved for alice"
    )
    assert in_words(standing_at([booked(0, 60)], at(0))) == (
        "reserved for alice until 02:00 UTC"
    )
    idle = booked(0, 60, idle_since=at(0))
    assert "everybody may" in in_words(standing_at([idle], at(30)))
    closed = standing_at([booked(0, 60, None)], at(0), turn())
    assert in_words(closed) == "maintenance until 02:00 UTC (alice)"
    assert in_words(standing_at([], at(0), turn())).startswith("a session of")


def test_it_names_the_next_time_that_is_free_for_so_long() -> None:
    time = [booked(0, 10), booked(15, 30), booked(60, 90)]
    assert next_free(time, at(0), timedelta(minutes=5)) == at(10)
    assert next_free(time, at(0), timedelta(minutes=6)) == at(30)
    assert next_free(time, at(90), timedelta(minutes=6)) == at(90)


def test_a_week_is_from_monday_to_monday_whatever_the_clocks_do() -> None:
    [first, second] = weeks_of(at(0), at(24 * 60))
    assert first[1] == second[0] == datetime(2026, 3, 30, tzinfo=UTC)
    assert first[1] - first[0] == timedelta(days=7)
    assert booked_within([(at(0), at(24 * 60))], first) == timedelta(hours=23)
    assert booked_within([(at(0), at(24 * 60))], second) == timedelta(hours=1)


minutes = st.integers(0, 200)
spans = st.tuples(minutes, st.integers(1, 60)).map(lambda s: booked(s[0], s[0] + s[1]))


@given(st.lists(spans, max_size=12), minutes, st.integers(1, 60))
def test_what_is_said_to_be_free_is_free(
    time: list[Booking], starts: int, length: int
) -> None:
    free = next_free(time, at(starts), timedelta(minutes=length))
    assert free >= at(starts)
    assert clash(time, free, free + timedelta(minutes=length)) is None


@given(st.lists(spans, max_size=12), minutes, st.integers(1, 60))
def test_no_earlier_begin_would_do(
    time: list[Booking], starts: int, length: int
) -> None:
    free = next_free(time, at(starts), timedelta(minutes=length))
    for earlier in range(starts, int((free - T0).total_seconds() // 60)):
        assert clash(time, at(earlier), at(earlier + length)) is not None


@given(st.lists(st.tuples(minutes, st.integers(1, 60)), max_size=30))
def test_booking_only_what_is_free_never_overlaps(asked: list[tuple[int, int]]) -> None:
    taken: list[Booking] = []
    for starts, length in asked:
        if clash(taken, at(starts), at(starts + length)) is None:
            taken.append(booked(starts, starts + length))
    for minute in range(270):
        inside = [b for b in taken if b.starts <= at(minute) < b.ends]
        assert len(inside) <= 1


holders = st.sampled_from([Holder(user=ALICE), Holder(user=BOB), None])


@st.composite
def calendars(draw: st.DrawFn) -> list[Booking]:
    """Draw a calendar as it can be stored: without overlaps."""
    edges = sorted(draw(st.sets(minutes, max_size=8)))
    pairs = list(pairwise(edges))
    kept = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    return [
        booked(*pair, draw(holders))
        for pair, keep in zip(pairs, kept, strict=True)
        if keep
    ]


@given(calendars(), minutes, st.floats(0.1, 3000), st.sampled_from([ALICE, BOB]))
def test_no_shot_that_may_start_reaches_into_anothers_time(
    time: list[Booking], now: int, seconds: float, user: int
) -> None:
    end = at(now) + timedelta(seconds=seconds)
    foreign = [b for b in time if not b.is_held_by(user, None)]
    if not refusal(time, now, user=user, seconds=seconds):
        assert clash(foreign, at(now), end) is None


@given(calendars(), minutes, st.floats(0.1, 3000), st.sampled_from([ALICE, BOB]))
def test_every_shot_that_keeps_clear_of_others_may_start(
    time: list[Booking], now: int, seconds: float, user: int
) -> None:
    end = at(now) + timedelta(seconds=seconds) + MARGIN
    foreign = [b for b in time if not b.is_held_by(user, None)]
    if clash(foreign, at(now), end) is None:
        assert refusal(time, now, user=user, seconds=seconds) == ""
