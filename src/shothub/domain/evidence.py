"""What a report about an attempt does to its shot, also when it comes late.

A shot follows its newest attempt. A report about an older one is kept with that attempt and
moves nothing. Evidence beats a decision that was taken without it: what proves to be done
is done, whether its owner kept it as unknown, gave it up or wanted it run again, as long as
no newer attempt was started.
"""

from dataclasses import dataclass
from enum import StrEnum

from shothub.domain.states import (
    REOPENED_FROM,
    SHOT_STATE_AFTER,
    JobState,
    Outcome,
    ShotState,
)

MOST_AUTOMATIC = 2
"""Attempts of one shot that are started without a person, where that is safe."""


class Decision(StrEnum):
    """What a person (or a procedure that is safe to repeat) makes of an unknown outcome.

    ``keep``: it stays unknown. ``rerun``: the shot runs once more. ``give_up``: it counts
    as failed.
    """

    KEEP = "keep"
    RERUN = "rerun"
    GIVE_UP = "give_up"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the hub knows of a shot when a report comes.

    Attributes:
        newest: whether the report is about the shot's newest attempt.
        decision: what was decided about its unknown outcome, if something was.
        job: state of its job.
        cancelled: whether its job was cancelled, or is being.
    """

    state: ShotState
    job: JobState
    newest: bool = True
    decision: Decision | None = None
    cancelled: bool = False


def shot_after(outcome: Outcome, case: Case) -> ShotState | None:
    """Return where the shot goes, or None if it stays as it is."""
    if not case.newest:
        return None
    if case.state == ShotState.STARTED:
        return _after_start(outcome, case)
    if case.state == ShotState.DONE:
        return None
    if outcome == Outcome.DONE:
        return ShotState.DONE
    if case.state == ShotState.UNKNOWN and outcome != Outcome.UNKNOWN:
        return _after_unknown(outcome, case)
    return None


def _after_start(outcome: Outcome, case: Case) -> ShotState:
    if outcome == Outcome.NOT_STARTED:
        return _never_begun(case)
    return SHOT_STATE_AFTER[outcome]


def _after_unknown(outcome: Outcome, case: Case) -> ShotState:
    if outcome == Outcome.NOT_STARTED and case.decision is None:
        return _never_begun(case)
    return ShotState.FAILED


def _never_begun(case: Case) -> ShotState:
    """Return where a shot goes that may run without harm: only a living job runs it."""
    if case.cancelled or case.job in {JobState.CANCELLED, JobState.CANCELLING}:
        return ShotState.CANCELLED
    alive = {JobState.QUEUED, JobState.RUNNING} | REOPENED_FROM
    return ShotState.COMPILED if case.job in alive else ShotState.FAILED


def reruns_by_itself(*, safe: bool, attempts: int, cancelled: bool) -> bool:
    """Tell whether a shot of unknown outcome is run again without a person.

    Args:
        safe: whether its procedure says that this does no harm.
        attempts: how often it was started.
        cancelled: whether its job was cancelled.
    """
    return safe and not cancelled and attempts < MOST_AUTOMATIC
