"""What waits on an apparatus and may run, as the rules of the queue see it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet

from shothub.domain.calendar import MARGIN, Asked, Standing, may_open, may_start
from shothub.domain.charging import arrive, charge
from shothub.domain.queue import LAB, Key, Service, State, Use, Work
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.shares import read_state
from shothub.server.jobs.models import Job
from shothub.server.jobs.under_way import GUESS, UnderWay, shots_under_way
from shothub.server.reservations.models import Session
from shothub.server.reservations.turn_queries import waiting_turns

TURN = ("-priority", "submitted", "id")
"""A user's own order of his jobs."""

_MOST_OF_LAB = 20
_FIRST = """
    SELECT first.id FROM jobs_job first
    WHERE first.share_id = share.id AND first.service = '{service}'
        AND first.waiting > 0 AND first.barred = ''
        AND first.state IN ('queued', 'running')
    ORDER BY first.priority DESC, first.submitted, first.id LIMIT 1
"""
_COLUMNS = [
    "id",
    "apparatus_id",
    "owner_id",
    "group_id",
    "share_id",
    "state",
    "service",
    "config",
    "shot_seconds",
    "waiting",
    "session",
    "submitted",
]
_FIRSTS = f"""
    SELECT {", ".join(f"job.{name}" for name in _COLUMNS)}
    FROM apparatus_share share
    JOIN jobs_job job ON job.id = COALESCE(
        ({_FIRST.format(service="normal")}), ({_FIRST.format(service="scavenger")})
    )
    WHERE share.apparatus_id = %s AND share.waiting > 0 AND share.user_id IS NOT NULL
"""  # noqa: S608  (columns of our own)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The queue of an apparatus at a moment.

    Attributes:
        state: with what is under way charged already, as far as it is expected to cost.
        jobs: those that are first of their shares, and the lab's, by id.
        under_way: in the order of the leases.
        after: seconds until what is under way has ended.
    """

    state: State
    jobs: Mapping[str, Job]
    under_way: Sequence[UnderWay]
    after: float


def queue_now(
    apparatus: Apparatus, stands: Standing, now: datetime, *, leased: bool = True
) -> Queue:
    """Return the queue of an apparatus: what may start, by bars and calendar.

    Args:
        apparatus: as read in this transaction.
        stands: its calendar.
        now: the present time.
        leased: whether leased shots are under way; else they are taken to wait.
    """
    under_way = shots_under_way(apparatus, now)
    going = [shot for shot in under_way if leased or shot.is_started]
    after = sum(shot.left for shot in going)
    turns = [] if stands.turn else waiting_turns(apparatus)
    known = read_state(apparatus, [Key(row.group_id, row.owner_id) for row in turns])
    view = _View(stands, known, now, after)
    jobs = [view.fitting(job) for job in _candidates(apparatus, stands)]
    found = [job for job in jobs if job]
    state = _with_work(known, found, stands)
    for row in turns:
        state = _with_turn(state, row, stands, now)
    for shot in going:
        state = expect(state, shot, now)
    if not leased:
        state = _with_leased(state, [s for s in under_way if not s.is_started])
    by_id = {job.pk: job for job in found}
    return Queue(state=state, jobs=by_id, under_way=under_way, after=after)


def queue_of_shares(apparatus: Apparatus, key: Key) -> State:
    """Return the queue as far as a charge to one share depends on it."""
    state = read_state(apparatus, [key])
    work = {
        key_of(job): work_of(job, Service(job.service))
        for job in Job.objects.raw(_FIRSTS, [apparatus.pk])
    }
    return replace(state, work=work)


def _candidates(apparatus: Apparatus, stands: Standing) -> list[Job]:
    """Return the job that is first of each share, and those of the lab."""
    if stands.turn:
        own = _may_run(Job.objects.filter(session=stands.turn.id))
        users = list(own.order_by(*TURN)[:1])
    else:
        users = list(Job.objects.raw(_FIRSTS, [apparatus.pk]))
    services = [service.value for service in LAB]
    lab = _may_run(Job.objects.filter(apparatus=apparatus, service__in=services))
    return [*users, *lab.order_by("submitted", "id")[:_MOST_OF_LAB]]


def _may_run(jobs: QuerySet[Job]) -> QuerySet[Job]:
    found = jobs.filter(waiting__gt=0, barred="", state__in=["queued", "running"])
    return found.only(*(name.removesuffix("_id") for name in _COLUMNS))


@dataclass(frozen=True)
class _View:
    """What decides whether a job may start by the calendar."""

    stands: Standing
    state: State
    now: datetime
    after: float

    def fitting(self, job: Job) -> Job | None:
        """Return the job if it may start, else one of its share that is short enough."""
        switch = self.state.switch if job.config != self.state.config else 0.0
        seconds = self.after + switch + (job.shot_seconds or GUESS)
        fault = may_start(self.stands, asked(job, seconds), now=self.now)
        if fault is None or fault.code != "reservation_ahead":
            return job if fault is None else None
        return self._shorter(job)

    def _shorter(self, job: Job) -> Job | None:
        ends = self.stands.ends_before(job.owner_id, job.group_id)
        if ends is None or job.service in LAB:
            return None
        room = (ends - MARGIN - self.now).total_seconds() - self.after
        same = Job.objects.filter(share=job.share_id, service=job.service)
        short = _may_run(same).filter(
            shot_seconds__gt=0, shot_seconds__lte=room - self.state.switch
        )
        return short.order_by(*TURN).first()


def asked(job: Job, seconds: float) -> Asked:
    """Return a job's next shot as the calendar sees it."""
    return Asked(
        user=job.owner_id,
        group=job.group_id,
        seconds=seconds,
        session=job.session,
        above=job.service in LAB,
    )


def _with_work(state: State, jobs: Iterable[Job], stands: Standing) -> State:
    work: dict[Key, Work] = {}
    lab: list[tuple[Key, Work]] = []
    for job in jobs:
        key = key_of(job)
        if job.service in LAB:
            lab.append((key, work_of(job, Service(job.service))))
        else:
            work[key] = work_of(job, _service(job, stands))
    return replace(state, work=work, lab=tuple(lab))


def _service(job: Job, stands: Standing) -> Service:
    """Return the class of a user's job; of those whose time it is, ``reserved``."""
    holder = None if stands.lent else stands.holder
    if stands.turn or (holder and holder.holds(job.owner_id, job.group_id)):
        return Service.RESERVED
    return Service(job.service)


def key_of(job: Job) -> Key:
    """Return which share a job is charged to."""
    return Key(job.group_id, job.owner_id)


def work_of(job: Job, service: Service) -> Work:
    """Return a job as the rules see it."""
    return Work(
        job=job.pk,
        service=service,
        seconds=job.shot_seconds or GUESS,
        shots=job.waiting,
        config=job.config,
        arrived=job.submitted.timestamp(),
    )


def _with_turn(state: State, row: Session, stands: Standing, now: datetime) -> State:
    """Return the queue with a session that waits, before its user's jobs."""
    key, least = Key(row.group_id, row.owner_id), row.idle_seconds
    if not may_open(stands, user=key.user, group=key.group, seconds=least, now=now):
        return state
    work = Work(
        job="",
        service=state.work[key].service if key in state.work else Service.NORMAL,
        seconds=least,
        shots=1,
        config=state.config,
        arrived=row.requested.timestamp(),
        session=row.pk,
    )
    return arrive(state, key, work)


def _with_leased(state: State, leased: Iterable[UnderWay]) -> State:
    """Return the queue with what is leased, where nothing else of its share waits."""
    work = dict(state.work)
    for each in leased:
        job, known = each.shot.job, work.get(each.key)
        if known is None:
            work[each.key] = Work(
                job=job.pk,
                service=_REQUEUED.get(each.service, each.service),
                seconds=each.seconds,
                shots=1,
                config=job.config,
                arrived=0.0,
            )
        elif known.job == job.pk:
            work[each.key] = replace(known, shots=known.shots + 1)
    return replace(state, work=work)


# Express is found anew; the lab's own shots are never taken back for others.
_REQUEUED = {Service.EXPRESS: Service.NORMAL}


def expect(state: State, shot: UnderWay, now: datetime) -> State:
    """Return the queue after a shot that is under way, as far as can be expected."""
    job = shot.shot.job
    if job.session:
        return replace(state, config=job.config)
    switch = state.switch if job.config != state.config else 0.0
    use = Use(
        share=shot.key,
        service=shot.service,
        seconds=shot.seconds + switch,
        ended=now.timestamp(),
        config=job.config,
    )
    return charge(state, use)
