from datetime import UTC, datetime, timedelta

import pytest

from shothub.domain.bars import (
    Bar,
    Conditions,
    Predecessor,
    bar_of,
    fault_of,
    is_good,
)
from shothub.domain.states import JOB_ENDS, JobState

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("conditions", "bar"),
    [
        (Conditions(), None),
        (Conditions(held=True), Bar.HELD),
        (Conditions(after_left=1), Bar.AFTER),
        (Conditions(not_before=NOW + SECOND), Bar.NOT_BEFORE),
        (Conditions(not_before=NOW), None),
        (Conditions(not_before=NOW - SECOND), None),
        (Conditions(drained=True), Bar.DRAINED),
        (Conditions(session_waits=True), Bar.SESSION),
    ],
)
def test_each_condition_bars_by_itself(conditions: Conditions, bar: Bar | None) -> None:
    assert bar_of(conditions, NOW) is bar


def test_a_hold_is_the_last_to_fall() -> None:
    """As a job that waits for a time is looked for by that bar, weaker ones come after."""
    every = Conditions(
        held=True, after_left=2, not_before=NOW + SECOND, session_waits=True
    )
    assert bar_of(every, NOW) is Bar.HELD


def test_a_job_with_every_shot_is_good_to_follow() -> None:
    done = Predecessor(job="a", state=JobState.DONE)
    assert is_good(done)
    assert fault_of(done) is None


@pytest.mark.parametrize("state", sorted(set(JobState) - JOB_ENDS))
def test_what_goes_on_is_neither_good_nor_lost(state: JobState) -> None:
    earlier = Predecessor(job="a", state=state)
    assert not is_good(earlier)
    assert fault_of(earlier) is None


@pytest.mark.parametrize(
    "earlier",
    [
        Predecessor(job="a", state=JobState.FAILED),
        Predecessor(job="a", state=JobState.CANCELLED),
        Predecessor(job="a", state=JobState.CANCELLED, undecided=1),
        Predecessor(job="a", state=JobState.EXPIRED),
        Predecessor(job="a", state=JobState.DONE, missing=1),
        Predecessor(job="a", state=JobState.FAILED, missing=3),
    ],
)
def test_what_ended_otherwise_is_named(earlier: Predecessor) -> None:
    fault = fault_of(earlier)
    assert fault is not None
    assert fault.code == "predecessor_failed"
    assert "Job a," in fault.detail


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED])
def test_an_undecided_shot_may_yet_make_it_good(state: JobState) -> None:
    earlier = Predecessor(job="a", state=state, undecided=1)
    assert not is_good(earlier)
    assert fault_of(earlier) is None
