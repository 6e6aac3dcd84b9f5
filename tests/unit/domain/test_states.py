from itertools import chain

import pytest

from shothub.domain.states import (
    JOB_ENDS,
    JOB_MOVES,
    REOPENED_FROM,
    SHOT_MOVES,
    SHOT_STATE_AFTER,
    JobState,
    Outcome,
    ShotState,
    end_of_job,
    sources_of_job,
    sources_of_shot,
)


def test_every_state_has_a_row_and_only_known_targets() -> None:
    assert set(JOB_MOVES) == set(JobState)
    assert set(SHOT_MOVES) == set(ShotState)
    assert set(chain(*SHOT_MOVES.values())) <= set(ShotState)


def test_every_job_can_reach_an_end() -> None:
    reach = set(JOB_ENDS)
    for _ in JobState:
        reach |= {s for s, moves in JOB_MOVES.items() if moves & reach}
    assert reach == set(JobState)


def test_an_end_is_left_only_by_reopening() -> None:
    reopened = {state for state in JOB_ENDS if JOB_MOVES[state]}
    assert reopened == {JobState.DONE, JobState.FAILED}
    assert all(JOB_MOVES[state] == {JobState.QUEUED} for state in reopened)
    assert reopened <= REOPENED_FROM
    assert {
        JobState.DONE,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.EXPIRED,
    } == JOB_ENDS


def test_a_started_shot_returns_only_on_evidence_that_it_never_began() -> None:
    returning = {o for o, s in SHOT_STATE_AFTER.items() if s is ShotState.COMPILED}
    assert returning == {Outcome.NOT_STARTED}
    assert sources_of_shot(ShotState.STARTED) == {ShotState.LEASED}


def test_each_outcome_is_a_move_from_started() -> None:
    assert set(SHOT_STATE_AFTER) == set(Outcome)
    assert set(SHOT_STATE_AFTER.values()) <= SHOT_MOVES[ShotState.STARTED]


def test_late_evidence_may_settle_an_unknown_shot() -> None:
    assert ShotState.UNKNOWN in sources_of_shot(ShotState.DONE)


def test_an_analysed_job_cannot_run_again() -> None:
    assert JobState.ANALYSING not in sources_of_job(JobState.RUNNING)


@pytest.mark.parametrize(
    ("shots", "cancelled", "end"),
    [
        ([ShotState.DONE, ShotState.FAILED], False, JobState.DONE),
        ([ShotState.FAILED, ShotState.UNKNOWN], False, JobState.FAILED),
        ([], False, JobState.FAILED),
        ([ShotState.DONE], True, JobState.CANCELLED),
    ],
)
def test_a_job_ends_as_its_shots_did(
    shots: list[ShotState], cancelled: bool, end: JobState
) -> None:
    assert end_of_job(shots, cancelled=cancelled) is end
