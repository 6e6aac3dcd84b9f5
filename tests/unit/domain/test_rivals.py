"""Two agents that fight, and what must not be mistaken for that."""

from datetime import UTC, datetime, timedelta

import pytest

from shothub.domain.rivals import Opening, fighting, recent

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def sessions(agents: str, *, every: float = 30.0) -> list[Opening]:
    """One session for each letter, the last one now."""
    ages = [every * i for i in range(len(agents))][::-1]
    return [
        Opening(agent=agent, at=NOW - timedelta(seconds=age))
        for agent, age in zip(agents, ages, strict=True)
    ]


@pytest.mark.parametrize("agents", ["ABA", "ABC", "AAABBA", "ABABABAB"])
def test_taken_over_and_back_is_a_fight(agents: str) -> None:
    assert fighting(sessions(agents, every=10.0), NOW)


@pytest.mark.parametrize("agents", ["", "A", "AB", "AAAAAAAA", "AAABBB"])
def test_a_restart_loop_and_one_takeover_are_no_fight(agents: str) -> None:
    assert not fighting(sessions(agents, every=10.0), NOW)


def test_what_is_longer_ago_than_five_minutes_does_not_count() -> None:
    assert fighting(sessions("ABA", every=149.0), NOW)
    assert not fighting(sessions("ABA", every=151.0), NOW)


def test_a_long_restart_loop_is_not_remembered_whole() -> None:
    assert len(recent(sessions("A" * 200, every=1.0), NOW)) == 20
