"""Agents ask for work, and say what of it they hold."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from shothub.domain.states import JobState, ShotState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus import services
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import description_of
from shothub.server.apparatus.services import is_newest_poll, note_contact
from shothub.server.jobs.attention import attention
from shothub.server.jobs.compile_order import next_to_compile
from shothub.server.jobs.models import Attempt, Job, Shot
from shothub.server.jobs.services import leasing
from shothub.server.jobs.services.ahead import Granter, grants_ahead
from shothub.server.jobs.services.bars import sweep
from shothub.server.jobs.services.condition import note_condition
from shothub.server.jobs.services.holdings import take_back
from shothub.server.jobs.services.returns import return_lapsed
from shothub.server.jobs.transitions import Note, move_job, wake
from shothub.server.jobs.waiting import TURN
from shothub.server.refusals import Conflict
from shothub.server.reservations.turn_queries import open_turn
from shothub.wire.agents import (
    AnalyseTask,
    CompileTask,
    Poll,
    ShotLease,
    Work,
)
from shothub.wire.jobs import GlobalsFile, SourceFile

ACTOR = "agent"
_MOST = 100  # of anything in one answer: leases are short blocks


class Fenced(Conflict):
    """A newer session of the agent has begun; this one must stop."""

    code = "fenced"


def lock_apparatus(principal: Principal) -> Apparatus:
    """Return the agent's apparatus, locked: the first statement of a transaction."""
    return services.lock_apparatus(principal.apparatus)


def require_epoch(apparatus: Apparatus, epoch: int) -> None:
    """Refuse a session that is not the newest.

    Raises:
        Fenced: it is not.
    """
    if epoch != apparatus.epoch:
        raise Fenced(
            f"Session {epoch} is over: session {apparatus.epoch} has begun, of the"
            f" agent {apparatus.agent}.",
            hint="stop; another agent speaks for this apparatus",
        )


def poll(
    principal: Principal, asked: Poll, *, now: datetime, again: bool = False
) -> Work:
    """Return what there is to do for the agent at this moment, reserving it for him.

    Args:
        principal: the agent.
        asked: what he asks and holds.
        now: the present time.
        again: whether the same poll is looked at once more, since something changed.

    Raises:
        Fenced: his session is over.
    """
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        require_epoch(apparatus, asked.epoch)
        stopped = apparatus.paused or bool(apparatus.hold)
        held = asked.holding
        if held and not is_newest_poll(apparatus, held.kind, held.serial, again=again):
            return Work(paused=stopped, void=True)
        note = Note(now=now, actor=ACTOR, epoch=asked.epoch)
        wants = attention(apparatus.pk, now)
        if not again:
            _arrived(apparatus, asked, note, overdue=wants.overdue)
        sweep(apparatus, replace(note, actor="hub"))
        leasing.reconsider(apparatus, note)
        work = _work(apparatus, asked, note, stopped=stopped)
        return work.model_copy(
            update={
                "cancelled": _cancelled(apparatus) if wants.cancelled else [],
                "abort": _to_abort(apparatus) if wants.aborting else [],
            }
        )


def _arrived(apparatus: Apparatus, asked: Poll, note: Note, *, overdue: bool) -> None:
    """Note how the agent is, and take back what it does not hold or held too long."""
    note_condition(apparatus, asked.status, note)
    if note_contact(apparatus, asked.status, now=note.now):
        wake(f"status:{apparatus.pk}")
    if overdue:
        return_lapsed(apparatus, note.now)
    if asked.holding:
        lost = replace(note, actor="hub", detail="the answer with it was lost")
        take_back(apparatus, asked.holding, lost)


def _work(apparatus: Apparatus, asked: Poll, note: Note, *, stopped: bool) -> Work:
    most = asked.capacity

    def lease(number: int) -> list[ShotLease]:
        return [] if stopped else leasing.lease(apparatus, number, note)

    ahead = Granter(apparatus, note, lease) if grants_ahead(apparatus) else None
    return Work(
        compile=_give_compile(apparatus, most.compile, note),
        shots=[] if ahead else lease(most.shots),
        missed=ahead.missed(asked.holding) if ahead else [],
        ahead=ahead.grant(most.ahead) if ahead else [],
        analyse=_give_analyse(apparatus, asked, note),
        paused=stopped,
    )


def has_work(work: Work) -> bool:
    """Tell whether there is anything in it that the agent should hear of at once."""
    given = work.compile or work.shots or work.ahead or work.analyse
    return bool(given or work.cancelled or work.missed or work.void)


def _cancelled(apparatus: Apparatus) -> list[str]:
    told = Job.objects.filter(apparatus=apparatus, tell_agent=True)
    jobs = list(told.order_by("id").values_list("pk", flat=True))
    if jobs:
        Job.objects.filter(pk__in=jobs).update(tell_agent=False)
    return jobs


def _to_abort(apparatus: Apparatus) -> list[int]:
    """Return attempts to abort, at every poll until they end: an answer may get lost."""
    jobs = Job.objects.filter(
        apparatus=apparatus, state=JobState.CANCELLING.value, abort=True
    )
    ids = list(jobs.values_list("pk", flat=True))
    running = Attempt.objects.filter(
        shot__job__in=ids, shot__state=ShotState.STARTED.value, outcome=""
    )
    return list(running.order_by("id").values_list("pk", flat=True))


def _give_compile(apparatus: Apparatus, number: int, note: Note) -> list[CompileTask]:
    """Give jobs to compile: the open session's, then of those who have fewest ready."""
    if number <= 0:
        return []
    number = min(number, _MOST)
    jobs = Job.objects.filter(apparatus=apparatus, state=JobState.SUBMITTED.value)
    chosen = _of_open_session(jobs, apparatus)[:number]
    if len(chosen) < number:
        others = next_to_compile(apparatus.pk, number)
        chosen += [job for job in others if job not in chosen][: number - len(chosen)]
    if not chosen:
        return []
    found = jobs.select_related("owner", "files_given").in_bulk(chosen)
    tasks: list[CompileTask] = []
    for job in (found[pk] for pk in chosen):
        move_job(job, JobState.COMPILING, note, _task(note))
        tasks.append(_compile_task(job, apparatus))
    return tasks


def _of_open_session(jobs: QuerySet[Job], apparatus: Apparatus) -> list[str]:
    """Return which of these the user waits for whose turn it is alone."""
    turn = open_turn(apparatus)
    if turn is None:
        return []
    own = jobs.filter(session=turn.id).order_by(*TURN)
    return list(own.values_list("pk", flat=True)[:_MOST])


def _task(note: Note) -> dict[str, object]:
    until = note.now + timedelta(seconds=settings.SHOTHUB.task_seconds)
    return {"task_epoch": note.epoch, "task_expires": until}


def _compile_task(job: Job, apparatus: Apparatus) -> CompileTask:
    described = description_of(apparatus)
    given = getattr(job, "files_given", None)
    script = SourceFile(**given.script) if given and given.script else None
    file = _globals_file(given.globals_name, given.globals_content) if given else None
    return CompileTask(
        job=job.pk,
        key=job.owner.key,
        day=f"{job.submitted:%Y-%m-%d}",
        kind="script" if job.kind == "script" else "procedure",
        source=job.source,
        procedure_sha256=job.procedure_sha256,
        script=script,
        globals=job.globals,
        globals_file=file,
        routines=[SourceFile(**r) for r in given.routines] if given else [],
        max_shots=described.max_shots,
        hdf5_allowed=described.hdf5_download and _may_have_hdf5(job, apparatus),
    )


def _globals_file(name: str, content: bytes) -> GlobalsFile | None:
    if not name:
        return None
    return GlobalsFile.model_construct(name=name, content=bytes(content))


def _may_have_hdf5(job: Job, apparatus: Apparatus) -> bool:
    grants = job.owner.grants.filter(apparatus=apparatus.name, hdf5=True)
    return job.owner.is_staff or grants.exists()


def _give_analyse(apparatus: Apparatus, asked: Poll, note: Note) -> list[AnalyseTask]:
    number = asked.capacity.analyse
    if number <= 0:
        return []
    jobs = Job.objects.filter(
        apparatus=apparatus, state=JobState.ANALYSING.value, task_epoch=0
    )
    if asked.holding:  # an earlier session's, whose results are still on their way
        jobs = jobs.exclude(pk__in=asked.holding.jobs)
    tasks = []
    for job in jobs.order_by("submitted", "id")[: min(number, _MOST)]:
        done = Shot.objects.filter(job=job, state=ShotState.DONE.value)
        indexes = list(done.order_by("index").values_list("index", flat=True))
        tasks.append(AnalyseTask(job=job.pk, done=indexes))
        Job.objects.filter(pk=job.pk).update(**_task(note))
    return tasks
