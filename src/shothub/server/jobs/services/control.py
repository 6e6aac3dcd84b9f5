"""What users and operators do with jobs and apparatus: cancel, pause, resume."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from shothub.domain.states import JOB_ENDS, JobState, ShotState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import set_paused
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.queries import find_job
from shothub.server.jobs.services.returns import return_leases
from shothub.server.jobs.transitions import (
    Note,
    move_job,
    move_shots,
    record,
    record_of_apparatus,
    touch,
)
from shothub.server.refusals import Conflict, Forbidden

_AT_ONCE = {JobState.SUBMITTED, JobState.REVIEW, JobState.ANALYSING}


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
        Conflict: it has ended otherwise.
    """
    with transaction.atomic():
        found = find_job(principal, job)
        state = JobState(found.state)
        if state in JOB_ENDS and state != JobState.CANCELLED:
            raise Conflict(
                f"The job has ended already: it is {state}.", code="job_ended"
            )
        note = Note(now=now, actor=principal.username)
        if not found.cancelled and state not in JOB_ENDS:
            _cancel(found, state, note)
        if abort and found.started_now and not found.abort:
            touch(found, {"abort": True, "tell_agent": True})
            record("job.abort", note, job=found)
        return find_job(principal, job)


def _cancel(job: Job, state: JobState, note: Note) -> None:
    touch(job, {"cancelled": True})
    if state in _AT_ONCE:
        changes = {"tell_agent": state == JobState.ANALYSING}
        move_job(job, JobState.CANCELLED, note, changes)
        return
    busy = job.leased or job.started_now or state == JobState.COMPILING
    for source in (ShotState.COMPILED, ShotState.LEASED):
        shots = list(Shot.objects.filter(job=job, state=source.value))
        for shot in shots:
            shot.job = job
        if shots:
            move_shots(shots, ShotState.CANCELLED, note)
    move_job(job, JobState.CANCELLING, note, {"tell_agent": bool(busy)})
    if state != JobState.COMPILING and not job.started_now:
        move_job(job, JobState.CANCELLED, note)


def pause(
    principal: Principal,
    apparatus: Apparatus,
    *,
    paused: bool,
    message: str,
    now: datetime,
) -> None:
    """Let nothing start on the apparatus, or let it start again.

    What is leased returns to the queue, so that it starts at once when all goes on.

    Raises:
        Forbidden: the lab has not made the user an operator of it.
    """
    if not principal.may("operator", apparatus.name):
        raise Forbidden(
            f"The lab has not made you an operator of {apparatus.name!r}.",
            code="operator_not_granted",
        )
    what = "apparatus.paused" if paused else "apparatus.resumed"
    note = Note(now=now, actor=principal.username, detail=message)
    with transaction.atomic():
        set_paused(apparatus, paused=paused, message=message if paused else "")
        if paused:
            return_leases(apparatus, replace(note, detail="the apparatus was paused"))
        record_of_apparatus(what, note, apparatus.pk)
