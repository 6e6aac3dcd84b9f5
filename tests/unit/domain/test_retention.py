"""Results are deleted never without a warning that was long enough."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.retention import end_of_results, policy_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
days = st.integers(min_value=1, max_value=5000)


def test_without_days_nothing_is_deleted() -> None:
    assert policy_of(0, 14) is None


@given(keep=days, warn=days, age=days)
def test_a_warning_is_long_enough_and_nothing_goes_early(
    keep: int, warn: int, age: int
) -> None:
    policy = policy_of(keep, warn)
    assert policy
    ended = NOW - timedelta(days=age)
    end = end_of_results(policy, ended, NOW)
    assert end - NOW >= timedelta(days=warn)
    assert end - ended >= timedelta(days=keep)
    if ended == policy.told_from(NOW):
        assert end == NOW + timedelta(days=warn) == ended + timedelta(days=keep)
