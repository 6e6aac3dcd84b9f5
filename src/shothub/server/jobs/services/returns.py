"""What an agent was given and did not begin returns, to be given out again."""

from django.db.models import Q

from shothub.domain.states import JobState, ShotState
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.services.settle import settle
from shothub.server.jobs.transitions import Note, move_job, move_shots

_ALL = Q()
_HELD = [
    JobState.COMPILING.value,
    JobState.ANALYSING.value,
    JobState.CANCELLING.value,
]


def return_leases(apparatus: Apparatus, note: Note, which: Q = _ALL) -> None:
    """Return leased shots to the queue: nothing of them was started."""
    leased = Shot.objects.filter(
        which, job__apparatus=apparatus, state=ShotState.LEASED.value
    )
    for shot in leased.select_related("job").order_by("job", "index"):
        move_shots([shot], ShotState.COMPILED, note)


def return_tasks(apparatus: Apparatus, note: Note, which: Q = _ALL) -> None:
    """Take compile and analyse tasks back from a session that is gone."""
    held = Job.objects.filter(which, apparatus=apparatus, state__in=_HELD)
    for job in held.exclude(task_epoch=0):
        if job.state == JobState.COMPILING:
            move_job(job, JobState.SUBMITTED, note, {"task_epoch": 0})
        elif job.state == JobState.CANCELLING:
            settle(job, note)
        else:
            Job.objects.filter(pk=job.pk).update(task_epoch=0)
