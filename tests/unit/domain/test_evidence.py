"""Every outcome of every report on a shot in every situation, against the rules in words."""

from itertools import product

import pytest

from shothub.domain.evidence import Case, Decision, reruns_by_itself, shot_after
from shothub.domain.states import SHOT_MOVES, JobState, Outcome, ShotState

S, J = ShotState, JobState
DECISIONS = (None, *Decision)
ENDED = (S.UNKNOWN, S.FAILED, S.CANCELLED, S.COMPILED, S.LEASED)


@pytest.mark.parametrize(("outcome", "state"), list(product(Outcome, S)))
def test_a_report_on_an_older_attempt_moves_nothing(
    outcome: Outcome, state: ShotState
) -> None:
    case = Case(state=state, job=J.RUNNING, newest=False, decision=Decision.RERUN)
    assert shot_after(outcome, case) is None


def test_every_move_is_in_the_table_of_moves() -> None:
    for outcome, state, job, decision, cancelled in product(
        Outcome, S, J, DECISIONS, (False, True)
    ):
        case = Case(state=state, job=job, decision=decision, cancelled=cancelled)
        target = shot_after(outcome, case)
        assert target is None or target in SHOT_MOVES[state], (outcome, case)


@pytest.mark.parametrize(("state", "decision"), list(product(ENDED, DECISIONS)))
def test_what_proves_to_be_done_is_done_whatever_was_decided(
    state: ShotState, decision: Decision | None
) -> None:
    case = Case(state=state, job=J.DONE, decision=decision)
    assert shot_after(Outcome.DONE, case) is S.DONE


@pytest.mark.parametrize("outcome", Outcome)
def test_nothing_unmakes_a_done_shot(outcome: Outcome) -> None:
    assert shot_after(outcome, Case(state=S.DONE, job=J.DONE)) is None


@pytest.mark.parametrize(
    ("outcome", "target"),
    [
        (Outcome.DONE, S.DONE),
        (Outcome.FAILED, S.FAILED),
        (Outcome.ABORTED, S.FAILED),
        (Outcome.UNKNOWN, S.UNKNOWN),
        (Outcome.NOT_STARTED, S.COMPILED),
    ],
)
def test_a_started_shot_goes_where_its_report_says(
    outcome: Outcome, target: ShotState
) -> None:
    assert shot_after(outcome, Case(state=S.STARTED, job=J.RUNNING)) is target


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.ABORTED])
@pytest.mark.parametrize("decision", [None, Decision.KEEP])
def test_an_unknown_shot_that_proves_failed_has_failed(
    outcome: Outcome, decision: Decision | None
) -> None:
    case = Case(state=S.UNKNOWN, job=J.DONE, decision=decision)
    assert shot_after(outcome, case) is S.FAILED


def test_an_unknown_shot_that_never_began_runs_if_nobody_decided() -> None:
    for job in (J.QUEUED, J.RUNNING, J.DONE, J.FAILED, J.ANALYSING):
        case = Case(state=S.UNKNOWN, job=job)
        assert shot_after(Outcome.NOT_STARTED, case) is S.COMPILED


def test_a_kept_shot_that_never_began_does_not_run_by_itself() -> None:
    case = Case(state=S.UNKNOWN, job=J.DONE, decision=Decision.KEEP)
    assert shot_after(Outcome.NOT_STARTED, case) is S.FAILED


@pytest.mark.parametrize("state", [S.STARTED, S.UNKNOWN])
def test_no_shot_of_a_cancelled_job_runs_again(state: ShotState) -> None:
    case = Case(state=state, job=J.CANCELLED, cancelled=True)
    assert shot_after(Outcome.NOT_STARTED, case) is S.CANCELLED


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.DONE}))
@pytest.mark.parametrize("state", [S.COMPILED, S.LEASED])
def test_a_re_run_that_was_wanted_goes_on_unless_it_is_done(
    outcome: Outcome, state: ShotState
) -> None:
    case = Case(state=state, job=J.QUEUED, decision=Decision.RERUN)
    assert shot_after(outcome, case) is None


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.DONE}))
def test_what_was_given_up_stays_failed_unless_it_is_done(outcome: Outcome) -> None:
    case = Case(state=S.FAILED, job=J.DONE, decision=Decision.GIVE_UP)
    assert shot_after(outcome, case) is None


@pytest.mark.parametrize(
    ("safe", "attempts", "cancelled", "again"),
    [
        (True, 1, False, True),
        (True, 2, False, False),
        (False, 1, False, False),
        (True, 1, True, False),
    ],
)
def test_a_shot_is_run_again_by_itself_once_and_only_where_that_is_safe(
    safe: bool, attempts: int, cancelled: bool, again: bool
) -> None:
    assert reruns_by_itself(safe=safe, attempts=attempts, cancelled=cancelled) is again
