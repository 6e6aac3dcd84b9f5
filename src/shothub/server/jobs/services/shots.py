"""What agents report: compiled jobs, ends, and the operator's own shots."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from shothub.domain.faults import Fault
from shothub.domain.states import JOB_ENDS, JobState, Outcome, ShotState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import description_of
from shothub.server.jobs.models import Attempt, Job, Shot
from shothub.server.jobs.plain import attempt_on
from shothub.server.jobs.queries import find_job
from shothub.server.jobs.services.agents import ACTOR, lock_apparatus, require_epoch
from shothub.server.jobs.services.bars import bar_now
from shothub.server.jobs.services.charging import charge_attempt, note_local_shot
from shothub.server.jobs.services.queueing import queued_with
from shothub.server.jobs.services.settle import settle
from shothub.server.jobs.services.starts import NoSuchShot
from shothub.server.jobs.services.unknown import follow
from shothub.server.jobs.transitions import (
    Note,
    move_job,
    record,
    record_of_apparatus,
    touch,
)
from shothub.server.refusals import Conflict, Invalid
from shothub.server.rows import insert, update
from shothub.wire.agents import (
    Accepted,
    Compiled,
    CompiledShot,
    Finish,
    LocalShot,
)

_LOG_LIMIT = 1_000_000


def compiled(
    principal: Principal, job: str, report: Compiled, *, now: datetime
) -> Accepted:
    """Store the shots of a compiled job, or why there are none. Idempotent.

    Raises:
        Fenced: the session is over.
        Conflict: the job is not being compiled.
        Invalid: the shots are not numbered from 0, or are too many.
    """
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        require_epoch(apparatus, report.epoch)
        found = find_job(principal, job)
        note = Note(now=now, actor=ACTOR, epoch=report.epoch)
        if found.state == JobState.CANCELLING and found.task_epoch:
            touch(found, {"task_epoch": 0, "compile_log": report.log[:_LOG_LIMIT]})
            settle(found, note)
        elif found.state != JobState.COMPILING:
            _require_same(found, report)
        else:
            _store_compiled(found, apparatus, report, note)
    return Accepted()


def _require_same(job: Job, report: Compiled) -> None:
    """Accept the repetition of a report that was stored already."""
    same = job.shots == len(report.shots) if report.shots else bool(job.faults)
    given_up = job.cancelled or (job.shots is None and job.state in JOB_ENDS)
    if not same and not given_up:
        raise Conflict(
            f"Job {job.pk} is {job.state}, not compiling.", code="not_compiling"
        )


def _store_compiled(
    job: Job, apparatus: Apparatus, report: Compiled, note: Note
) -> None:
    faults = _faults_of(report)
    log = {"compile_log": report.log[:_LOG_LIMIT], "task_epoch": 0}
    if faults:
        first = replace(note, detail=str(faults[0]))
        stored = [vars(fault) for fault in faults]
        move_job(job, JobState.FAILED, first, {"faults": stored, **log})
        return
    _check_shots(report.shots, description_of(apparatus).max_shots)
    insert([_new_shot(job, shot) for shot in report.shots])
    changes = queued_with(job, apparatus, report.shots)
    bar = {"barred": bar_now(job, apparatus, note.now), **log}
    move_job(job, JobState.QUEUED, note, {**changes, "units": report.units, **bar})


def _faults_of(report: Compiled) -> list[Fault]:
    if report.faults:
        return [Fault(**fault.model_dump()) for fault in report.faults]
    if report.shots:
        return []
    return [Fault(code="no_shots", detail="The compilation made no shots.")]


def _check_shots(shots: Sequence[CompiledShot], limit: int) -> None:
    if len(shots) > limit:
        raise Invalid(
            f"{len(shots)} shots; {limit} are allowed.",
            code="too_many_shots",
            where="body.shots",
        )
    if any(shot.duration < 0 for shot in shots):
        raise Invalid(
            "A duration is negative.", code="out_of_range", where="body.shots"
        )
    if [shot.index for shot in shots] != list(range(len(shots))):
        raise Invalid(
            "Shots are numbered from 0, in order, without gaps.",
            code="bad_index",
            where="body.shots",
        )


def _new_shot(job: Job, shot: CompiledShot) -> Shot:
    return Shot(
        job_id=job.pk,
        index=shot.index,
        globals=shot.globals,
        duration=shot.duration,
        state=ShotState.COMPILED.value,
    )


def finish(
    principal: Principal, attempt: int, report: Finish, *, now: datetime
) -> Accepted:
    """Store how an attempt ended, from whatever session. Idempotent.

    Raises:
        NoSuchShot: the apparatus has no such attempt.
        Conflict: it was reported to have ended otherwise.
    """
    conflict = None
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        found = attempt_of(apparatus, attempt)
        late = is_late(found, apparatus, report.epoch)
        note = Note(
            now=now,
            actor=ACTOR,
            detail=report.reason,
            epoch=report.epoch,
            fence=found.fence,
            late=late,
        )
        # That one agent does not know how it ended contradicts nobody who does.
        if report.outcome in {found.outcome, Outcome.UNKNOWN} and found.outcome:
            return Accepted(late=late)
        if found.outcome not in {"", Outcome.UNKNOWN}:
            conflict = _note_conflict(found, report, note)
        else:
            _end(apparatus, found, report, note)
    if conflict:
        raise conflict
    return Accepted(late=late)


def attempt_of(apparatus: Apparatus, attempt: int) -> Attempt:
    """Return one attempt on an apparatus, with its shot and job.

    Raises:
        NoSuchShot: there is none.
    """
    found = attempt_on(apparatus.pk, attempt)
    if found is None:
        raise NoSuchShot(f"The apparatus has no attempt {attempt}.")
    return found


def is_late(attempt: Attempt, apparatus: Apparatus, epoch: int) -> bool:
    """Tell whether a report comes from a session later than the attempt's, or is old."""
    return epoch != apparatus.epoch or attempt.epoch != apparatus.epoch


def _note_conflict(attempt: Attempt, report: Finish, note: Note) -> Conflict:
    said = f"reported {attempt.outcome}, then {report.outcome}: {report.reason}"
    shot = attempt.shot
    record("shot.conflict", replace(note, detail=said), job=shot.job, shot=shot.index)
    return Conflict(
        f"The attempt ended as {attempt.outcome}; now it is said to be {report.outcome}.",
        code="conflict",
        hint="the first report stands; the contradiction is among the job's events",
    )


def _end(apparatus: Apparatus, attempt: Attempt, report: Finish, note: Note) -> None:
    job = attempt.shot.job
    attempt.outcome, attempt.reason = report.outcome.value, report.reason[:2000]
    attempt.began, attempt.ended = report.began, report.ended or note.now
    attempt.late = note.late
    told = ("outcome", "reason", "began", "ended", "late")
    changes = {name: getattr(attempt, name) for name in told}
    update(Attempt, '"id" = %s', [attempt.pk], changes)
    follow(attempt, note)
    charge_attempt(apparatus, attempt, now=note.now)
    settle(job, note)


def results_arrived(attempt: Attempt, note: Note) -> None:
    """Note that the single-shot results of an attempt are stored, and move its job on."""
    shot = attempt.shot
    Shot.objects.filter(pk=shot.pk).update(analysed=True)
    record("shot.analysed", note, job=shot.job, shot=shot.index)
    touch(shot.job)
    settle(shot.job, note)


def end_job(job: Job, *, log: str, note: Note) -> None:
    """End an analysed job as its shots say.

    Raises:
        WrongState: it is not being analysed.
    """
    target = JobState.DONE if job.shots_done else JobState.FAILED
    move_job(job, target, note, {"analyse_log": log[:_LOG_LIMIT], "task_epoch": 0})


def local_shot(principal: Principal, report: LocalShot, *, now: datetime) -> Accepted:
    """Record a shot that the operator ran, from whatever session."""
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        late = report.epoch != apparatus.epoch
        detail = f"{report.name} at {report.at.isoformat()} {report.detail}".strip()
        note = Note(
            now=now, actor="operator", epoch=report.epoch, late=late, detail=detail
        )
        record_of_apparatus(f"local.{report.what}", note, apparatus.pk)
        note_local_shot(apparatus, report.at)
    return Accepted(late=late)
