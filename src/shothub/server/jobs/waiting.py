"""What waits on an apparatus and may run, as the rules of the queue see it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shothub.domain.calendar import MARGIN, Asked, Standing, may_open, may_start
from shothub.domain.charging import arrive, charge
from shothub.domain.queue import LAB, Key, Service, State, Use, Work
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.heads import (
    Head,
    heads_of_lab,
    heads_of_session,
    shares_and_heads,
    short_head,
)
from shothub.server.jobs.under_way import UnderWay, shots_under_way
from shothub.server.reservations.models import Session
from shothub.server.reservations.turn_queries import waiting_turns

TURN = ("-priority", "submitted", "id")
"""A user's own order of his jobs."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The queue of an apparatus at a moment.

    Attributes:
        state: with what is under way charged already, as far as it is expected to cost.
        heads: the jobs that are first of their shares, and the lab's, by id.
        under_way: in the order of the leases.
        after: seconds until what is under way has ended.
    """

    state: State
    heads: Mapping[str, Head]
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
    asking = [Key(row.group_id, row.owner_id) for row in turns]
    known, heads = shares_and_heads(apparatus, asking)
    if stands.turn:
        heads = heads_of_session(apparatus, stands.turn.user, stands.turn.id)
    view = _View(stands, known, now, after)
    fitting = [view.fitting(head) for head in [*heads, *heads_of_lab(apparatus)]]
    found = [head for head in fitting if head]
    state = _with_work(known, found, stands)
    for row in turns:
        state = _with_turn(state, row, stands, now)
    for shot in going:
        state = expect(state, shot, now)
    if not leased:
        state = _with_leased(state, [s for s in under_way if not s.is_started])
    by_id = {head.id: head for head in found}
    return Queue(state=state, heads=by_id, under_way=under_way, after=after)


def queue_of_shares(apparatus: Apparatus, key: Key) -> State:
    """Return the queue as far as a charge to one share depends on it."""
    state, heads = shares_and_heads(apparatus, [key])
    return replace(state, work={head.key: head.work(head.service) for head in heads})


@dataclass(frozen=True)
class _View:
    """What decides whether a job may start by the calendar."""

    stands: Standing
    state: State
    now: datetime
    after: float

    def fitting(self, head: Head) -> Head | None:
        """Return the job if it may start, else one of its share that is short enough."""
        switch = self.state.switch if head.config != self.state.config else 0.0
        wish = asked(head, self.after + switch + head.seconds)
        fault = may_start(self.stands, wish, now=self.now)
        if fault is None or fault.code != "reservation_ahead":
            return head if fault is None else None
        return self._shorter(head)

    def _shorter(self, head: Head) -> Head | None:
        ends = self.stands.ends_before(head.owner, head.group)
        if ends is None or head.service in LAB:
            return None
        room = (ends - MARGIN - self.now).total_seconds() - self.after
        return short_head(head, room - self.state.switch)


def asked(head: Head, seconds: float) -> Asked:
    """Return a job's next shot as the calendar sees it."""
    return Asked(
        user=head.owner,
        group=head.group,
        seconds=seconds,
        session=head.session,
        above=head.service in LAB,
    )


def _with_work(state: State, heads: Iterable[Head], stands: Standing) -> State:
    work: dict[Key, Work] = {}
    lab: list[tuple[Key, Work]] = []
    for head in heads:
        if head.service in LAB:
            lab.append((head.key, head.work(head.service)))
        else:
            work[head.key] = head.work(_service(head, stands))
    return replace(state, work=work, lab=tuple(lab))


def _service(head: Head, stands: Standing) -> Service:
    """Return the class of a user's job; of those whose time it is, ``reserved``."""
    holder = None if stands.lent else stands.holder
    if stands.turn or (holder and holder.holds(head.owner, head.group)):
        return Service.RESERVED
    return head.service


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
