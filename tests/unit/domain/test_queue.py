from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.queue import Waiting, pick_user, tag_after, tag_on_arrival

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_nobody_waits() -> None:
    assert pick_user([]) is None


@given(st.lists(st.floats(0.1, 30.0), min_size=2, max_size=6))
def test_busy_users_get_equal_time_whatever_their_shots_take(
    costs: list[float],
) -> None:
    tags = dict.fromkeys(range(len(costs)), 0.0)
    for _ in range(2000):
        user = pick_user([Waiting(user=u, tag=t, since=NOW) for u, t in tags.items()])
        assert user is not None
        tags[user] = tag_after(tags[user], costs[user])
    assert max(tags.values()) - min(tags.values()) <= max(costs) + 1e-6


def test_idle_time_earns_no_credit() -> None:
    assert tag_on_arrival(tag=3.0, virtual_time=100.0) == 100.0
    assert tag_on_arrival(tag=120.0, virtual_time=100.0) == 120.0
