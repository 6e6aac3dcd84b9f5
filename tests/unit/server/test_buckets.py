"""Buckets of requests: they fill evenly, and their memory is bounded."""

from shothub.server.accounts.buckets import Buckets


def test_a_bucket_grants_its_rate_and_fills_evenly() -> None:
    buckets = Buckets()
    assert [buckets.wait_for("a", 2, 0.0) for _ in range(3)] == [0.0, 0.0, 30.0]
    assert buckets.wait_for("a", 2, 30.0) == 0.0
    assert buckets.wait_for("b", 2, 30.0) == 0.0


def test_zero_is_no_bound() -> None:
    buckets = Buckets()
    assert not any(buckets.wait_for("a", 0, 0.0) for _ in range(1000))
    assert len(buckets) == 0


def test_what_costs_more_than_a_full_bucket_takes_all_of_it() -> None:
    buckets = Buckets()
    assert buckets.wait_for("a", 10, 0.0, cost=50) == 0.0
    assert buckets.wait_for("a", 10, 0.0) == 6.0


def test_many_who_ask_do_not_fill_the_memory() -> None:
    buckets = Buckets(most=100)
    for number in range(10_000):
        buckets.wait_for(number, 1, 0.0)
    assert len(buckets) <= 100
    assert buckets.wait_for(9_999, 1, 0.0) > 0, "whoever asked last is remembered"


def test_full_buckets_are_forgotten_first() -> None:
    buckets = Buckets(most=100)
    buckets.wait_for("busy", 1, 60.0)
    for number in range(99):
        buckets.wait_for(number, 1, 0.0)
    buckets.wait_for("new", 1, 60.0)
    assert len(buckets) == 2
    assert buckets.wait_for("busy", 1, 60.0) > 0
