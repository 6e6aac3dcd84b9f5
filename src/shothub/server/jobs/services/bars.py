"""What keeps jobs waiting: computed anew at each change, and when a time has come."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from shothub.domain.bars import Conditions, bar_of, fault_of, is_good
from shothub.domain.states import JobState
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import lock_apparatus
from shothub.server.jobs.dues import (
    apparatus_with_dues,
    due_jobs,
    links_left,
    predecessor,
)
from shothub.server.jobs.models import Job, JobAfter
from shothub.server.jobs.services.endings import end_unstarted, expire, may_expire
from shothub.server.jobs.transitions import Note, record, touch
from shothub.server.reservations.models import Session

_LONGEST_CHAIN = 100  # of jobs after jobs that end in one sweep; the next goes on


def bar_now(job: Job, apparatus: Apparatus, now: datetime) -> str:
    """Return what ``Job.barred`` should be; to be stored with the job's next change."""
    conditions = Conditions(
        held=job.held or bool(job.held_by),
        after_left=job.after_left,
        not_before=job.not_before,
        drained=apparatus.draining and _came_late(job, apparatus),
        session_waits=bool(job.session) and _session_waits(job.session),
    )
    return bar_of(conditions, now) or ""


def _came_late(job: Job, apparatus: Apparatus) -> bool:
    began = apparatus.drained_from
    return began is not None and job.submitted >= began


def _session_waits(session: str) -> bool:
    return Session.objects.filter(pk=session, state="waiting").exists()


def rebar(job: Job, apparatus: Apparatus, note: Note) -> bool:
    """Compute a job's bar anew, inside the caller's transaction; tell if it changed."""
    bar = bar_now(job, apparatus, note.now)
    if bar == job.barred:
        return False
    touch(job, {"barred": bar})
    if not bar:
        record("job.freed", replace(note, detail=f"no longer {job.barred}"), job=job)
    job.barred = bar
    return True


def sweep(apparatus: Apparatus, note: Note) -> None:
    """Do what time and other jobs' ends make due; the apparatus is locked."""
    for _ in range(_LONGEST_CHAIN):
        due = due_jobs(apparatus.pk, note.now)
        if not sum(_settle(job, apparatus, note) for job in due):
            return


def sweep_all(now: datetime) -> None:
    """Do so on every apparatus, whether or not its agent calls."""
    for pk in apparatus_with_dues(now):
        with transaction.atomic():
            sweep(lock_apparatus(pk), Note(now=now, actor="hub"))


def _settle(job: Job, apparatus: Apparatus, note: Note) -> bool:
    """Do what is due of one job; tell whether something changed."""
    job.apparatus = apparatus
    if job.state in {JobState.CANCELLING, JobState.CANCELLED}:
        return False
    if may_expire(job, note.now):
        expire(job, note)
        return True
    told = _hear_of_predecessors(job, note)
    return job.state == JobState.FAILED or rebar(job, apparatus, note) or told


def _hear_of_predecessors(job: Job, note: Note) -> bool:
    """Count those that are good now; fail the job if one cannot be good any more."""
    seen = [(link, predecessor(link.after)) for link in links_left(job)]
    for _, earlier in seen:
        fault = fault_of(earlier)
        if fault:
            detail = replace(note, detail=fault.detail)
            end_unstarted(job, JobState.FAILED, fault, detail)
            return True
    good = [link.pk for link, earlier in seen if is_good(earlier)]
    if good:
        JobAfter.objects.filter(pk__in=good).update(good=True)
        job.after_left = len(seen) - len(good)
        touch(job, {"after_left": job.after_left})
    return bool(good)
