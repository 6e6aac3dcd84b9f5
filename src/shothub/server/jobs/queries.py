"""Questions about jobs, shots, events and the queue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, Sum

from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.dues import (
    all_after,
    jobs_after,
    undecided_on,
    undecided_shots,
)
from shothub.server.jobs.forecasts import outlook_of
from shothub.server.jobs.models import Event, Job, Jobs, Shot
from shothub.server.jobs.notices import notice_of, notice_of_shot
from shothub.server.refusals import Forbidden, NotThere
from shothub.wire.jobs import EventView, JobPage, JobView, LogView, ShotView
from shothub.wire.problems import FaultModel

_LIVE = ("compiling", "queued", "running", "cancelling")


class NoSuchJob(NotThere):
    """There is no such job, or it is not yours."""


class NotYours(Forbidden):
    """The job is another's, who shares it to be read, not to be changed."""

    code = "not_owner"


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs to list.

    Attributes:
        text: part of the name, of the source or of the id.
        cursor: ``next`` of the page before.
        shared: jobs of others that are shared with one's groups, in place of one's own.
    """

    state: str = ""
    apparatus: str = ""
    tag: str = ""
    text: str = ""
    limit: int = 50
    cursor: str = ""
    shared: bool = False


def find_job(principal: Principal, job: str) -> Job:
    """Return one job that one may read.

    Raises:
        NoSuchJob: it does not exist or the principal may not see it.
    """
    return _one(Job.objects.visible_to(principal), job)


def _one(jobs: Jobs, job: str) -> Job:
    found = jobs.select_related(*_SHOWN).defer(
        "apparatus__description", "compile_log", "analyse_log"
    )
    one = found.filter(pk=job).first()
    if one is None:
        raise NoSuchJob(f"There is no job {job[:20]!r} of yours.")
    return one


def find_own_job(principal: Principal, job: str) -> Job:
    """Return one job of the user's own.

    Raises:
        NoSuchJob: it does not exist, or he may not know of it.
        NotYours: he may read it, no more.
    """
    found = find_job(principal, job)
    if found.owner_id != principal.user:
        raise NotYours(f"Job {job!r} is another's: he shares it to be read.")
    return found


def find_job_to_control(principal: Principal, job: str) -> Job:
    """Return one job that is the user's own or on an apparatus that he operates.

    Raises:
        NoSuchJob: it does not exist, or he may not know of it.
        NotYours: he may read it, no more.
    """
    controlled = Job.objects.controlled_by(principal)
    try:
        return _one(controlled, job)
    except NoSuchJob:
        find_job(principal, job)
        raise NotYours(f"Job {job!r} is another's: he shares it to be read.") from None


def find_job_to_watch(principal: Principal, job: str) -> Job:
    """Return one job that one may read, or control as an operator.

    Raises:
        NoSuchJob: it does not exist, or is neither.
    """
    return _one(Job.objects.watched_by(principal), job)


def owned_jobs(principal: Principal, ids: list[str]) -> list[JobView]:
    """Return jobs of the user by id, in the order of the ids."""
    mine = Job.objects.owned_by(principal).select_related(*_SHOWN)
    jobs = mine.defer("apparatus__description").in_bulk(ids)
    after = all_after(ids)
    return [job_view(jobs[pk], after=after.get(pk, ())) for pk in ids]


_SHOWN = ("owner", "apparatus", "group")


def job_view(job: Job, *, owner: str = "", after: Sequence[str] = ()) -> JobView:
    """Return a job as its owner sees it; the place in the queue is asked for apart."""
    return JobView(
        id=job.pk,
        rev=job.rev,
        apparatus=job.apparatus.name,
        kind="script" if job.kind == "script" else "procedure",
        source=job.source,
        name=job.name,
        tags=job.tags,
        priority=job.priority,
        owner=owner or job.owner.key,
        state=job.state,
        shots=job.shots,
        shots_done=job.shots_done,
        shots_failed=job.shots_failed,
        shots_unknown=job.shots_unknown,
        group=job.group.name if job.group else "",
        service=job.service,
        session=job.session,
        held=job.held or bool(job.held_by),
        not_before=job.not_before,
        start_by=job.start_by,
        after=list(after),
        globals=job.globals,
        faults=[FaultModel.model_validate(fault) for fault in job.faults],
        submitted=job.submitted,
        queued=job.queued,
        started=job.started,
        ended=job.ended,
        kept=job.kept,
        results_end=job.results_end,
        results_deleted=job.results_deleted,
    )


def view_now(job: Job, *, now: datetime) -> JobView:
    """Return a job with its place, what is foreseen of it and what keeps it waiting."""
    standing = {
        "notice": notice_of(job, now),
        "after": jobs_after(job),
        **outlook_of(job, now),
    }
    return job_view(job).model_copy(update=standing)


def pending_shots(apparatus: Apparatus) -> int:
    """Return how many compiled shots have not ended on the apparatus."""
    return _shots_left(Job.objects.unfinished().filter(apparatus=apparatus))


def _shots_left(jobs: Jobs) -> int:
    return jobs.aggregate(left=Sum("pending"))["left"] or 0


def list_jobs(principal: Principal, wanted: JobFilter) -> JobPage:
    """Return a page of the user's jobs, or of those shared with him, newest first."""
    chosen = Job.objects.shared_with if wanted.shared else Job.objects.owned_by
    jobs = chosen(principal).defer("compile_log", "analyse_log")
    # Each apparatus and owner once, not with each job: half of the time of a page.
    machines = Apparatus.objects.only("name")
    jobs = jobs.select_related("group").prefetch_related(
        "owner", Prefetch("apparatus", machines)
    )
    if wanted.state:
        jobs = jobs.filter(state=wanted.state)
    if wanted.apparatus:
        jobs = jobs.filter(apparatus__name=wanted.apparatus)
    if wanted.text:
        named = Q(name__icontains=wanted.text) | Q(source__icontains=wanted.text)
        jobs = jobs.filter(named | Q(pk__startswith=wanted.text))
    start = int(wanted.cursor) if wanted.cursor.isdecimal() else 0
    shown = slice(start, start + wanted.limit)
    if wanted.tag:
        # Tags are a short JSON list: compared here, as SQLite knows no containment.
        tagged = jobs.values_list("pk", "tags")
        ids = [pk for pk, tags in tagged if wanted.tag in tags]
        total, page = len(ids), list(jobs.filter(pk__in=ids[shown]))
    else:
        total, page = jobs.count(), list(jobs[shown])
    after_ids = all_after([job.pk for job in page])
    after = start + len(page)
    return JobPage(
        jobs=[job_view(job, after=after_ids.get(job.pk, ())) for job in page],
        total=total,
        next=str(after) if after < total else None,
    )


def shots_of(job: Job) -> list[ShotView]:
    """Return the shots of a job in order of index."""
    return [shot_view(shot) for shot in shot_rows(job)]


def undecided_of(job: Job) -> list[ShotView]:
    """Return the shots of unknown outcome about which nobody has decided."""
    indexes = undecided_shots(job)
    if not indexes:
        return []
    shots = Shot.objects.filter(job=job, index__in=indexes).order_by("index")
    return [shot_view(shot) for shot in shots]


@dataclass(frozen=True)
class Undecided:
    """Such a shot as the operators of its apparatus see it."""

    job: str
    owner: str
    source: str
    shot: ShotView


def undecided_of_apparatus(apparatus: Apparatus) -> list[Undecided]:
    """Return such shots of all jobs of an apparatus, the oldest first."""
    return [
        Undecided(shot.job_id, shot.job.owner.key, shot.job.source, shot_view(shot))
        for shot in undecided_on(apparatus.pk)
    ]


def shot_view(shot: Shot) -> ShotView:
    """Return a shot as its owner sees it."""
    return ShotView(
        index=shot.index,
        state=shot.state,
        attempts=shot.attempts,
        globals=shot.globals,
        duration=shot.duration,
        started=shot.started,
        ended=shot.ended,
        reason=shot.reason,
        decision=shot.decision,
        notice=notice_of_shot(shot),
    )


def shot_rows(job: Job) -> list[Shot]:
    """Return the rows of a job's shots in order of index."""
    return list(Shot.objects.filter(job=job).order_by("index"))


def events_of(job: Job, *, since: int = 0, limit: int = 1000) -> list[EventView]:
    """Return the events of a job after event ``since``, oldest first."""
    events = Event.objects.filter(job=job, id__gt=since).order_by("id")[:limit]
    return [event_view(event) for event in events]


def moves_of(job: Job) -> list[EventView]:
    """Return the changes of the job's own state, oldest first."""
    events = Event.objects.filter(job=job, shot=None, what__startswith="job.")
    return [event_view(event) for event in events.order_by("id")]


def event_view(event: Event) -> EventView:
    """Return an event as users see it."""
    return EventView(
        id=event.pk,
        at=event.at,
        what=event.what,
        shot=event.shot,
        detail=event.detail,
        late=event.late,
    )


def logs_of(job: Job) -> list[LogView]:
    """Return what the user's code printed, by stage."""
    row = Job.objects.only("compile_log", "analyse_log").get(pk=job.pk)
    stages = {"compile": row.compile_log, "analyse": row.analyse_log}
    return [LogView(stage=stage, text=text) for stage, text in stages.items() if text]


def counts_by_state() -> Iterable[tuple[str, int]]:
    """Return how many jobs are in each state, for the metrics."""
    states = Job.objects.order_by().values_list("state").distinct()
    return [(s, Job.objects.filter(state=s).count()) for (s,) in states]
