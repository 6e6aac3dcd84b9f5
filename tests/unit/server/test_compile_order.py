"""Whose job is compiled next."""

from shothub.server.jobs.compile_order import Head, choose


def jobs(owner: int, count: int, *, shots: int = 10, since: int = 0) -> list[Head]:
    return [Head(owner, f"{owner}-{i}", since + i, shots) for i in range(count)]


def test_each_users_own_order_is_kept() -> None:
    assert choose([jobs(1, 3)], {}, 5) == ["1-0", "1-1", "1-2"]


def test_whoever_has_least_ready_is_served_first() -> None:
    lists = [jobs(1, 3), jobs(2, 3, since=100)]
    assert choose(lists, {1: 50}, 2) == ["2-0", "2-1"]


def test_a_job_of_many_shots_counts_as_such() -> None:
    lists = [jobs(1, 3, shots=30), jobs(2, 3, shots=10, since=100)]
    assert choose(lists, {}, 5) == ["1-0", "2-0", "2-1", "2-2", "1-1"]


def test_of_equals_the_first_comer_goes_first() -> None:
    assert choose([jobs(2, 1, since=5), jobs(1, 1, since=6)], {}, 1) == ["2-0"]


def test_no_more_than_asked_for_is_given() -> None:
    assert choose([jobs(1, 9)], {}, 4) == ["1-0", "1-1", "1-2", "1-3"]
    assert choose([], {}, 4) == []
