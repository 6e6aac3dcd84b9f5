"""Plays busy days with the hub's own scheduler in simulated time: waits, setup, fairness.

Shots take ten seconds, a change of user costs a switch. In most cases somebody comes after
half an hour with ten shots. First come, first served and turns of one shot each are played
beside it, as controls. The last line is one JSON object: ``jain`` is the smallest of any
full hour over the busy users of the cases with eight of them and a switch of 2 or 15 s,
``setup_share`` the largest part that changes take there; ``newcomer_first_result_s`` is
from the submission to the first result with eight users and a switch of 2 s. A switch of
60 s makes rounds of 40 minutes, which an hour cannot even out: it has keys of its own.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from shothub.domain.queue import (
    Choice,
    Key,
    Policy,
    Share,
    State,
    Use,
    Work,
    arrive,
    charge,
    choose,
)

SHOT, HALF_HOUR, HOUR = 10.0, 1_800.0, 3_600.0
LENGTH = 6 * HOUR
NEWCOMER = Key(None, 99)
POLICY = Policy(setup_share=0.2)
Chooser = Callable[[State, float], Choice | None]


@dataclass
class Case:
    """One day.

    Attributes:
        comes: when the newcomer submits.
        results: when each of his shots ended.
        starts: when each of them began, after the switch.
    """

    users: int
    switch: float
    policy: Policy = POLICY
    comes: float = HALF_HOUR
    choose: Chooser = choose
    length: float = LENGTH
    setup: float = 0.0
    now: float = 0.0
    results: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    hours: dict[int, dict[Key, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )

    def play(self) -> "Case":
        """Run the day to its end."""
        state = State(policy=self.policy, switch=self.switch)
        for user in range(self.users):
            state = arrive(state, Key(None, user), _work(user, 10_000, 0.0))
        came = False
        while self.now < self.length:
            if not came and self.now >= self.comes:
                newcomer = _work(NEWCOMER.user, 10, self.comes)
                state, came = arrive(state, NEWCOMER, newcomer), True
            choice = self.choose(state, self.now)
            if choice is None:
                break
            state = self._run(state, choice)
        return self

    def _run(self, state: State, choice: Choice) -> State:
        cost = SHOT + state.switch_to(choice.work)
        self.setup += cost - SHOT
        self.now += cost
        self.hours[int(self.now // HOUR)][choice.share] += cost
        if choice.share == NEWCOMER:
            self.results.append(self.now - self.comes)
            self.starts.append(self.now - SHOT - self.comes)
        left = replace(choice.work, shots=choice.work.shots - 1)
        work = {k: w for k, w in state.work.items() if k != choice.share}
        if left.shots:
            work[choice.share] = left
        use = Use(
            share=choice.share,
            service=choice.service,
            seconds=cost,
            ended=self.now,
            config=left.config,
        )
        return charge(replace(state, work=work), use)

    @property
    def jain(self) -> float:
        """Return the smallest Jain index of a full hour over the busy users."""
        users = [Key(None, user) for user in range(self.users)]
        full = range(int(self.length // HOUR))
        return min(jain([self.hours[hour][user] for user in users]) for hour in full)

    def figures(self) -> dict[str, float | None]:
        """Return what is printed of it."""
        return {
            "first_s": round(self.results[0], 1) if self.results else None,
            "all_s": round(self.results[-1], 1) if len(self.results) == 10 else None,
            "setup": round(self.setup / self.now, 3),
            "jain": round(self.jain, 4),
        }


def jain(shares: Sequence[float]) -> float:
    """Return Jain's index: 1 if all are equal, 1/n if one has all."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0.0


def _work(user: int, shots: int, arrived: float) -> Work:
    return Work(
        job=f"job{user}",
        seconds=SHOT,
        shots=shots,
        config=f"config{user}",
        arrived=arrived,
    )


def first_come(state: State, _now: float) -> Choice | None:
    """First come, first served."""
    return _pick(state, lambda key: (state.work[key].arrived, key.user))


def shot_by_shot(state: State, _now: float) -> Choice | None:
    """Turns of one shot each."""
    return _pick(state, lambda key: (state.share(key).tag, key.user))


def _pick(state: State, rank: Callable[[Key], tuple[float, int]]) -> Choice | None:
    key = min(state.work, key=rank, default=None)
    if key is None:
        return None
    work = state.work[key]
    return Choice(share=key, work=work, service=work.service, why="only", seconds=0.0)


def newcomers(users: int, switch: float) -> list[Case]:
    """Return cases whose newcomers come at all phases of the running shots."""
    comes = [HALF_HOUR + 3.7 * number for number in range(100)]
    play = [Case(users, switch, comes=at, length=at + 60 * SHOT).play() for at in comes]
    return [case for case in play if case.results]


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which that part of them lies."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1)


def after_a_heavy_week() -> float:
    """Return the wait of one who used 20 h of an idle machine, then meets a busy one."""
    old, busy = Key(None, 1), Key(None, 2)
    shares = {old: Share(usage=20 * HOUR), busy: Share()}
    state = State(policy=POLICY, shares=shares, switch=2.0)
    state = arrive(state, busy, _work(2, 10_000, 0.0))
    state = arrive(state, old, _work(1, 10, 0.0))
    now = 0.0
    while old in state.work:
        choice = choose(state, now)
        if choice is None:
            raise SystemExit("the queue is empty")
        now += SHOT + state.switch_to(choice.work)
        left = replace(choice.work, shots=choice.work.shots - 1)
        work = {k: w for k, w in state.work.items() if k != choice.share}
        if left.shots:
            work[choice.share] = left
        use = Use(
            share=choice.share,
            service=choice.service,
            seconds=SHOT,
            ended=now,
            config=left.config,
        )
        state = charge(replace(state, work=work), use)
    return now


def main() -> None:
    """Play and print."""
    cases = {
        f"{users}_users_switch_{switch:g}": Case(users, switch).play()
        for users, switch in ((1, 2.0), (1, 15.0), (8, 2.0), (8, 15.0), (8, 60.0))
    }
    controls = {
        "first_come": Case(8, 15.0, choose=first_come).play(),
        "shot_by_shot": Case(8, 15.0, choose=shot_by_shot).play(),
        "no_express": Case(8, 2.0, policy=replace(POLICY, express_credit=0.0)).play(),
    }
    for name, case in (cases | controls).items():
        print(f"{name:22} {case.figures()}")
    busy = [c for c in cases.values() if c.users == 8 and c.switch <= 15]
    phases = newcomers(8, 2.0)
    figures = {
        "jain": round(min(case.jain for case in busy), 4),
        "newcomer_first_result_s": cases["8_users_switch_2"].figures()["first_s"],
        "newcomer_start_p95_s": percentile([case.starts[0] for case in phases], 0.95),
        "newcomer_result_p95_s": percentile([case.results[0] for case in phases], 0.95),
        "newcomer_without_express_s": controls["no_express"].figures()["first_s"],
        "setup_share": round(max(c.setup / c.now for c in busy), 3),
        "setup_share_switch_60": cases["8_users_switch_60"].figures()["setup"],
        "jain_switch_60": cases["8_users_switch_60"].figures()["jain"],
        "setup_share_shot_by_shot": controls["shot_by_shot"].figures()["setup"],
        "jain_first_come": round(controls["first_come"].jain, 4),
        "all_shots_after_20_h_of_use_s": round(after_a_heavy_week(), 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
