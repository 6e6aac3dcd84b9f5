"""What an agent was given and did not begin returns, to be given out again."""

from django.db.models import Q

from shothub.domain.states import JobState, ShotState
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.services.settle import settle
from shothub.server.jobs.transitions import Note, move_job, move_shots

_ALL = Q()


def return_leases(apparatus: Apparatus, note: Note, which: Q = _ALL) -> None:
    """Return leased shots to the queue: nothing of them was started."""
    leased = Shot.objects.filter(
        which, job__apparatus=apparatus, state=ShotState.LEASED.value
    )
    for shot in leased.select_related("job").order_by("job", "index"):
        move_shots([shot], ShotState.COMPILED, note)


def return_tasks(apparatus: Apparatus, note: Note, which: Q = _ALL) -> None:
    """Take compile and analyse tasks back from a session that is gone."""
    held = Job.objects.filter(which, apparatus=apparatus).exclude(task_epoch=0)
    for job in held.filter(state=JobState.COMPILING.value):
        move_job(job, JobState.SUBMITTED, note, {"task_epoch": 0})
    held.filter(state=JobState.ANALYSING.value).update(task_epoch=0)
    for job in held.filter(state=JobState.CANCELLING.value):
        settle(job, note)
