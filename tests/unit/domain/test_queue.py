"""Rules of the queue, by examples and by simulated days against invariants."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shothub.domain.queue import (
    Choice,
    Key,
    Policy,
    Service,
    Share,
    State,
    Use,
    Work,
    arrive,
    charge,
    choose,
    choose_urgent,
)
from shothub.domain.reasons import words

ALICE, BOB, CAROL = Key(None, 1), Key(None, 2), Key(None, 3)
PLAIN = Policy(express_credit=0.0, memory=1.0)
NAMES = {ALICE: "alice", BOB: "bob", CAROL: "carol"}


def work(key: Key, **changes: object) -> Work:
    plain = Work(
        job=f"job{key.user}",
        seconds=10.0,
        shots=1_000_000,
        config=f"config{key.user}",
        arrived=0.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@dataclass
class Machine:
    """Runs what the queue chooses, in simulated time."""

    state: State
    now: float = 0.0
    ran: list[tuple[float, Choice, float]] = field(default_factory=list)
    setup: float = 0.0

    def begin(self, key: Key, **changes: object) -> None:
        changes = {"arrived": self.now} | changes
        self.state = arrive(self.state, key, work(key, **changes))

    def step(self) -> Choice:
        choice = choose(self.state, self.now)
        assert choice is not None
        switch = self.state.switch_to(choice.work)
        cost = choice.work.seconds + switch
        self.now, self.setup = self.now + cost, self.setup + switch
        self._take(choice)
        use = Use(
            share=choice.share,
            service=choice.service,
            seconds=cost,
            ended=self.now,
            config=choice.work.config,
        )
        self.state = charge(self.state, use)
        self.ran.append((self.now, choice, cost))
        return choice

    def _take(self, choice: Choice) -> None:
        left = replace(choice.work, shots=choice.work.shots - 1)
        if choice.work.service in {Service.SAFETY, Service.CALIBRATION}:
            rest = tuple(x for x in self.state.lab if x[1].job != choice.job)
            again = ((choice.share, left),) if left.shots else ()
            self.state = replace(self.state, lab=again + rest)
            return
        rest_of = {k: w for k, w in self.state.work.items() if k != choice.share}
        if left.shots:
            rest_of[choice.share] = left
        self.state = replace(self.state, work=rest_of)

    def until(self, time: float) -> None:
        while self.now < time:
            self.step()

    def seconds(self) -> Counter[Key]:
        spent: Counter[Key] = Counter()
        for _, choice, cost in self.ran:
            spent[choice.share] += cost  # type: ignore[assignment]
        return spent


def machine(policy: Policy = PLAIN, **changes: object) -> Machine:
    return Machine(replace(State(policy=policy), **changes))  # type: ignore[arg-type]


def test_nobody_waits() -> None:
    assert choose(State(), 0.0) is None


@given(st.lists(st.floats(0.5, 30.0), min_size=2, max_size=6))
@settings(max_examples=20, deadline=None)
def test_busy_users_get_equal_time_whatever_their_shots_take(
    costs: list[float],
) -> None:
    run = machine()
    for user, seconds in enumerate(costs):
        run.begin(Key(None, user), seconds=seconds)
    run.until(7_200.0)
    spent = run.seconds()
    slice_ = PLAIN.round_seconds / len(costs)
    times = [spent[Key(None, user)] for user in range(len(costs))]
    assert max(times) - min(times) <= 2 * (slice_ + max(costs))


@given(st.lists(st.floats(0.5, 4.0), min_size=2, max_size=4))
@settings(max_examples=20, deadline=None)
def test_weights_are_respected_within_a_turn(weights: list[float]) -> None:
    keys = [Key(None, user) for user in range(len(weights))]
    shares = {k: Share(weight=w) for k, w in zip(keys, weights, strict=True)}
    run = machine(shares=shares)
    for key in keys:
        run.begin(key, seconds=2.0)
    run.until(7_200.0)
    spent, total = run.seconds(), sum(weights)
    for key, weight in zip(keys, weights, strict=True):
        fair = run.now * weight / total
        assert abs(spent[key] - fair) <= 3 * (PLAIN.round_seconds + 2.0)


def test_groups_share_first_then_the_users_within_them() -> None:
    run = machine()
    for key in (Key(7, 1), Key(7, 2), Key(7, 3), Key(None, 4)):
        run.begin(key, seconds=2.0)
    run.until(7_200.0)
    spent = run.seconds()
    assert spent[Key(None, 4)] == pytest.approx(3_600, abs=130)
    for user in (1, 2, 3):
        assert spent[Key(7, user)] == pytest.approx(1_200, abs=130)


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.floats(0.5, 20), st.integers(1, 30)),
        min_size=1,
        max_size=25,
    ),
    st.floats(0.0, 20.0),
)
@settings(max_examples=40, deadline=None)
def test_tags_and_virtual_time_never_fall_and_everybody_is_served(
    jobs: list[tuple[int, float, int]], switch: float
) -> None:
    run = machine(Policy(), switch=switch)
    waiting = Counter[Key]()
    for user, seconds, shots in jobs:
        key = Key(user % 2 or None, user)
        if key not in run.state.work:
            run.begin(key, seconds=seconds, shots=shots)
            waiting[key] += shots
        before = run.state
        run.step()
        _assert_monotone(before, run.state)
    while run.state.work:
        before = run.state
        run.step()
        _assert_monotone(before, run.state)
    assert Counter(choice.share for _, choice, _ in run.ran) == waiting


def _assert_monotone(before: State, after: State) -> None:
    assert after.virtual_time >= before.virtual_time
    for key in before.shares:
        assert after.share(key).tag >= before.share(key).tag
    for group in before.groups:
        assert after.group(group).tag >= before.group(group).tag


def test_idle_time_earns_no_credit_and_owes_no_debt() -> None:
    run = machine()
    run.begin(ALICE)
    run.until(36_000.0)
    run.begin(BOB)
    run.until(run.now + 3_600.0)
    later = Counter(c.share for at, c, _ in run.ran if at > 36_000.0)
    assert abs(later[ALICE] - later[BOB]) <= 13


def test_nobody_starves_while_newcomers_keep_coming() -> None:
    run = machine(Policy())
    run.begin(ALICE)
    for user in range(100, 160):
        run.begin(Key(None, user), shots=3)
        run.until(run.now + 45.0)
    assert run.seconds()[ALICE] > 0.2 * run.now


def test_a_turn_lasts_longer_the_more_a_change_costs() -> None:
    changes = {}
    for switch in (0.0, 5.0, 60.0):
        run = machine(switch=switch)
        for user in range(8):
            run.begin(Key(None, user))
        run.until(4 * 3_600.0)
        changes[switch] = run.setup / run.now
    assert changes[0.0] == 0.0
    assert all(share <= PLAIN.setup_share + 0.05 for share in changes.values())


def test_without_slices_changes_would_take_most_of_the_time() -> None:
    hasty = replace(PLAIN, setup_share=1.0, round_seconds=0.0)
    run = machine(hasty, switch=60.0)
    for user in range(8):
        run.begin(Key(None, user))
    run.until(4 * 3_600.0)
    assert run.setup / run.now > 0.5


def test_a_short_job_runs_at_the_next_shot_edge_on_express_credit() -> None:
    run = machine(Policy(), switch=2.0)
    for user in range(8):
        run.begin(Key(None, user))
    run.until(1_800.0)
    came = run.now
    run.begin(CAROL._replace(user=99), shots=10)
    served = [run.step() for _ in range(10)]
    assert {choice.service for choice in served} == {Service.EXPRESS}
    assert run.now - came == pytest.approx(102.0)


def test_express_stops_when_the_credit_is_used() -> None:
    run = machine(Policy())
    run.begin(ALICE)
    run.step()
    run.begin(BOB, shots=10)
    assert [run.step().share for _ in range(10)] == [BOB] * 10
    run.begin(BOB, shots=10)
    assert run.step().share == ALICE


def test_the_end_of_a_long_job_is_in_no_short_jobs_way() -> None:
    run = machine(Policy())
    run.begin(ALICE, shots=5)
    run.step()
    run.begin(BOB, shots=1, seconds=1.0)
    choice = run.step()
    assert (choice.share, choice.service) == (BOB, Service.EXPRESS)
    assert words(choice, run.state, NAMES.__getitem__) == (
        "bob goes ahead: all that is left of the job takes 1 s and fits the express"
        " credit."
    )


@pytest.mark.parametrize(("shots", "urgent"), [(2, True), (1_000, False)])
def test_a_short_job_whose_turn_it_is_gets_in_at_the_next_shot_edge_too(
    shots: int, *, urgent: bool
) -> None:
    shares = {ALICE: Share(tag=500.0), BOB: Share(tag=0.0)}
    run = machine(Policy(round_seconds=1.0), shares=shares)
    run.begin(ALICE)
    run.begin(BOB, shots=shots)
    state = replace(run.state, shares=shares)
    choice, soon = choose(state, run.now), choose_urgent(state, run.now)
    assert choice is not None
    assert (choice.share, choice.service) == (BOB, Service.NORMAL)
    assert (soon is not None) is urgent


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(1, 12), st.floats(1.0, 10.0)),
        min_size=1,
        max_size=30,
    ),
    st.floats(0.0, 15.0),
)
@settings(max_examples=40, deadline=None)
def test_express_never_takes_more_than_its_part_of_any_ten_minutes(
    newcomers: list[tuple[int, int, float]], switch: float
) -> None:
    run = machine(Policy(), switch=switch)
    run.begin(ALICE)
    for user, (pause, shots, seconds) in enumerate(newcomers, start=10):
        run.until(run.now + pause)
        run.begin(Key(None, user), shots=shots, seconds=seconds)
    run.until(run.now + 1_200.0)
    uses = [(at, cost) for at, c, cost in run.ran if c.service is Service.EXPRESS]
    for end, _ in uses:
        spent = sum(cost for at, cost in uses if end - 600.0 < at <= end)
        assert spent <= 120.0 + 1e-6


def test_calibration_goes_first_within_its_budget() -> None:
    run = machine()
    run.begin(ALICE)
    calibration = work(BOB, service=Service.CALIBRATION)
    run.state = replace(run.state, lab=((BOB, calibration),))
    run.until(3_600.0)
    spent = sum(cost for _, c, cost in run.ran if c.service is Service.CALIBRATION)
    assert run.ran[0][1].service is Service.CALIBRATION
    assert 800.0 <= spent <= 900.0


def test_calibration_over_its_budget_runs_when_nobody_else_waits() -> None:
    run = machine()
    calibration = work(BOB, service=Service.CALIBRATION)
    run.state = replace(run.state, lab=((BOB, calibration),))
    run.until(3_600.0)
    assert run.seconds()[BOB] >= 3_600.0


def test_classes_go_in_their_order() -> None:
    state = State(policy=PLAIN)
    for key, service in (
        (Key(None, 1), Service.SCAVENGER),
        (Key(None, 2), Service.NORMAL),
        (Key(None, 3), Service.RESERVED),
    ):
        state = arrive(state, key, work(key, service=service))
    lab = tuple(
        (Key(None, 4), work(Key(None, 4), job=service, service=service))
        for service in (Service.CALIBRATION, Service.SAFETY)
    )
    state = replace(state, lab=lab)
    order = []
    while choice := choose(state, 0.0):
        order.append(choice.service)
        rest = {k: w for k, w in state.work.items() if w.job != choice.job}
        lab = tuple(x for x in state.lab if x[1].job != choice.job)
        state = replace(state, work=rest, lab=lab)
    assert order == [
        Service.SAFETY,
        Service.CALIBRATION,
        Service.RESERVED,
        Service.NORMAL,
        Service.SCAVENGER,
    ]


def test_reserved_time_leaves_no_debt_among_the_others() -> None:
    run = machine()
    run.begin(BOB)
    run.step()
    run.state = replace(run.state, work={})
    run.begin(ALICE, service=Service.RESERVED)
    run.until(3_600.0)
    run.state = replace(run.state, work={})
    run.begin(ALICE)
    run.begin(BOB)
    assert run.state.share(ALICE).tag == run.state.virtual_time


def test_past_use_bends_the_weight_by_a_factor_at_most_and_fades() -> None:
    heavy = Share(usage=500_000.0)
    run = machine(Policy(express_credit=0.0), shares={ALICE: heavy})
    run.begin(ALICE, seconds=2.0)
    run.begin(BOB, seconds=2.0)
    run.until(7_200.0)
    spent = run.seconds()
    assert 2.0 <= spent[BOB] / spent[ALICE] <= 4.5
    forgotten = Share(usage=500_000.0, usage_at=-70 * 604_800.0)
    run = machine(Policy(express_credit=0.0), shares={ALICE: forgotten})
    run.begin(ALICE, seconds=2.0)
    run.begin(BOB, seconds=2.0)
    run.until(7_200.0)
    assert run.seconds()[BOB] == pytest.approx(run.seconds()[ALICE], abs=130)


@given(st.permutations(range(6)), st.integers(0, 5))
def test_the_choice_does_not_depend_on_the_order_of_the_rows(
    order: list[int], serving: int
) -> None:
    keys = [Key(user % 3 or None, user) for user in range(6)]
    states = []
    for users in (list(range(6)), order):
        state = State(policy=PLAIN, serving=keys[serving], burst=5.0, switch=3.0)
        for user in users:
            state = arrive(state, keys[user], work(keys[user], arrived=float(user)))
        states.append(choose(state, 100.0))
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            lambda s: replace(s, work={BOB: s.work[BOB]}),
            "bob is next: nobody else waits.",
        ),
        (
            lambda s: replace(s, serving=None),
            "bob is next: 40 s less used than alice in this round.",
        ),
        (
            lambda s: s,
            "alice goes on: this turn has 12 s left, a change would cost 15 s.",
        ),
    ],
)
def test_it_says_why(changes: Callable[[State], State], said: str) -> None:
    shares: Mapping[Key, Share] = {ALICE: Share(tag=140.0), BOB: Share(tag=100.0)}
    state = State(
        policy=PLAIN,
        shares=shares,
        work={ALICE: work(ALICE), BOB: work(BOB)},
        virtual_time=100.0,
        serving=ALICE,
        burst=88.0,
        config="config1",
        switch=15.0,
    )
    state = changes(state)
    choice = choose(state, 0.0)
    assert choice is not None
    assert words(choice, state, NAMES.__getitem__) == said
