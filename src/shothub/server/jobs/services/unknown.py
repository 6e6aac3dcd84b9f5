"""What reports make of a shot, and what people decide where no report can tell."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from shothub.domain.evidence import Case, Decision, reruns_by_itself, shot_after
from shothub.domain.states import REOPENED_FROM, JobState, Outcome, ShotState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.services import lock_apparatus
from shothub.server.jobs.models import Attempt, Job, Shot
from shothub.server.jobs.queries import find_job_to_control
from shothub.server.jobs.services.acts import note_control
from shothub.server.jobs.services.endings import reopen
from shothub.server.jobs.services.settle import settle
from shothub.server.jobs.transitions import Note, move_shots, record, touch
from shothub.server.refusals import Conflict, NotThere

_RUNS_AGAIN = frozenset({JobState.QUEUED, JobState.RUNNING}) | REOPENED_FROM
_EVENTS = {Decision.KEEP: "shot.kept", Decision.GIVE_UP: "shot.given_up"}


def follow(attempt: Attempt, note: Note) -> None:
    """Let a shot follow what was just reported of one of its attempts.

    What moves nothing, because a newer attempt was started or something better is known,
    is among the job's events all the same.
    """
    shot, outcome = attempt.shot, Outcome(attempt.outcome)
    job = shot.job
    target = shot_after(outcome, _case(attempt))
    if target is None:
        said = f"attempt {attempt.number} ended as {outcome}: {attempt.reason}"
        _record(shot, "shot.evidence", replace(note, detail=said.strip(": ")))
        return
    move_shots([shot], target, note, _changes(attempt, target, note.now))
    if target in {ShotState.DONE, ShotState.COMPILED} and job.state in REOPENED_FROM:
        reopen(job, replace(note, detail=f"shot {shot.index} is {target}"))
    safe = job.rerun_safe and job.state in _RUNS_AGAIN
    if target == ShotState.UNKNOWN and reruns_by_itself(
        safe=safe, attempts=shot.attempts, cancelled=job.cancelled
    ):
        why = "its outcome is unknown, and the procedure may be repeated safely"
        _run_again(shot, replace(note, actor="hub", detail=why))


def _case(attempt: Attempt) -> Case:
    shot = attempt.shot
    return Case(
        state=ShotState(shot.state),
        job=JobState(shot.job.state),
        newest=attempt.number == shot.attempts,
        decision=Decision(shot.decision) if shot.decision else None,
        cancelled=shot.job.cancelled,
    )


def _changes(attempt: Attempt, target: ShotState, now: datetime) -> dict[str, object]:
    if target == ShotState.COMPILED:
        return {"reason": attempt.reason, "ended": None, "started": None}
    changes: dict[str, object] = {
        "reason": attempt.reason,
        "ended": attempt.ended,
        "reported": now,
    }
    if target == ShotState.UNKNOWN:
        changes["decision"] = ""
    return changes | ({"started": attempt.began} if attempt.began else {})


def decide(
    principal: Principal, job: str, index: int, choice: Decision, *, now: datetime
) -> Job:
    """Decide about a shot whose outcome is unknown. Idempotent; keeping may be revised.

    ``keep``: it stays unknown. ``rerun``: it runs once more, and its job is taken up
    again if it had ended. ``give_up``: it counts as failed.

    Args:
        principal: the owner of the job, or an operator of its apparatus.
        job: id of the job.
        index: of the shot.
        choice: what shall become of it.
        now: the present time.

    Raises:
        NoSuchJob: it is not there, or neither his nor on his apparatus.
        NotThere: the job has no such shot.
        Conflict: its outcome is known, or the job was cancelled.
    """
    apparatus = find_job_to_control(principal, job).apparatus_id
    with transaction.atomic():
        lock_apparatus(apparatus)
        found = find_job_to_control(principal, job)
        shot = _shot(found, index)
        if shot.decision != choice:
            _require_unknown(shot)
            note = Note(now=now, actor=principal.username)
            _carry_out(shot, choice, note)
            note_control(principal, found, "decided", now=now, **_said(shot, choice))
    return find_job_to_control(principal, job)


def _said(shot: Shot, choice: Decision) -> dict[str, object]:
    return {"shot": shot.index, "choice": choice.value}


def _shot(job: Job, index: int) -> Shot:
    shot = Shot.objects.filter(job=job, index=index).first()
    if shot is None:
        raise NotThere(f"Job {job.pk} has no shot {index}.")
    shot.job = job
    return shot


def _require_unknown(shot: Shot) -> None:
    if shot.state != ShotState.UNKNOWN:
        raise Conflict(
            f"There is nothing to decide: shot {shot.index} is {shot.state}.",
            code="not_unknown",
            where="path.index",
        )


def _carry_out(shot: Shot, choice: Decision, note: Note) -> None:
    by = f"by {note.actor}"
    if choice == Decision.RERUN:
        _require_living(shot.job)
        _run_again(shot, replace(note, detail=f"wanted {by}"))
        return
    if choice == Decision.GIVE_UP:
        said = replace(note, detail=f"given up {by}")
        move_shots([shot], ShotState.FAILED, said, {"decision": choice.value})
        _record(shot, _EVENTS[choice], note)
        settle(shot.job, note)
        return
    Shot.objects.filter(pk=shot.pk).update(decision=choice.value)
    _record(shot, _EVENTS[choice], note)


def _require_living(job: Job) -> None:
    if job.cancelled or job.state not in _RUNS_AGAIN:
        raise Conflict(
            f"The job is {job.state}: no shot of it runs any more.",
            code="job_over",
            hint="keep the shot as unknown, give it up, or submit the job again",
        )


def _run_again(shot: Shot, note: Note) -> None:
    """Put a shot of unknown outcome back among those that wait."""
    changes = {
        "decision": Decision.RERUN.value,
        "analysed": False,
        "started": None,
        "ended": None,
        "reason": "",
    }
    _record(shot, "shot.rerun", note)
    move_shots([shot], ShotState.COMPILED, note, changes)
    if shot.job.state in REOPENED_FROM:
        reopen(shot.job, replace(note, detail=f"shot {shot.index} runs again"))


def _record(shot: Shot, what: str, note: Note) -> None:
    record(what, note, job=shot.job, shot=shot.index)
    touch(shot.job)
