"""What a user should know of his job and its shots: why it waits, what he has to decide."""

from collections.abc import Sequence
from datetime import datetime

from shothub.domain.bars import Bar
from shothub.domain.calendar import Asked, may_start
from shothub.domain.evidence import Decision
from shothub.domain.queue import LAB
from shothub.domain.states import JobState, ShotState
from shothub.server.apparatus.queries import hindrance
from shothub.server.jobs.dues import links_left, undecided_shots
from shothub.server.jobs.models import Job, Shot
from shothub.server.reservations.queries import standing

_WAITING = frozenset(
    {JobState.SUBMITTED, JobState.COMPILING, JobState.QUEUED, JobState.RUNNING}
)
_QUEUED = frozenset({JobState.QUEUED, JobState.RUNNING})
_CHOICES = "keep it as unknown, have it run again, or give it up"


def notice_of(job: Job, now: datetime) -> str:
    """Return in words what keeps a job from going on, or what is to be decided."""
    said = []
    if job.state in _WAITING:
        why = [_bar_in_words(job), hindrance(job.apparatus, now)]
        said = why if any(why) else [_calendar_in_words(job, now)]
    return "; ".join(filter(None, [*said, _undecided_in_words(undecided_shots(job))]))


def _bar_in_words(job: Job) -> str:
    if job.held_by:
        return f"an operator, {job.held_by}, holds it back"
    if job.held:
        return "its owner holds it back"
    if job.barred == Bar.AFTER:
        return _after_in_words(job)
    if job.barred == Bar.NOT_BEFORE and job.not_before:
        return f"it may start from {job.not_before:%Y-%m-%d %H:%M:%S} UTC"
    if job.barred == Bar.DRAINED:
        why = job.apparatus.pause_message
        return f"the operator lets the apparatus run empty: {why}".strip(": ")
    return "its session has not opened yet" if job.barred == Bar.SESSION else ""


def _calendar_in_words(job: Job, now: datetime) -> str:
    if job.state not in _QUEUED or not job.waiting:
        return ""
    shot = Asked(
        user=job.owner_id,
        group=job.group_id,
        seconds=job.shot_seconds,
        session=job.session,
        above=job.service in LAB,
    )
    fault = may_start(standing(job.apparatus, now), shot, now=now)
    return fault.detail.rstrip(".") if fault else ""


def _after_in_words(job: Job) -> str:
    earlier = [link.after for link in links_left(job)]
    if not earlier:
        return ""
    first, more = earlier[0], len(earlier) - 1
    others = f" and {more} more" if more else ""
    undecided = undecided_shots(first)
    why = f"; {_undecided_in_words(undecided)}" if undecided else ""
    return f"it runs after job {first.pk}{others}, which is {first.state}{why}"


def _undecided_in_words(shots: Sequence[int]) -> str:
    if not shots:
        return ""
    if len(shots) == 1:
        return f"the outcome of shot {shots[0]} is unknown: {_CHOICES}"
    some = ", ".join(map(str, shots[:5])) + (" …" if len(shots) > 5 else "")
    return f"the outcome of shots {some} is unknown: for each, {_CHOICES}"


def notice_of_shot(shot: Shot) -> str:
    """Return in words what is to be decided about a shot, or what was."""
    if shot.state == ShotState.UNKNOWN:
        kept = shot.decision == Decision.KEEP
        said = "whether it was carried out is not known"
        return f"{said}; it is kept so" if kept else f"{said}: {_CHOICES}"
    if shot.decision == Decision.GIVE_UP and shot.state == ShotState.FAILED:
        return "its outcome was unknown and it was given up"
    if shot.decision == Decision.RERUN:
        return "the outcome of an earlier attempt is unknown"
    return ""
