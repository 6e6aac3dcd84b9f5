from datetime import UTC, datetime, timedelta

import pytest

from shothub.domain.budgets import Window
from shothub.domain.express import credit_now
from shothub.domain.memory import factor, faded
from shothub.domain.metering import Gaps, Run, gap_before, learn, seconds_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def run(
    *,
    began: float | None = 2.0,
    ended: float | None = 12.0,
    free: float | None = 1.0,
    most: float | None = None,
) -> Run:
    return Run(
        opened=at(0),
        began=None if began is None else at(began),
        ended=None if ended is None else at(ended),
        heard=at(20),
        free_since=None if free is None else at(free),
        most=most,
    )


def test_a_shot_takes_what_was_measured_at_the_apparatus() -> None:
    assert seconds_of(run()) == 10.0


def test_no_report_makes_a_shot_longer_than_the_hub_has_seen() -> None:
    assert seconds_of(run(ended=3_600.0)) == 20.0


def test_a_shot_of_unknown_outcome_costs_no_more_than_it_was_to_take() -> None:
    assert seconds_of(run(began=None, most=5.0)) == 5.0
    assert seconds_of(run(began=None, free=8.0)) == 4.0


def test_the_gap_is_from_when_the_machine_was_free_and_asked_for() -> None:
    assert gap_before(run()) == 1.0
    assert gap_before(run(free=-500.0)) == 2.0
    assert gap_before(run(free=None)) is None
    assert gap_before(run(began=5_000.0)) is None


def test_the_cost_of_a_change_is_what_it_adds_to_a_gap() -> None:
    gaps = Gaps()
    for _ in range(200):
        gaps = learn(gaps, 0.5, changed=False)
        gaps = learn(gaps, 15.5, changed=True)
    assert gaps.same == pytest.approx(0.5)
    assert gaps.switch == pytest.approx(15.0, abs=0.1)


def test_a_budget_counts_what_was_spent_in_the_span_alone() -> None:
    window = Window(600.0).add(30.0, now=1_000.0).add(20.0, now=1_300.0)
    assert window.used(1_300.0) == 50.0
    assert window.used(1_615.0) == 20.0
    assert window.used(2_000.0) == 0.0
    assert len(window.add(1.0, now=2_000.0).spent) == 1


def test_express_credit_comes_back_up_to_the_whole() -> None:
    assert credit_now(None, 0.0, 5.0, most=120.0, refill=10.0) == 120.0
    assert credit_now(0.0, 0.0, 300.0, most=120.0, refill=10.0) == 10.0
    assert credit_now(0.0, 0.0, 1e9, most=120.0, refill=10.0) == 120.0


def test_memory_is_bounded_and_starts_slowly() -> None:
    assert faded(100.0, 0.0, 604_800.0, 604_800.0) == 50.0
    assert factor(usage=1e9, total=1e9, fair=0.5, most=2.0) == pytest.approx(
        0.5, abs=1e-3
    )
    assert factor(usage=0.0, total=1e9, fair=0.5, most=2.0) == pytest.approx(2.0)
    assert factor(usage=60.0, total=60.0, fair=0.5, most=2.0) > 0.95
