"""The only way in which jobs and shots change state: conditional, with an event each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.apps import apps

from shothub.domain.states import (
    JOB_ENDS,
    SHOT_ENDS,
    JobState,
    ShotState,
    sources_of_job,
    sources_of_shot,
)
from shothub.server import rows
from shothub.server.apparatus.shares import add_waiting
from shothub.server.jobs.announcements import News, announce
from shothub.server.jobs.counting import counted
from shothub.server.jobs.models import Event, Job, Shot
from shothub.server.refusals import Conflict

COUNTERS: Mapping[ShotState, str] = {
    ShotState.COMPILED: "waiting",
    ShotState.LEASED: "leased",
    ShotState.STARTED: "started_now",
    ShotState.DONE: "shots_done",
    ShotState.FAILED: "shots_failed",
    ShotState.UNKNOWN: "shots_unknown",
}
_CHANGED = {"rev": 1}
_STAMPS = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "started",
    **dict.fromkeys(JOB_ENDS, "ended"),
}


class WrongState(Conflict):
    """The job or shot is in a state from which it cannot go there."""

    code = "wrong_state"


@dataclass(frozen=True, kw_only=True)
class Note:
    """What an event says beside the change itself."""

    now: datetime
    actor: str
    detail: str = ""
    epoch: int = 0
    fence: int = 0
    late: bool = False


def move_job(
    job: Job, target: JobState, note: Note, changes: Mapping[str, object] | None = None
) -> None:
    """Move a job to another state, inside the caller's transaction.

    Raises:
        WrongState: the table of transitions has no such move from its present state.
    """
    update: dict[str, object] = {"state": target.value}
    stamp = _STAMPS.get(target, "")
    # A job that is taken up again was queued and started when it was so first.
    if stamp and (target in JOB_ENDS or getattr(job, stamp) is None):
        update[stamp] = note.now
    if target in JOB_ENDS:
        update["pending"] = 0
    update |= changes or {}
    sources = [state.value for state in sources_of_job(target)]
    where = f'"id" = %s AND "state" IN ({_marks(sources)})'
    with counted(job.pk, update):
        moved = rows.update(Job, where, [job.pk, *sources], update, _CHANGED)
    if not moved:
        raise WrongState(f"Job {job.pk} is {job.state}: it cannot become {target}.")
    job.state = target.value
    record(f"job.{target}", note, job=job)
    ring(job)


def move_shots(
    shots: Sequence[Shot],
    target: ShotState,
    note: Note,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Move shots of one job, all in the same state, inside the caller's transaction.

    The rows must have been read in that transaction, whose write lock keeps them true;
    the update is conditional on state and fence all the same.

    Raises:
        WrongState: the table has no such move, or a row has changed since.
    """
    first = shots[0]
    source = ShotState(first.state)
    ids = [shot.pk for shot in shots]
    where, values = f'"state" = %s AND "id" IN ({_marks(ids)})', [source.value, *ids]
    if len(shots) == 1:
        where, values = f'{where} AND "fence" = %s', [*values, first.fence]
    update = {"state": target.value, **(changes or {})}
    allowed = source in sources_of_shot(target)
    moved = rows.update(Shot, where, values, update) if allowed else 0
    if moved != len(shots):
        raise WrongState(
            f"Shot {first.index} of job {first.job_id} is {first.state}:"
            f" it cannot become {target}."
        )
    _count(first.job_id, source, target, len(shots))
    name, job = f"shot.{target}", first.job
    rows.insert([_event(name, note, job=job, shot=shot.index) for shot in shots])
    for shot in shots:
        shot.state = target.value
        _announce(name, note, job=job, shot=shot.index)
    ring(first.job)


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _count(job: str, source: ShotState, target: ShotState, number: int) -> None:
    more: dict[str, float] = dict(_CHANGED)
    if source in COUNTERS:
        more[COUNTERS[source]] = -number
    if target in COUNTERS:
        more[COUNTERS[target]] = number
    ends = int(target in SHOT_ENDS) - int(source in SHOT_ENDS)
    if ends:
        more["pending"] = -ends * number
    share, barred = rows.update_one(
        Job, job, {}, more, returning=("share_id", "barred")
    )
    waiting = int(target == ShotState.COMPILED) - int(source == ShotState.COMPILED)
    if waiting and share is not None and not barred:
        add_waiting(share, waiting * number)


def touch(job: Job, changes: Mapping[str, object] | None = None) -> None:
    """Change a job without moving it, so that whoever waits for it looks again."""
    with counted(job.pk, changes or {}):
        rows.update(Job, '"id" = %s', [job.pk], changes or {}, _CHANGED)
    ring(job)


def record(what: str, note: Note, *, job: Job, shot: int | None = None) -> None:
    """Add an event of a job or of one of its shots, and tell whom it concerns."""
    rows.insert([_event(what, note, job=job, shot=shot)])
    _announce(what, note, job=job, shot=shot)


def _announce(what: str, note: Note, *, job: Job, shot: int | None) -> None:
    announce(job, News(what=what, at=note.now, detail=note.detail, shot=shot))


def record_of_apparatus(what: str, note: Note, apparatus: int) -> None:
    """Add an event of an apparatus."""
    rows.insert([_event(what, note, apparatus=apparatus)])
    wake(f"apparatus:{apparatus}", "events")


def record_submitted(jobs: Sequence[Job], note: Note) -> None:
    """Add the first event of new jobs."""
    rows.insert([_event("job.submitted", note, job=job) for job in jobs])
    wake("events")


def _event(
    what: str,
    note: Note,
    *,
    job: Job | None = None,
    apparatus: int = 0,
    shot: int | None = None,
) -> Event:
    return Event(
        at=note.now,
        what=what,
        apparatus_id=job.apparatus_id if job else apparatus,
        job_id=job.pk if job else None,
        shot=shot,
        actor=note.actor,
        epoch=note.epoch,
        fence=note.fence,
        detail=note.detail[:2000],
        late=note.late,
    )


def ring(job: Job) -> None:
    """Wake whoever waits for this job or its apparatus, once the change commits."""
    wake(f"job:{job.pk}", f"apparatus:{job.apparatus_id}", "events")


def wake(*topics: str) -> None:
    """Wake whoever waits for these topics, once the change commits."""
    apps.get_app_config("jobs").wakeups.notify(*topics)  # type: ignore[attr-defined]
