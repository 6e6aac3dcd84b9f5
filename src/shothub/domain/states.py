"""States of jobs and shots, and the only table of transitions between them."""

from collections.abc import Iterable
from enum import StrEnum


class JobState(StrEnum):
    """Where a job is between submission and its end."""

    SUBMITTED = "submitted"
    REVIEW = "review"
    COMPILING = "compiling"
    QUEUED = "queued"
    RUNNING = "running"
    ANALYSING = "analysing"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ShotState(StrEnum):
    """Where a shot is between its compilation and its end."""

    COMPILED = "compiled"
    LEASED = "leased"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an attempt ended, as the apparatus reports it.

    ``not_started`` is evidence that the shot never reached its point of no return: the
    only outcome after which the same shot may be started again without a person.
    """

    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    NOT_STARTED = "not_started"
    UNKNOWN = "unknown"


_J, _S = JobState, ShotState

JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    _J.SUBMITTED: frozenset(
        {_J.REVIEW, _J.COMPILING, _J.FAILED, _J.CANCELLED, _J.EXPIRED}
    ),
    _J.REVIEW: frozenset({_J.SUBMITTED, _J.FAILED, _J.CANCELLED, _J.EXPIRED}),
    _J.COMPILING: frozenset(
        {
            _J.QUEUED,
            _J.SUBMITTED,
            _J.FAILED,
            _J.CANCELLED,
            _J.CANCELLING,
            _J.EXPIRED,
        }
    ),
    _J.QUEUED: frozenset(
        {_J.RUNNING, _J.ANALYSING, _J.CANCELLING, _J.CANCELLED, _J.FAILED, _J.EXPIRED}
    ),
    _J.RUNNING: frozenset({_J.ANALYSING, _J.CANCELLING, _J.CANCELLED, _J.FAILED}),
    _J.ANALYSING: frozenset({_J.DONE, _J.FAILED, _J.CANCELLED, _J.QUEUED}),
    _J.CANCELLING: frozenset({_J.CANCELLED, _J.ANALYSING}),
    # Reopened: a person, late evidence, or the procedure has one of its shots run again.
    _J.DONE: frozenset({_J.QUEUED}),
    _J.FAILED: frozenset({_J.QUEUED}),
    _J.CANCELLED: frozenset(),
    _J.EXPIRED: frozenset(),
}

SHOT_MOVES: dict[ShotState, frozenset[ShotState]] = {
    # Without a start to done only on the evidence that an earlier attempt was complete.
    _S.COMPILED: frozenset({_S.LEASED, _S.CANCELLED, _S.DONE}),
    _S.LEASED: frozenset({_S.STARTED, _S.COMPILED, _S.CANCELLED, _S.DONE}),
    # Back to compiled only on the evidence that the attempt was never begun.
    _S.STARTED: frozenset({_S.DONE, _S.FAILED, _S.UNKNOWN, _S.COMPILED, _S.CANCELLED}),
    _S.UNKNOWN: frozenset({_S.DONE, _S.FAILED, _S.COMPILED, _S.CANCELLED}),
    _S.DONE: frozenset(),
    # Evidence is never thrown away: what was given up may yet prove to be done.
    _S.FAILED: frozenset({_S.DONE}),
    _S.CANCELLED: frozenset({_S.DONE}),
}

JOB_ENDS = frozenset({_J.DONE, _J.FAILED, _J.CANCELLED, _J.EXPIRED})
REOPENED_FROM = frozenset({_J.DONE, _J.FAILED, _J.ANALYSING})
"""Whence a job goes back to the queue when one of its shots is to run again."""
SHOT_ENDS = frozenset({_S.DONE, _S.FAILED, _S.UNKNOWN, _S.CANCELLED})

SHOT_STATE_AFTER: dict[Outcome, ShotState] = {
    Outcome.DONE: _S.DONE,
    Outcome.FAILED: _S.FAILED,
    Outcome.ABORTED: _S.FAILED,
    Outcome.NOT_STARTED: _S.COMPILED,
    Outcome.UNKNOWN: _S.UNKNOWN,
}


def sources_of_job(target: JobState) -> frozenset[JobState]:
    """Return the states from which a job may move to ``target``."""
    return frozenset(state for state, moves in JOB_MOVES.items() if target in moves)


def sources_of_shot(target: ShotState) -> frozenset[ShotState]:
    """Return the states from which a shot may move to ``target``."""
    return frozenset(state for state, moves in SHOT_MOVES.items() if target in moves)


def end_of_job(shots: Iterable[ShotState], *, cancelled: bool) -> JobState:
    """Return the final state of an analysed job whose shots have all ended.

    A job without a single good shot has failed; one with some is ``done`` and says how
    many are missing.
    """
    if cancelled:
        return JobState.CANCELLED
    return JobState.DONE if ShotState.DONE in set(shots) else JobState.FAILED
