"""What an agent was given and did not begin returns, to be given out again."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from shothub.domain.states import JobState, ShotState
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import lock_apparatus
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.services.settle import settle
from shothub.server.jobs.transitions import Note, move_job, move_shots
from shothub.server.jobs.under_way import anything_lapsed, leased_on

_ALL = Q()
_HELD = [
    JobState.COMPILING.value,
    JobState.ANALYSING.value,
    JobState.CANCELLING.value,
]


def return_leases(apparatus: Apparatus, note: Note, which: Q = _ALL) -> None:
    """Return leased shots to the queue: nothing of them was started."""
    ids = leased_on(apparatus)
    if not ids:
        return
    leased = Shot.objects.filter(which, pk__in=ids, state=ShotState.LEASED.value)
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


def return_lapsed(apparatus: Apparatus, now: datetime) -> None:
    """Return what was held too long, and move on jobs whose results never came.

    The apparatus is locked, within the caller's transaction.
    """
    if not anything_lapsed(apparatus, now):
        return
    note = Note(now=now, actor="hub", epoch=apparatus.epoch, detail="lease lapsed")
    return_leases(apparatus, note, Q(lease_expires__lt=now))
    return_tasks(apparatus, note, Q(task_expires__lt=now))
    given_up = replace(note, detail="results given up")
    state = JobState.RUNNING.value
    for job in Job.objects.filter(apparatus=apparatus, state=state, pending=0):
        settle(job, given_up)


def return_all_lapsed(now: datetime) -> None:
    """Return what lapsed on every apparatus, also where no agent calls any more."""
    for pk in _with_lapsed(now):
        with transaction.atomic():
            return_lapsed(lock_apparatus(pk), now)


def _with_lapsed(now: datetime) -> list[int]:
    shots = Shot.objects.filter(state=ShotState.LEASED.value, lease_expires__lt=now)
    tasks = Job.objects.filter(state__in=_HELD, task_expires__lt=now)
    found = {*shots.values_list("job__apparatus", flat=True).order_by()}
    found |= {*tasks.exclude(task_epoch=0).values_list("apparatus", flat=True)}
    return sorted(found)
