"""The hub's services against a plain model of the queue, driven at random."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.integration.server.hub_cast import make_cast
from tests.integration.server.queue_model import (
    Model,
    ModelAttempt,
    ModelJob,
    ModelShot,
)
from tests.integration.server.scripted_agent import DESCRIPTION

from shothub.domain.evidence import Decision
from shothub.domain.states import SHOT_ENDS, SHOT_MOVES, JobState, Outcome, ShotState
from shothub.runtime import clock
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.queries import principal_of_session
from shothub.server.apparatus.models import Apparatus, Share, Usage
from shothub.server.jobs.models import Attempt, Event, Job, Shot
from shothub.server.jobs.services import (
    agents,
    control,
    machines,
    sessions,
    shots,
    starts,
    submit,
    unknown,
)
from shothub.server.jobs.services.returns import return_all_lapsed
from shothub.server.refusals import Conflict, Refused
from shothub.server.results.services import store_analysis, store_job_analysis
from shothub.wire.agents import (
    Capacity,
    Compiled,
    CompiledShot,
    Finish,
    Holding,
    JobAnalysed,
    OpenSession,
    Poll,
    ShotAnalysed,
    ShotLease,
    Start,
    Work,
)
from shothub.wire.apparatus import Description
from shothub.wire.jobs import ProcedureRequest

USERS = ("alice", "bob")
AGENTS = ("first", "second")
SELDOM = st.sampled_from([False, False, True])
MOSTLY_PRESENT = st.sampled_from([True, True, True, False])
"""Whether it is the agent of the newest session that acts, or the one before it."""
DURATION = 30.0
ENDS = st.sampled_from(list(Outcome))
EXAMPLES = int(os.environ.get("SHOTHUB_QUEUE_EXAMPLES", "20"))
"""How many runs of forty steps; ``make soak`` takes more."""
COUNTERS = {
    "waiting": {ShotState.COMPILED},
    "leased": {ShotState.LEASED},
    "started_now": {ShotState.STARTED},
    "shots_done": {ShotState.DONE},
    "shots_failed": {ShotState.FAILED},
    "shots_unknown": {ShotState.UNKNOWN},
    "shots": set(ShotState),
}


class AgentMemory:
    """What one agent knows: all of it is lost when it crashes."""

    def __init__(self) -> None:
        self.epoch = 0
        self.serials: Counter[str] = Counter()
        self.leases: list[ShotLease] = []


class QueueMachine(RuleBasedStateMachine):
    """Users, operators and two agents, each doing anything at any time."""

    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self._example = transaction.atomic()
        self._example.__enter__()
        cast = make_cast()
        self.users = {n: principal_of_session(cast.users[n]) for n in USERS}
        self.olga = principal_of_session(cast.users["olga"])
        robot = cast.users["robot"]
        self.robot = Principal(
            user=robot.pk, username="robot", key="robot", apparatus="sim"
        )
        self.apparatus = Apparatus.objects.get(name="sim")
        self.model = Model()
        self.memory = {name: AgentMemory() for name in AGENTS}
        self.now = clock.now()
        self.present = "first"
        self._last_event = 0
        self._chains: dict[tuple[str, int], ShotState] = {}
        self._marks: Counter[str] = Counter()

    def teardown(self) -> None:
        try:
            self._nobody_starves()
        finally:
            self.roll_back()

    def roll_back(self) -> None:
        transaction.set_rollback(True)
        self._example.__exit__(None, None, None)

    # Agents.

    @initialize(counts=st.tuples(st.integers(1, 3), st.integers(1, 3)))
    def begin(self, counts: tuple[int, int]) -> None:
        self.open_session("first")
        for user, count in zip(USERS, counts, strict=True):
            self.submit(user, count)

    @rule(agent=st.sampled_from(AGENTS))
    def open_session(self, agent: str) -> None:
        memory = self.memory[agent] = AgentMemory()
        self.present = agent
        opening = OpenSession(
            apparatus="sim",
            agent_version="test",
            description=Description.model_validate(DESCRIPTION),
        )
        session = sessions.open_session(self.robot, opening, now=self.now)
        open_ones = {
            attempt
            for shot in self.model.shots
            if (attempt := self.model.open_attempt(shot)) is not None
            and self.model.shots[shot].state is ShotState.STARTED
        }
        assert set(session.started) == open_ones
        assert session.epoch == self.model.epoch + 1
        memory.epoch = session.epoch
        self.model.begin_session(session.epoch)

    @rule(
        present=MOSTLY_PRESENT,
        shots=st.integers(1, 4),
        lost=st.sampled_from([False, False, False, True]),
        says=st.booleans(),
    )
    def poll(self, shots: int, *, present: bool, lost: bool, says: bool) -> None:
        """Ask for shots; the answer may be lost, and the agent may say what it holds."""
        memory = self._agent(present=present)
        memory.serials["shots"] += 1
        holding = Holding(
            kind="shots",
            serial=memory.serials["shots"],
            fences=[lease.fence for lease in memory.leases],
        )
        work = self._poll(memory, Capacity(shots=shots), holding if says else None)
        if work is None:
            return
        self._lapse(memory, holding if says else None)
        for lease in work.shots:
            self._leased(lease, memory.epoch)
        self._follow_what_the_hub_took_back()
        if not lost:
            memory.leases += work.shots

    def _poll(
        self, memory: AgentMemory, capacity: Capacity, holding: Holding | None
    ) -> Work | None:
        asked = Poll(epoch=memory.epoch, capacity=capacity, holding=holding, wait=0)
        if memory.epoch != self.model.epoch:
            with pytest.raises(agents.Fenced):
                agents.poll(self.robot, asked, now=self.now)
            return None
        return agents.poll(self.robot, asked, now=self.now)

    def _lapse(self, memory: AgentMemory, holding: Holding | None) -> None:
        def lapsed(shot: ModelShot) -> bool:
            return shot.expires is not None and shot.expires < self.now

        def dropped(shot: ModelShot) -> bool:
            own = shot.epoch == memory.epoch
            return own and holding is not None and shot.fence not in holding.fences

        self.model.give_back(lambda shot: lapsed(shot) or dropped(shot))

    def _leased(self, lease: ShotLease, epoch: int) -> None:
        shot = self.model.shots[lease.shot]
        if shot.state is ShotState.LEASED and self._gave_way(lease):
            shot.state = ShotState.COMPILED
        assert self.model.may_lease(shot)
        shot.state, shot.fence, shot.epoch = ShotState.LEASED, lease.fence, epoch
        shot.expires = self.now + timedelta(seconds=lease.seconds)

    def _gave_way(self, lease: ShotLease) -> bool:
        """Tell whether a shot was taken back for urgent work before it was leased anew."""
        events = Event.objects.filter(job=lease.job, shot=lease.index)
        last = events.order_by("-id").values_list("what", flat=True)[:2]
        return list(last) == ["shot.leased", "shot.compiled"]

    def _follow_what_the_hub_took_back(self) -> None:
        """Work that goes first may take leases back; it may do nothing else."""
        for row in Shot.objects.filter(state=ShotState.COMPILED.value):
            shot = self.model.shots[row.pk]
            if shot.state is ShotState.LEASED:
                shot.state = ShotState.COMPILED

    @precondition(lambda self: self._leases_known())
    @rule(present=MOSTLY_PRESENT)
    def crash(self, *, present: bool) -> None:
        self._agent(present=present).leases.clear()

    def _leases_known(self) -> bool:
        return any(memory.leases for memory in self.memory.values())

    def _agent(self, *, present: bool) -> AgentMemory:
        other = next(name for name in AGENTS if name != self.present)
        return self.memory[self.present if present else other]

    @precondition(lambda self: self._leases_known())
    @rule(
        target=attempts,
        pick=st.integers(0, 10),
        keep=st.booleans(),
        twice=st.booleans(),
    )
    def start(self, pick: int, *, keep: bool, twice: bool) -> Any:
        """Ask START for a lease that an agent believes it has, perhaps again and again."""
        some = [memory for memory in self.memory.values() if memory.leases]
        memory = some[pick % len(some)]
        lease = memory.leases[pick % len(memory.leases)]
        if not keep:
            memory.leases.remove(lease)
        granted = self._start(lease, memory.epoch)
        if granted is None:
            return multiple()
        if twice:
            assert self._start(lease, memory.epoch) == granted
        return granted

    @rule(target=attempts, outcome=ENDS, seconds=st.sampled_from([0.5, 30.0, 45.0]))
    def run_one(self, outcome: Outcome, seconds: float) -> Any:
        """Run a shot as on a good day: leased, started, ended."""
        self.poll(1, present=True, lost=False, says=True)
        memory = self._agent(present=True)
        granted = (
            self._start(memory.leases.pop(), memory.epoch) if memory.leases else None
        )
        if granted is None:
            return multiple()
        self.now += timedelta(seconds=seconds)
        self.finish(granted, outcome, present=True)
        return granted

    def _start(self, lease: ShotLease, epoch: int) -> int | None:
        asked = Start(epoch=epoch, fence=lease.fence)
        shot = self.model.shots[lease.shot]
        again = self.model.open_attempt(lease.shot)
        known = self.model.attempts.get(again or 0)
        repeated = (
            known is not None
            and (known.epoch, known.fence) == (epoch, lease.fence)
            and epoch == self.model.epoch
            and shot.state is ShotState.STARTED
        )
        may = self.model.may_start(shot, epoch, lease.fence, self.now)
        if not (may or repeated):
            with pytest.raises(Refused):
                starts.start(self.robot, lease.shot, asked, now=self.now)
            return None
        granted = starts.start(self.robot, lease.shot, asked, now=self.now)
        if repeated:
            assert granted.attempt == again
            return granted.attempt
        assert granted.attempt not in self.model.attempts
        shot.state = ShotState.STARTED
        shot.attempts.append(granted.attempt)
        assert granted.number == len(shot.attempts)
        self.model.attempts[granted.attempt] = ModelAttempt(
            epoch=epoch, fence=lease.fence, opened=self.now
        )
        return granted.attempt

    @rule(attempt=attempts, outcome=ENDS, present=MOSTLY_PRESENT)
    def finish(self, attempt: int, outcome: Outcome, *, present: bool) -> None:
        """Report an end: the first or a repeated one, from this or an older session."""
        opened = self.model.attempts[attempt].opened
        began = None if outcome is Outcome.NOT_STARTED else opened
        report = Finish(
            epoch=self._agent(present=present).epoch,
            outcome=outcome,
            began=began,
            ended=max(self.now, opened),
        )
        if self.model.finish(attempt, outcome, self.now):
            with pytest.raises(Conflict):
                shots.finish(self.robot, attempt, report, now=self.now)
        else:
            shots.finish(self.robot, attempt, report, now=self.now)

    @rule(attempt=consumes(attempts))
    def analysed(self, attempt: int) -> None:
        report = ShotAnalysed(epoch=self.model.epoch, routines=[])
        store_analysis(self.robot, attempt, report, now=self.now)

    @precondition(lambda self: self._some(ShotState.DONE))
    @rule()
    def analyse_jobs(self) -> None:
        memory = self._agent(present=True)
        work = self._poll(memory, Capacity(analyse=4), None)
        assert work is not None
        self._lapse(memory, None)
        self._follow_what_the_hub_took_back()
        for task in work.analyse:
            report = JobAnalysed(epoch=memory.epoch, routines=[])
            store_job_analysis(self.robot, task.job, report, now=self.now)

    # Users and operators.

    @rule(user=st.sampled_from(USERS), count=st.integers(1, 4))
    def submit(self, user: str, count: int) -> None:
        """Submit a job; the present agent compiles it at once."""
        request = ProcedureRequest(
            kind="procedure", apparatus="sim", procedure="bec_tof"
        )
        [view] = submit.submit(
            self.users[user],
            [request],
            idempotency=None,
            stored=lambda *_: 0,
            now=self.now,
        )
        memory = self._agent(present=True)
        work = self._poll(memory, Capacity(compile=1), None)
        assert work is not None
        assert [task.job for task in work.compile] == [view.id]
        self._lapse(memory, None)
        made = [
            CompiledShot(index=i, globals={}, duration=DURATION) for i in range(count)
        ]
        report = Compiled(epoch=memory.epoch, shots=made)
        shots.compiled(self.robot, view.id, report, now=self.now)
        self.model.jobs[view.id] = ModelJob(owner=user)
        for row in Shot.objects.filter(job=view.id):
            self.model.shots[row.pk] = ModelShot(job=view.id, duration=DURATION)
        self._follow_what_the_hub_took_back()

    @rule(pick=st.integers(0, 50), abort=st.booleans(), really=SELDOM)
    def cancel(self, pick: int, *, abort: bool, really: bool) -> None:
        if not really:
            return
        job = self._some_job(pick)
        owner = self.users[self.model.jobs[job].owner]
        ended = JobState(Job.objects.get(pk=job).state)
        if ended in (JobState.DONE, JobState.FAILED):
            with pytest.raises(Refused):
                control.cancel(owner, job, now=self.now, abort=abort)
            return
        control.cancel(owner, job, now=self.now, abort=abort)
        self.model.cancel(job)

    @rule(pick=st.integers(0, 50), on=st.booleans())
    def hold(self, pick: int, *, on: bool) -> None:
        job = self._some_job(pick)
        owner = self.users[self.model.jobs[job].owner]
        if not on:
            control.release(owner, job, now=self.now)
            self.model.jobs[job].held = False
            return
        try:
            control.hold(owner, job, now=self.now)
        except Refused:
            assert all(s.state in SHOT_ENDS for s in self.model.shots_of(job))
            return
        self.model.jobs[job].held = True
        self.model.give_back(lambda shot: shot.job == job)

    @precondition(lambda self: self._some(ShotState.UNKNOWN))
    @rule(pick=st.integers(0, 50), choice=st.sampled_from(list(Decision)))
    def decide(self, pick: int, choice: Decision) -> None:
        some = self._some(ShotState.UNKNOWN)
        pk = some[pick % len(some)]
        shot, row = self.model.shots[pk], Shot.objects.get(pk=pk)
        owner = self.users[self.model.jobs[shot.job].owner]

        def act() -> None:
            unknown.decide(owner, shot.job, row.index, choice, now=self.now)

        if choice is Decision.RERUN and self.model.jobs[shot.job].cancelled:
            with pytest.raises(Refused):
                act()
            return
        act()
        shot.decision = choice.value
        if choice is Decision.RERUN:
            shot.state = ShotState.COMPILED
        elif choice is Decision.GIVE_UP:
            shot.state = ShotState.FAILED

    @rule(on=st.sampled_from([True, False, False]))
    def pause(self, *, on: bool) -> None:
        if on:
            machines.pause(self.olga, self.apparatus, message="wait", now=self.now)
            self.model.give_back(lambda _: True)
        else:
            proved = replace(self.olga, proved=self.now)
            machines.resume(proved, self.apparatus, now=self.now)
        self.model.paused = on

    @rule(seconds=st.sampled_from([1.0, 20.0, 119.0, 121.0, 3600.0, -5.0, -3600.0]))
    def clock_jumps(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def time_is_swept(self) -> None:
        return_all_lapsed(self.now)
        self.model.give_back(
            lambda shot: shot.expires is not None and shot.expires < self.now
        )

    def _some_job(self, pick: int) -> str:
        jobs = list(self.model.jobs)
        return jobs[pick % len(jobs)]

    def _some(self, state: ShotState) -> list[int]:
        return [pk for pk, shot in self.model.shots.items() if shot.state is state]

    # What must always be true.

    @invariant()
    def every_shot_is_where_the_model_has_it(self) -> None:
        rows = {row.pk: ShotState(row.state) for row in Shot.objects.all()}
        assert rows == {pk: shot.state for pk, shot in self.model.shots.items()}

    @invariant()
    def starts_are_once_an_attempt_and_one_at_a_time(self) -> None:
        opened: Counter[int] = Counter()
        for row in Attempt.objects.all():
            known = self.model.attempts[row.pk]
            assert (row.outcome or None) == (known.outcome and known.outcome.value)
            opened[row.shot_id] += not row.outcome
        assert len(self.model.attempts) == Attempt.objects.count()
        assert max(opened.values(), default=0) <= 1

    @invariant()
    def states_move_by_the_table(self) -> None:
        events = Event.objects.filter(pk__gt=self._last_event, shot__isnull=False)
        for event in events.order_by("pk"):
            self._last_event = event.pk
            name = event.what.removeprefix("shot.")
            if name not in set(ShotState):
                continue
            place = (str(event.job_id), int(event.shot or 0))
            before = self._chains.get(place, ShotState.COMPILED)
            assert ShotState(name) in SHOT_MOVES[before], (place, before, name)
            self._chains[place] = ShotState(name)

    @invariant()
    def counters_equal_a_recount(self) -> None:
        states: dict[str, Counter[ShotState]] = {}
        for shot in self.model.shots.values():
            states.setdefault(shot.job, Counter())[shot.state] += 1
        for job in Job.objects.all():
            counted = states.get(job.pk, Counter())
            for name, which in COUNTERS.items():
                assert getattr(job, name) == sum(counted[s] for s in which), name

    @invariant()
    def fences_epochs_and_tags_only_grow(self) -> None:
        row = Apparatus.objects.get(pk=self.apparatus.pk)
        marks = {"fence": row.fence, "epoch": row.epoch, "virtual": row.virtual_time}
        marks |= {f"tag {s.pk}": s.tag for s in Share.objects.all()}
        for name, value in marks.items():
            assert value >= self._marks[name] - 1e-9, name
            self._marks[name] = value  # type: ignore[assignment]

    @invariant()
    def the_sum_of_all_charges_is_the_time_the_machine_was_busy(self) -> None:
        busy = sum(attempt.charged for attempt in self.model.attempts.values())
        charged = Attempt.objects.aggregate(sum=Sum("charged"))["sum"] or 0.0
        used = Usage.objects.aggregate(sum=Sum("seconds"))["sum"] or 0.0
        assert charged == pytest.approx(busy, abs=1e-3)
        assert used == pytest.approx(busy, abs=1e-3)

    def _nobody_starves(self) -> None:
        """Let everything run, and count how long each user waits for his turn."""
        self.pause(on=False)
        for job in self.model.jobs:
            owner = self.users[self.model.jobs[job].owner]
            control.release(owner, job, now=self.now)
            self.model.jobs[job].held = False
        self.open_session("first")
        tags = list(
            Share.objects.filter(user__isnull=False).values_list("tag", flat=True)
        )
        longest = 10 + 8 * (max(tags, default=0.0) - min(tags, default=0.0)) / DURATION
        waited: Counter[str] = Counter()
        while waiting := self._waiting_users():
            [lease] = self._lease_one()
            attempt = self._start(lease, self.model.epoch)
            assert attempt is not None
            served = self.model.jobs[lease.job].owner
            waited = Counter({u: waited[u] + 1 for u in waiting if u != served})
            assert max(waited.values(), default=0) <= longest
            self.now += timedelta(seconds=DURATION)
            self.finish(attempt, Outcome.DONE, present=True)

    def _lease_one(self) -> list[ShotLease]:
        memory = self.memory["first"]
        work = self._poll(memory, Capacity(shots=1), None)
        assert work is not None
        self._lapse(memory, None)
        for lease in work.shots:
            self._leased(lease, memory.epoch)
        return work.shots

    def _waiting_users(self) -> set[str]:
        model = self.model
        return {
            model.jobs[shot.job].owner
            for shot in model.shots.values()
            if shot.state is ShotState.COMPILED
        }


def explore(
    examples: int, steps: int, phases: tuple[Phase, ...] = tuple(Phase)
) -> None:
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_queue_behaves_as_its_model(db: None) -> None:
    explore(examples=EXAMPLES, steps=40)


def _old_fence(machine: QueueMachine) -> None:
    """A lease is returned and given again; START is asked with its first fence."""
    machine.poll(1, present=True, lost=False, says=False)
    machine.pause(on=True)
    machine.pause(on=False)
    machine.poll(1, present=True, lost=False, says=False)
    machine.start(0, keep=True, twice=False)


def _old_session(machine: QueueMachine) -> None:
    """An agent asks the same START again after another agent has taken over."""
    machine.poll(1, present=True, lost=False, says=False)
    machine.start(0, keep=True, twice=False)
    machine.open_session("second")
    machine.start(0, keep=True, twice=False)


def _old_poll(machine: QueueMachine) -> None:
    """An agent asks for work after another one has taken over."""
    machine.open_session("second")
    machine.poll(1, present=False, lost=False, says=False)


def _play(script: Callable[[QueueMachine], None]) -> None:
    machine = QueueMachine()
    try:
        machine.open_session("first")
        machine.submit("alice", 1)
        script(machine)
    finally:
        machine.roll_back()


GUARDS = [
    (_old_fence, starts, "_require_startable"),
    (_old_session, starts, "require_epoch"),
    (_old_poll, agents, "require_epoch"),
]


@pytest.mark.parametrize(("script", "module", "guard"), GUARDS)
def test_without_one_guard_the_model_is_contradicted(
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    script: Callable[[QueueMachine], None],
    module: Any,
    guard: str,
) -> None:
    _play(script)
    monkeypatch.setattr(module, guard, lambda *_: None)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        _play(script)
