"""A line that is cut for an hour: nothing starts in vain, and all heals within a minute.

Time is simulated: the session, the outbox and the pauses between tries are the real ones.
"""

import itertools
import threading
from pathlib import Path

import pytest
from tests.fakes.agent_events import (
    ahead,
    begun,
    blacs,
    ended,
    lease,
    play,
    taken,
    work,
)
from tests.fakes.agent_hub import UNREACHABLE, FakeHub

from shothub.agent import effects as do
from shothub.agent import events as ev
from shothub.agent.journal import Journal, Parcel
from shothub.agent.link import LONGEST_PAUSE, Link
from shothub.agent.outbox import LONGEST_DELAY, Outbox
from shothub.domain.states import Outcome

HOUR = 3600.0
HEALED = 60.0

RUNNING = (
    ev.Opened(epoch=1),
    ev.PluginUp(),
    blacs(),
    work(1, lease(1), lease(2)),
    ev.StartGranted(1, 11),
    taken(11),
    begun(11),
)


def of_type(effects: list[do.Effect], kind: type[do.Effect]) -> list[do.Effect]:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_the_running_shot_ends_and_is_reported_and_nothing_else_starts() -> None:
    cut = (*RUNNING, ev.LinkLost(1))
    state, effects = play(*cut, ended(11))
    assert of_type(effects, do.ReportFinish)
    assert of_type(effects, do.AskStart) == []
    for minute in range(60):
        state, effects = play(
            ev.LinkLost(1), ev.Tick(), blacs(), state=state, now=60.0 * minute
        )
        assert effects == []
    assert state.leases == ()


def test_the_session_goes_on_and_the_next_shot_is_asked_for_at_once() -> None:
    state, _ = play(*RUNNING, ev.LinkLost(1), ended(11), blacs())
    state, _ = play(ev.Tick(), state=state, now=HOUR)
    fresh = lease(9, until=HOUR + 120.0)
    state, effects = play(work(1, fresh), state=state, now=HOUR)
    assert effects == [do.AskStart(1, fresh)]


def test_a_shot_that_ran_through_the_cut_does_not_end_the_session() -> None:
    state, effects = play(*RUNNING, ev.LinkLost(1), work(1))
    assert of_type(effects, do.OpenSession) == []
    assert state.running is not None


def test_a_block_granted_ahead_runs_out_and_then_nothing_more_starts() -> None:
    ready = (ev.Opened(epoch=1), ev.PluginUp(), blacs())
    state, effects = play(*ready, work(1, ahead=(ahead(1), ahead(2))))
    assert effects[-1] == do.OfferShot(101, "job", 1)
    state, _ = play(ev.LinkLost(1), taken(101), begun(101), state=state)
    state, effects = play(ended(101), state=state)
    assert effects[-1] == do.OfferShot(102, "job", 2)
    state, _ = play(taken(102), begun(102), state=state)
    state, effects = play(ended(102), state=state)
    assert of_type(effects, do.OfferShot) == []
    assert of_type(effects, do.ReportFinish)


class Bench:
    """An outbox whose time a test moves, behind a line that a test cuts."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.hub = FakeHub()
        self.journal = Journal(folder)
        self.outbox = Outbox(
            journal=self.journal,
            hub=self.hub,
            clock=lambda: self.now,
            jitter=lambda: 1.0,
        )
        self.link = Link(self.outbox.hurry, lambda: 1.0)

    def post(self, number: int) -> None:
        parcels = [
            Parcel(rank=1, route=f"attempts/{i}/analysis", body="{}")
            for i in range(number)
        ]
        self.journal.post(parcels)

    def cut(self, seconds: float) -> None:
        """Let time pass in which every delivery fails, the last just before it ends."""
        self.link.lost()
        end = self.now + seconds
        self.hub.troubles["report"] = [UNREACHABLE] * 1_000_000
        while self.now < end:
            wait = self.outbox.deliver_all()
            assert wait is not None
            self.now += max(wait, 0.01)
        self.outbox.deliver_all()
        self.hub.troubles.clear()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_backlog_goes_out_the_moment_the_line_is_back(bench: Bench) -> None:
    bench.post(20)
    bench.cut(HOUR)
    assert bench.hub.told == []
    bench.link.answered()
    assert bench.outbox.deliver_all() is None
    assert len(bench.hub.told) == 20


def test_without_being_woken_it_would_wait_for_its_longest_delay(bench: Bench) -> None:
    """The control of the test above: the delays had grown to their bound."""
    bench.post(1)
    bench.cut(HOUR)
    wait = bench.outbox.deliver_all()
    assert wait == LONGEST_DELAY
    assert bench.hub.told == []


def test_a_line_that_was_never_lost_hurries_nothing(bench: Bench) -> None:
    bench.post(1)
    bench.hub.troubles["report"] = [UNREACHABLE]
    assert bench.outbox.deliver_all() == 1.0
    bench.link.answered()
    assert bench.outbox.deliver_all() == 1.0


def test_no_pause_between_two_polls_is_long_however_long_the_cut(bench: Bench) -> None:
    pauses = list(itertools.islice(bench.link.pauses(), 1000))
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE < HEALED


def test_whoever_waits_is_woken_when_the_hub_answers(bench: Bench) -> None:
    waiter = threading.Thread(target=bench.link.pause, args=(HEALED,), daemon=True)
    waiter.start()
    tries = itertools.count()
    while waiter.is_alive() and next(tries) < 1000:
        bench.link.lost()
        bench.link.answered()
        waiter.join(0.01)
    assert not waiter.is_alive()


def test_an_attempt_asked_for_before_the_cut_is_resolved_after_it() -> None:
    """START is asked on until the hub answers; granted an hour late it still runs once."""
    asked = (
        ev.Opened(epoch=1),
        ev.PluginUp(),
        blacs(),
        work(1, lease(1)),
        ev.LinkLost(1),
    )
    state, _ = play(*asked)
    assert state.asking is not None
    state, _ = play(ev.Tick(), state=state, now=HOUR)
    effects = play(ev.StartGranted(1, 11), state=state, now=HOUR)[1]
    assert effects == [do.OfferShot(11, "job", 1)]
    paused, _ = play(work(1, paused=True), state=state, now=HOUR)
    (finish,) = play(ev.StartGranted(1, 11), state=paused, now=HOUR)[1]
    assert isinstance(finish, do.ReportFinish)
    assert finish.outcome is Outcome.NOT_STARTED
