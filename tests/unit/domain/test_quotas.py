from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.quotas import (
    Bound,
    Meter,
    QuotaRow,
    What,
    bounds_from,
    first_exceeded,
    free_at,
    is_exceeded,
    refusal_of,
    take,
    used_within,
    warning_of,
)

NOW = datetime(2026, 1, 10, 6, tzinfo=UTC)
DAY = timedelta(days=1)
DEFAULTS = {What.PENDING_SHOTS: 20_000.0}


def row(limit: float, *, is_own: bool = False, group: int | None = None) -> QuotaRow:
    return QuotaRow(limits={What.PENDING_SHOTS: limit}, is_own=is_own, group=group)


@pytest.mark.parametrize(
    ("rows", "limit"),
    [
        ([], 20_000),
        ([row(100)], 100),
        ([row(500, is_own=True), row(100)], 500),
        ([row(100), row(500, is_own=True)], 500),
    ],
)
def test_ones_own_number_replaces_the_general_one(
    rows: list[QuotaRow], limit: float
) -> None:
    assert bounds_from(rows, DEFAULTS) == [Bound(what=What.PENDING_SHOTS, limit=limit)]


def test_a_number_that_is_not_set_leaves_the_general_one() -> None:
    own = QuotaRow(limits={What.PENDING_SHOTS: None, What.STORED: 5}, is_own=True)
    found = {bound.what: bound.limit for bound in bounds_from([own, row(100)], {})}
    assert found == {What.PENDING_SHOTS: 100, What.STORED: 5}


def test_a_groups_number_bounds_it_beside_its_members() -> None:
    found = bounds_from([row(100), row(300, group=7)], {})
    assert {(b.group, b.limit) for b in found} == {(None, 100), (7, 300)}


def test_of_the_day_that_leaves_the_window_a_part_counts() -> None:
    days = {date(2026, 1, 10): 100.0, date(2026, 1, 9): 400.0, date(2026, 1, 8): 900.0}
    assert used_within(days, NOW, DAY) == pytest.approx(100 + 400 * 0.75)
    assert used_within(days, NOW, 7 * DAY) == pytest.approx(1400)


def test_time_frees_what_leaves_the_window() -> None:
    days = {date(2026, 1, 9): 400.0}
    assert free_at(days, NOW, DAY, 300.0) == NOW
    assert free_at(days, NOW, DAY, 200.0) == NOW + timedelta(hours=6)
    assert free_at(days, NOW, DAY, 0.0) == NOW + timedelta(hours=18)
    assert free_at(days, NOW, DAY, -1.0) is None


@given(
    st.dictionaries(
        st.dates(date(2026, 1, 2), date(2026, 1, 10)), st.floats(0, 1e5), max_size=9
    ),
    st.floats(0, 2e5),
    st.sampled_from([DAY, 7 * DAY]),
)
def test_it_is_free_when_it_is_said_to_be_and_not_long_before(
    days: dict[date, float], room: float, window: timedelta
) -> None:
    free = free_at(days, NOW, window, room)
    assert free is not None
    assert used_within(days, free, window) <= room + 1e-3
    earlier = free - timedelta(minutes=1)
    if earlier > NOW:
        assert used_within(days, earlier, window) > room - 1e-3


def meter(**changes: object) -> Meter:
    known = {"what": What.MACHINE_DAY, "limit": 3600.0, "used": 3000.0, "queued": 400.0}
    return Meter(**known | changes)  # type: ignore[arg-type]


def test_what_waits_counts() -> None:
    assert not is_exceeded(meter(asked=200.0))
    assert is_exceeded(meter(asked=201.0))
    assert first_exceeded([meter(), meter(asked=900.0)]) == meter(asked=900.0)


def test_a_refusal_has_the_numbers_and_the_time_to_come_back() -> None:
    free = NOW + timedelta(hours=2)
    refusal = refusal_of(meter(asked=300.0, apparatus="sim", free_at=free), NOW)
    assert refusal.retry_after == 7201
    assert refusal.fault.code == "quota_machine_day"
    for part in ("on sim", "3000 s", "400 s", "300 s", "3600 s"):
        assert part in refusal.fault.detail
    assert "08:00 UTC" in refusal.fault.hint


def test_a_bound_that_is_nearly_reached_is_told() -> None:
    assert "3600 s are allowed" in warning_of(meter())
    assert warning_of(meter(used=0.0)) == ""
    assert warning_of(meter(asked=900.0)) == "", "it is refused instead"


def test_a_bucket_grants_its_number_at_once_and_then_one_after_another() -> None:
    bucket, waits = None, []
    for _ in range(4):
        bucket, wait = take(bucket, 3, at=100.0)
        waits.append(wait)
    assert waits == [0.0, 0.0, 0.0, 20.0]
    _, wait = take(bucket, 3, at=119.0)
    assert wait == pytest.approx(1.0)
    _, wait = take(bucket, 3, at=120.0)
    assert wait == 0.0
