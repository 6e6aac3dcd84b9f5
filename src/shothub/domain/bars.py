"""Why no shot of a job may be leased now, and when a job that others wait for is good."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shothub.domain.faults import Fault
from shothub.domain.states import JOB_ENDS, JobState


class Bar(StrEnum):
    """What keeps the shots of a compiled job from being leased, strongest first."""

    HELD = "held"
    AFTER = "after"
    NOT_BEFORE = "not_before"
    DRAINED = "drained"
    SESSION = "session"


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What may keep a job waiting.

    Attributes:
        held: whether its owner or an operator holds it back.
        after_left: jobs that it waits for and that are not good yet.
        drained: whether it came after its apparatus began to drain.
        session_waits: whether it belongs to a session that has not opened yet.
    """

    held: bool = False
    after_left: int = 0
    not_before: datetime | None = None
    drained: bool = False
    session_waits: bool = False


def bar_of(conditions: Conditions, now: datetime) -> Bar | None:
    """Return the strongest of the bars, or None if shots may be leased."""
    early = conditions.not_before is not None and now < conditions.not_before
    standing: Mapping[Bar, bool] = {
        Bar.HELD: conditions.held,
        Bar.AFTER: conditions.after_left > 0,
        Bar.NOT_BEFORE: early,
        Bar.DRAINED: conditions.drained,
        Bar.SESSION: conditions.session_waits,
    }
    return next((bar for bar, stands in standing.items() if stands), None)


@dataclass(frozen=True, kw_only=True)
class Predecessor:
    """A job that another one waits for.

    Attributes:
        undecided: its shots of unknown outcome about which nobody has decided.
        missing: its shots that failed, or whose outcome stays unknown.
    """

    job: str
    state: JobState
    undecided: int = 0
    missing: int = 0


def is_good(predecessor: Predecessor) -> bool:
    """Tell whether it is done with every shot: then whoever waits for it may run."""
    return predecessor.state == JobState.DONE and not (
        predecessor.undecided or predecessor.missing
    )


def fault_of(predecessor: Predecessor) -> Fault | None:
    """Return why nobody need wait for it any more, or None if it may yet be good.

    A job whose shots are of unknown outcome may yet be good: its owner may have them run
    again. A job that is done with some of its shots failed is not good: who asked to run
    after it may rely on any of them.
    """
    state = predecessor.state
    if state not in JOB_ENDS or is_good(predecessor):
        return None
    if state in {JobState.DONE, JobState.FAILED} and predecessor.undecided:
        return None
    how = f"ended as {state}"
    if state == JobState.DONE:
        shots = "shot" if predecessor.missing == 1 else "shots"
        how = f"is done without {predecessor.missing} of its {shots}"
    return Fault(
        code="predecessor_failed",
        detail=f"Job {predecessor.job}, which it was to run after, {how}.",
        where="after",
        hint="look at that job; submit this one again, if it makes sense without it",
    )
