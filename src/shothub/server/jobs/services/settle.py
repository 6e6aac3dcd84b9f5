"""Where a job goes when there is nothing left to run."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from shothub.domain.states import JobState, ShotState, end_of_job
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.transitions import Note, move_job
from shothub.server.rows import ask

_COLUMNS = ("state", "waiting", "leased", "started_now", "shots_done", "cancelled")
_STANDS = f"SELECT {', '.join(_COLUMNS)} FROM jobs_job WHERE id = %s"  # noqa: S608
_ACTIVE = {JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING}


def settle(job: Job, note: Note) -> None:
    """Move a job on if its last shot has ended and the results of all have arrived.

    Results that did not come within ``task_seconds`` of the shot's end are given up, so
    that an agent which lost its journal holds nobody up; if they come later, they are
    stored all the same.
    """
    [row] = ask(_STANDS, [job.pk])
    for name, value in zip(_COLUMNS, row, strict=True):
        setattr(job, name, value)
    if job.state not in _ACTIVE or job.waiting or job.leased or job.started_now:
        return
    if job.cancelled:
        move_job(job, JobState.CANCELLED, note)
    elif not job.shots_done:
        move_job(job, end_of_job((), cancelled=False), note)
    elif not _awaits_results(job, note.now):
        move_job(job, JobState.ANALYSING, note, {"task_epoch": 0})


def _awaits_results(job: Job, now: datetime) -> bool:
    given_up = now - timedelta(seconds=settings.SHOTHUB.task_seconds)
    done = Shot.objects.filter(job=job, state=ShotState.DONE.value, analysed=False)
    # Counted from when the hub heard of the end: a cut may have kept that back for long.
    heard = Q(reported__gt=given_up) | Q(reported=None, ended__gt=given_up)
    return done.filter(heard).exists()
