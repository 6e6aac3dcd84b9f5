"""Jobs that end before their shots ran, and jobs that are taken up again."""

from datetime import datetime

from shothub.domain.faults import Fault
from shothub.domain.states import JobState, ShotState
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.transitions import Note, move_job, move_shots, record

_STARTABLE = frozenset(
    {JobState.SUBMITTED, JobState.REVIEW, JobState.COMPILING, JobState.QUEUED}
)


def drop_waiting_shots(job: Job, note: Note) -> None:
    """Cancel the shots of a job that wait or are leased: a start of them is refused."""
    for source in (ShotState.COMPILED, ShotState.LEASED):
        shots = list(Shot.objects.filter(job=job, state=source.value))
        for shot in shots:
            shot.job = job
        if shots:
            move_shots(shots, ShotState.CANCELLED, note)


def end_unstarted(job: Job, target: JobState, fault: Fault, note: Note) -> None:
    """End a job of which no shot has started, and say why.

    What is being compiled is given up by the agent, which hears of it at its next poll.
    """
    busy = bool(job.leased) or job.state == JobState.COMPILING
    drop_waiting_shots(job, note)
    said = {"faults": [vars(fault)], "tell_agent": busy, "task_epoch": 0}
    move_job(job, target, note, {**said, "barred": ""})


def may_expire(job: Job, now: datetime) -> bool:
    """Tell whether the time is over by which a shot should have started, and none has."""
    late = job.start_by is not None and job.start_by <= now
    return late and job.started is None and JobState(job.state) in _STARTABLE


def expire(job: Job, note: Note) -> None:
    """End a job that was not started in time."""
    fault = Fault(
        code="expired",
        detail=f"No shot of it had started by {job.start_by:%Y-%m-%d %H:%M:%S} UTC.",
        where="start_by",
        hint="submit it again, with a later time or without one",
    )
    end_unstarted(job, JobState.EXPIRED, fault, note)


def reopen(job: Job, note: Note) -> None:
    """Take up a job again that had ended, or whose last routines are running."""
    record("job.reopened", note, job=job)
    move_job(job, JobState.QUEUED, note, {"ended": None, "task_epoch": 0})
