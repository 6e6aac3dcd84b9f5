"""Whatever happens, in whatever order: the promises of the session hold."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.agent_events import (
    ahead,
    begun,
    blacs,
    ended,
    ending,
    lease,
    taken,
    task,
    unheard,
)

from shothub.agent import effects as do
from shothub.agent import events as ev
from shothub.agent.session import handle
from shothub.agent.state import MARGIN, State
from shothub.domain.states import Outcome

FENCES = st.integers(1, 6)
ATTEMPTS = st.integers(11, 16)
EPOCHS = st.integers(1, 3)
MAYBE = st.none() | ATTEMPTS

LEASES = st.lists(st.builds(lease, FENCES, until=st.floats(0, 200)), max_size=3)
AHEAD = st.lists(st.builds(ahead, FENCES, until=st.floats(0, 200)), max_size=3)
EVENTS: st.SearchStrategy[ev.Event] = st.one_of(
    st.builds(
        ev.Opened,
        epoch=EPOCHS,
        started=st.lists(ATTEMPTS, max_size=2, unique=True).map(tuple),
    ),
    st.builds(ev.LinkLost, EPOCHS),
    st.builds(
        ev.WorkCame,
        epoch=EPOCHS,
        leases=LEASES.map(tuple),
        ahead=AHEAD.map(tuple),
        paused=st.booleans(),
        cancelled=st.sampled_from([frozenset[str](), frozenset({"job"})]),
        abort=st.lists(ATTEMPTS, max_size=1).map(tuple),
        compile=st.sampled_from([(), (task(),)]),
    ),
    st.builds(ev.StartRefused, FENCES),
    st.builds(ev.StartLost, FENCES),
    st.just(ev.PluginUp()),
    st.just(ev.PluginDown()),
    st.builds(
        blacs,
        st.sampled_from(["idle", "running", "paused", "error"]),
        attempt=MAYBE,
        offered=MAYBE,
    ),
    st.builds(taken, ATTEMPTS),
    st.builds(begun, ATTEMPTS),
    st.builds(ending, ATTEMPTS),
    st.builds(ended, ATTEMPTS, st.sampled_from(Outcome)),
    st.builds(unheard, ATTEMPTS),
    st.builds(ev.HoldChanged, st.sampled_from(["", "held"])),
    st.just(ev.CompileEnded("job")),
    st.just(ev.Tick()),
)
FIRST_ATTEMPT = 1000
"""Attempts that the model's hub grants; never among the random ones above."""


class Watch:
    """Follows the effects and holds them against the promises."""

    def __init__(self) -> None:
        self.asked: set[int] = set()
        self.granted: set[int] = set()
        self.offered: set[int] = set()
        self.attempts = itertools.count(FIRST_ATTEMPT)

    def see(self, before: State, effects: Sequence[do.Effect], now: float) -> None:
        offers = [e for e in effects if isinstance(e, do.OfferShot)]
        asks = [e for e in effects if isinstance(e, do.AskStart)]
        assert len(offers) + len(asks) <= 1
        for note in (e for e in effects if isinstance(e, do.NoteAhead)):
            self.granted |= {each.attempt for each in note.grants}
        for end in (e for e in effects if isinstance(e, do.ReportFinish)):
            self.granted.discard(end.attempt)
        for offer in offers:
            assert offer.attempt in self.granted, "offered without leave to start"
            assert offer.attempt not in self.offered, "offered twice"
            assert before.offered is None, "two offers at once"
            self.offered.add(offer.attempt)
        for ask in asks:
            assert ask.lease.fence not in self.asked, "a second START for one fence"
            assert ask.lease.until - MARGIN > now, "started at the end of its lease"
            self.asked.add(ask.lease.fence)

    def check(self, state: State, effects: Sequence[do.Effect]) -> None:
        if any(isinstance(e, do.AskStart) for e in effects):
            assert state.linked, "asked while the hub does not answer"
        started = any(isinstance(e, do.OfferShot | do.AskStart) for e in effects)
        if started:
            blocked = state.paused or state.hold or state.fenced or state.stopping
            assert not blocked, "started although blocked"
            assert state.machine.ready, "started while BLACS is not ready"
            assert not state.unresolved, "started before a fate was known"
        if state.asking or state.offered:
            assert not (state.asking and state.offered), "START asked behind an offer"


@pytest.mark.parametrize(
    "effects",
    [
        [do.OfferShot(5, "job", 1)],
        [do.AskStart(1, lease(1)), do.AskStart(1, lease(2))],
        [do.AskStart(1, lease(1, until=1.0))],
    ],
)
def test_the_watch_sees_a_broken_promise(effects: list[do.Effect]) -> None:
    with pytest.raises(AssertionError):
        Watch().see(State(), effects, 0.0)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(EVENTS, st.booleans(), st.floats(0, 20)), max_size=40),
    st.sampled_from([None, ev.Stop(), ev.Fenced(1)]),
    st.integers(0, 40),
)
def test_the_promises_hold_in_every_order(
    story: list[tuple[ev.Event, bool, float]], end: ev.Event | None, at: int
) -> None:
    state, watch, now = State(), Watch(), 0.0
    steps: list[tuple[ev.Event, bool, float]] = [
        (ev.Opened(epoch=1), False, 0.0),
        (ev.PluginUp(), False, 0.0),
        (blacs(), False, 0.0),
        *story[:at],
        *([(end, True, 0.0)] if end else []),
        *story[at:],
    ]
    for event, grants, seconds in steps:
        now += seconds
        batch: list[ev.Event] = [event]
        if grants and state.asking:
            attempt = next(watch.attempts)
            watch.granted.add(attempt)
            batch.insert(0, ev.StartGranted(state.asking.fence, attempt))
        for one in batch:
            before = state
            state, effects = handle(state, one, now)
            watch.see(before, effects, now)
            watch.check(state, effects)


@settings(max_examples=100, deadline=None)
@given(st.lists(EVENTS, max_size=30))
def test_every_granted_attempt_comes_to_an_end(story: list[ev.Event]) -> None:
    """A granted attempt is offered, or it is reported as not started, at once."""
    state, _ = handle(State(), ev.Opened(epoch=1), 0.0)
    for event in (ev.PluginUp(), blacs(), *story):
        state, _ = handle(state, event, 0.0)
    if state.asking:
        state, effects = handle(state, ev.StartGranted(state.asking.fence, 99), 0.0)
        outcomes = [e.outcome for e in effects if isinstance(e, do.ReportFinish)]
        offers = [e for e in effects if isinstance(e, do.OfferShot)]
        assert offers or outcomes == [Outcome.NOT_STARTED]
