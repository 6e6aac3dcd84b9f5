"""When what waits will run: a replay of the scheduler over the queue as it stands now.

The near future is replayed turn by turn, the far one as if all who wait were served at
once (domain.fluid). Times are seconds of POSIX time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf

from shothub.domain import calendar
from shothub.domain.calendar import Booking, Standing, Turn, standing_at
from shothub.domain.fluid import Line, Piece, passages
from shothub.domain.queue import (
    LAB,
    Choice,
    Key,
    Service,
    State,
    Use,
    Work,
    arrive,
    charge,
    choose,
)

EXACT_STEPS = 400
"""Turns that are replayed one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A job, or a session that waits for its turn, as far as it has yet to run.

    Attributes:
        rank: the user's own order; smaller is first.
        ready: from when on it may run, as far as a time bars it.
        after: jobs that must end before it.
        session: id of the open session that it belongs to.
    """

    key: Key
    work: Work
    rank: tuple[float, ...] = ()
    ready: float = -inf
    after: tuple[str, ...] = ()
    session: str = ""

    @property
    def name(self) -> str:
        """Return what it is called in the forecast: the id of the job or session."""
        return self.work.job or self.work.session

    @property
    def slot(self) -> "Slot":
        """Return in which line it stands: the lab's own work is not in its user's."""
        return self.key, self.work.service in LAB


Slot = tuple[Key, bool]


@dataclass(frozen=True, slots=True)
class InHand:
    """Shots of a job that are leased or run: they come first.

    Attributes:
        seconds: until the last of them has ended.
    """

    job: str
    shots: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a replay foresees of one job.

    Attributes:
        place: 1 for the job whose next shot is first.
        ahead: shots of others that run before its next one.
        starts, ends: of its next shot and of its last.
    """

    place: int
    ahead: int
    starts: float
    ends: float


@dataclass(frozen=True, slots=True)
class Diary:
    """The calendar as a replay asks it."""

    bookings: Sequence[Booking] = ()
    turn: Turn | None = None

    def edge_after(self, now: float, idle: "Idle") -> float:
        """Return the next time at which something changes; infinite if nothing does."""
        times = [self.turn.until.timestamp()] if self.turn else []
        for booking in self.bookings:
            lent = idle(booking) + calendar.IDLE_RELEASE.total_seconds()
            times += [booking.starts.timestamp(), lent, booking.ends.timestamp()]
        return min((time for time in times if time > now), default=inf)

    def standing(self, now: float, idle: "Idle") -> Standing:
        """Return how the calendar stands at a time."""
        moment = datetime.fromtimestamp(now, UTC)
        standing = standing_at(self.bookings, moment, self.turn)
        running = standing.running
        if running is None or running.holder is None:
            return standing
        lent = now - idle(running) >= calendar.IDLE_RELEASE.total_seconds()
        return replace(standing, lent=lent)


Idle = Callable[[Booking], float]
"""Since when the holder of a booking has had nothing to run; infinite if he has."""


@dataclass
class _Seen:
    """What the replay has noted of one job so far."""

    starts: float
    ahead: int
    ends: float = inf


@dataclass
class _Replay:
    """The state of a replay; changed step by step."""

    state: State
    diary: Diary
    now: float
    waiting: dict[Slot, list[Pending]] = field(default_factory=dict)
    later: list[Pending] = field(default_factory=list)
    seen: dict[str, _Seen] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    shots: int = 0
    last: dict[Key, float] = field(default_factory=dict)

    def idle(self, booking: Booking) -> float:
        """Return since when its holder has had nothing to run."""
        mine = [key for key, _ in self.waiting if booking.is_held_by(*key[::-1])]
        if mine:
            return inf
        since = max(booking.idle_since or booking.starts, booking.starts).timestamp()
        used = (at for k, at in self.last.items() if booking.is_held_by(*k[::-1]))
        return max(since, *used, since)


def replay(
    state: State,
    pending: Iterable[Pending],
    *,
    now: float,
    in_hand: Iterable[InHand] = (),
    diary: Diary | None = None,
) -> Mapping[str, Foreseen]:
    """Return what is foreseen of each job, by id; what cannot be foreseen is left out.

    Args:
        state: the queue; its ``work`` and ``lab`` are replaced by what is pending.
        pending: what has yet to run.
        now: the present time.
        in_hand: what was given to the machine already.
        diary: bookings and the open session.
    """
    run = _Replay(replace(state, work={}, lab=()), diary or Diary(), now)
    run.later = sorted(pending, key=lambda p: (p.rank, p.work.arrived, p.name))
    more = {p.name for p in run.later}
    for held in in_hand:
        _note(run, held.job, run.now)
        run.now += held.seconds
        run.shots += held.shots
        if held.job not in more:
            _end(run, held.job)
    _admit(run)
    for _ in range(EXACT_STEPS):
        if not _step(run):
            return _foreseen(run)
    _flow(run)
    return _foreseen(run)


def _step(run: _Replay) -> bool:
    """Run one block of shots or wait for something; tell whether there is more."""
    if not (run.waiting or run.later):
        return False
    standing = run.diary.standing(run.now, run.idle)
    choice = choose(_allowed(run, standing), run.now)
    if choice is None:
        return _wait(run)
    _run_block(run, choice)
    _admit(run)
    return True


def _wait(run: _Replay) -> bool:
    ready = min((p.ready for p in run.later if p.ready > run.now), default=inf)
    until = min(ready, run.diary.edge_after(run.now, run.idle))
    if until == inf:
        return False
    run.now = until
    _admit(run)
    return True


def _admit(run: _Replay) -> None:
    """Let those wait whose time has come and whose predecessors have ended."""
    if not run.later:
        return
    still = []
    for pending in run.later:
        if pending.ready > run.now or any(j not in run.ended for j in pending.after):
            still.append(pending)
            continue
        queue = run.waiting.setdefault(pending.slot, [])
        queue.append(pending)
        queue.sort(key=lambda p: (p.rank, p.work.arrived, p.name))
        _show_first(run, pending.slot)
    run.later = still


def _show_first(run: _Replay, slot: Slot) -> None:
    key, is_lab = slot
    if not is_lab:
        run.state = arrive(run.state, key, run.waiting[slot][0].work)


def _allowed(run: _Replay, standing: Standing) -> State:
    """Return the queue with only that in it which the calendar lets start now."""
    heads = [queue[0] for queue in run.waiting.values()]
    if run.diary.bookings or run.diary.turn:
        moment = datetime.fromtimestamp(run.now, UTC)
        heads = [
            _with_right(head, standing)
            for head in heads
            if _may_start(run.state, standing, head, moment)
        ]
    lab = [(head.key, head.work) for head in heads if head.work.service in LAB]
    lab.sort(key=lambda found: found[1].arrived)
    fair = {head.key: head.work for head in heads if head.work.service not in LAB}
    return replace(run.state, work=fair, lab=tuple(lab))


def _may_start(
    state: State, standing: Standing, head: Pending, moment: datetime
) -> bool:
    asked = calendar.Asked(
        user=head.key.user,
        group=head.key.group,
        seconds=head.work.seconds + state.switch_to(head.work),
        session=head.session,
        above=head.work.service in LAB,
    )
    return calendar.may_start(standing, asked, now=moment) is None


def _with_right(head: Pending, standing: Standing) -> Pending:
    running, key = standing.running, head.key
    held = running is not None and running.is_held_by(key.user, key.group)
    if head.work.service in LAB or not (held or head.session):
        return head
    return replace(head, work=replace(head.work, service=Service.RESERVED))


def _run_block(run: _Replay, choice: Choice) -> None:
    work, slot = choice.work, (choice.share, choice.work.service in LAB)
    switch = run.state.switch_to(work)
    _note(run, run.waiting[slot][0].name, run.now + switch)
    free = run.diary.edge_after(run.now, run.idle) - run.now - switch
    room = min(choice.seconds, free - calendar.MARGIN.total_seconds())
    fitting = int(room // work.seconds) if work.seconds and room < inf else work.shots
    shots = max(1, min(work.shots, fitting))
    run.now += shots * work.seconds + switch
    run.shots += shots
    use = Use(
        share=choice.share,
        service=choice.service,
        seconds=shots * work.seconds + switch,
        ended=run.now,
        config=work.config,
    )
    run.state = charge(run.state, use)
    run.last[choice.share] = run.now
    _take_off(run, slot, shots)


def _take_off(run: _Replay, slot: Slot, shots: int) -> None:
    queue = run.waiting[slot]
    head = queue[0]
    left = head.work.shots - shots
    if left:
        queue[0] = replace(head, work=replace(head.work, shots=left))
    else:
        _end(run, queue.pop(0).name)
    if queue:
        _show_first(run, slot)
        return
    del run.waiting[slot]
    key, is_lab = slot
    if not is_lab:
        rest = {k: work for k, work in run.state.work.items() if k != key}
        run.state = replace(run.state, work=rest)


def _note(run: _Replay, job: str, at: float) -> None:
    run.seen.setdefault(job, _Seen(at, run.shots))


def _end(run: _Replay, job: str) -> None:
    run.ended[job] = run.seen[job].ends = run.now


def _flow(run: _Replay) -> None:
    """Foresee what is left as if all were served at once, class by class.

    What waits for a time or for others is put where it stands in its user's line, and
    not before that; closed spans of the calendar are left out of account.
    """
    lines: dict[Slot, list[Pending]] = {s: [*queue] for s, queue in run.waiting.items()}
    for pending in run.later:
        lines.setdefault(pending.slot, []).append(pending)
    begin = run.now
    for service in (*sorted(LAB), Service.NORMAL, Service.SCAVENGER):
        chosen = [
            Line(_weight(run.state, slot[0]), [_piece(p) for p in own])
            for slot, queue in lines.items()
            if (own := [p for p in queue if _class(p) is service])
        ]
        found = passages(chosen)
        for name, passage in found.items():
            seen = run.seen.setdefault(
                name, _Seen(begin + passage.starts, run.shots + passage.ahead)
            )
            seen.ends = begin + passage.ends
        run.shots += sum(p.shots for line in chosen for p in line.pieces)
        begin = max((begin + p.ends for p in found.values()), default=begin)
    _push_back(run)


def _class(pending: Pending) -> Service:
    known = {*LAB, Service.SCAVENGER}
    return pending.work.service if pending.work.service in known else Service.NORMAL


def _piece(pending: Pending) -> Piece:
    return Piece(pending.name, max(pending.work.left, 1e-6), pending.work.shots)


def _weight(state: State, key: Key) -> float:
    share = state.share(key).weight
    if key.group is None:
        return share
    inside = {k for k in state.work if k.group == key.group} | {key}
    return (
        state.group(key.group).weight
        * share
        / sum(state.share(k).weight for k in inside)
    )


def _push_back(run: _Replay) -> None:
    """Move what waits for a time or for others to where it may begin."""
    ends = {name: seen.ends for name, seen in run.seen.items()}
    for pending in run.later:
        seen = run.seen.get(pending.name)
        if seen is None:
            continue
        waits = [ends.get(job, inf) for job in pending.after if job not in run.ended]
        late = max(pending.ready, *waits, seen.starts) - seen.starts
        seen.starts, seen.ends = seen.starts + late, seen.ends + late
        ends[pending.name] = seen.ends


def _foreseen(run: _Replay) -> Mapping[str, Foreseen]:
    known = {job: seen for job, seen in run.seen.items() if seen.ends < inf}
    order = sorted(known, key=lambda job: (known[job].starts, known[job].ahead))
    return {
        job: Foreseen(
            place=place,
            ahead=known[job].ahead,
            starts=known[job].starts,
            ends=known[job].ends,
        )
        for place, job in enumerate(order, start=1)
    }
