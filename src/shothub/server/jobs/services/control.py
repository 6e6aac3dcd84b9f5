"""What users and operators do with jobs: cancel, hold, release."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from shothub.domain.states import JOB_ENDS, JobState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import lock_apparatus
from shothub.server.jobs.models import Job
from shothub.server.jobs.queries import find_job_to_control, find_own_job
from shothub.server.jobs.services.acts import note_control
from shothub.server.jobs.services.bars import rebar
from shothub.server.jobs.services.endings import drop_waiting_shots
from shothub.server.jobs.services.returns import return_leases
from shothub.server.jobs.transitions import Note, move_job, record, touch
from shothub.server.refusals import Conflict, Forbidden

_AT_ONCE = {JobState.SUBMITTED, JobState.REVIEW, JobState.ANALYSING}
CANNOT_WAIT = JOB_ENDS | {JobState.ANALYSING, JobState.CANCELLING}


def cancel(
    principal: Principal, job: str, *, now: datetime, abort: bool = False
) -> Job:
    """Cancel one of the user's jobs. Idempotent.

    Args:
        principal: the owner.
        job: its id.
        now: the present time.
        abort: have the running shot aborted; else it ends by itself.

    Raises:
        NoSuchJob: it is not there or not his.
        NotYours: another shares it with him to be read.
        Conflict: it has ended otherwise.
    """
    apparatus = find_own_job(principal, job).apparatus_id
    with transaction.atomic():
        lock_apparatus(apparatus)
        found = find_own_job(principal, job)
        state = JobState(found.state)
        if state in JOB_ENDS and state != JobState.CANCELLED:
            raise Conflict(
                f"The job has ended already: it is {state}.", code="job_ended"
            )
        note = Note(now=now, actor=principal.username)
        if not found.cancelled and state not in JOB_ENDS:
            cancel_at_once(found, note)
        if abort and found.started_now and not found.abort:
            touch(found, {"abort": True, "tell_agent": True})
            record("job.abort", note, job=found)
        return find_own_job(principal, job)


def cancel_at_once(job: Job, note: Note) -> None:
    """Cancel a job that has not ended, on a locked apparatus."""
    state = JobState(job.state)
    touch(job, {"cancelled": True})
    if state in _AT_ONCE:
        changes = {"tell_agent": state == JobState.ANALYSING}
        move_job(job, JobState.CANCELLED, note, changes)
        return
    busy = job.leased or job.started_now or state == JobState.COMPILING
    drop_waiting_shots(job, note)
    move_job(job, JobState.CANCELLING, note, {"tell_agent": bool(busy)})
    if state != JobState.COMPILING and not job.started_now:
        move_job(job, JobState.CANCELLED, note)


def hold(principal: Principal, job: str, *, now: datetime) -> Job:
    """Hold a job back: it is compiled, and no further shot of it starts. Idempotent.

    An owner and an operator hold a job apart from one another; it goes on once neither
    does. A shot that runs ends by itself.

    Raises:
        NoSuchJob: it is not there, or neither his nor on his apparatus.
        Conflict: it has no shots left to hold back.
    """
    return _set_hold(principal, job, holding=True, now=now)


def release(principal: Principal, job: str, *, now: datetime) -> Job:
    """Let a job go on that was held back. Idempotent.

    Raises:
        NoSuchJob: it is not there, or neither his nor on his apparatus.
        Forbidden: an operator holds it, who alone may release it.
        Conflict: its owner holds it, who alone may release it, or is suspended.
    """
    return _set_hold(principal, job, holding=False, now=now)


def _set_hold(principal: Principal, job: str, *, holding: bool, now: datetime) -> Job:
    pk = find_job_to_control(principal, job).apparatus_id
    with transaction.atomic():
        apparatus = lock_apparatus(pk)
        found = find_job_to_control(principal, job)
        note = Note(now=now, actor=principal.username)
        if holding:
            _hold(principal, found, apparatus, note)
        else:
            _release(principal, found, apparatus, note)
    return find_job_to_control(principal, job)


def _hold(principal: Principal, job: Job, apparatus: Apparatus, note: Note) -> None:
    if job.state in CANNOT_WAIT:
        raise Conflict(
            f"The job is {job.state}: none of its shots waits.", code="nothing_to_hold"
        )
    mine = job.owner_id == principal.user
    if job.held if mine else job.held_by:
        return
    job.held, job.held_by = (
        (True, job.held_by) if mine else (job.held, principal.username)
    )
    touch(job, {"held": job.held, "held_by": job.held_by})
    record("job.held", replace(note, detail=f"by {principal.username}"), job=job)
    note_control(principal, job, "held", now=note.now)
    returned = replace(note, detail="the job was held back")
    return_leases(apparatus, returned, Q(job=job))
    rebar(job, apparatus, note)


def _release(principal: Principal, job: Job, apparatus: Apparatus, note: Note) -> None:
    mine = job.owner_id == principal.user
    if job.held_by and not principal.may("operator", apparatus.name):
        raise Forbidden(
            f"An operator, {job.held_by}, holds the job; only an operator releases it.",
            code="held_by_operator",
            hint="ask the lab",
        )
    if job.held_by and not job.owner.is_active:
        raise Conflict(
            "The job's owner is suspended: nothing of his starts.",
            code="owner_suspended",
            hint="an admin lets him in again, which releases what the lab held for it",
        )
    if job.held and not job.held_by and not mine:
        raise Conflict(
            "Its owner holds the job back; only he releases it.", code="held_by_owner"
        )
    if not (job.held or job.held_by):
        return
    job.held, job.held_by = (False if mine else job.held), ""
    touch(job, {"held": job.held, "held_by": ""})
    record("job.released", replace(note, detail=f"by {principal.username}"), job=job)
    note_control(principal, job, "released", now=note.now)
    rebar(job, apparatus, note)
