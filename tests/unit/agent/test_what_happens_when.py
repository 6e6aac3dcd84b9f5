"""The table in docs/explanation/guarantee.md, row by row, as the session decides it."""

import pytest
from tests.fakes.agent_events import (
    READY,
    ahead,
    begun,
    blacs,
    ended,
    lease,
    play,
    taken,
    unheard,
    work,
)

from shothub.agent import effects as do
from shothub.agent import events as ev
from shothub.agent.state import State
from shothub.domain.states import Outcome

GRANTED = (*READY, work(1, lease(1), lease(2)), ev.StartGranted(1, 11))
RUNNING = (*GRANTED, taken(11), begun(11))
BLOCK = (*READY, blacs("paused"), work(1, ahead=(ahead(1), ahead(2))))


def finishes(effects: list[do.Effect]) -> list[tuple[int, Outcome]]:
    return [(e.attempt, e.outcome) for e in effects if isinstance(e, do.ReportFinish)]


def starts(effects: list[do.Effect]) -> list[do.Effect]:
    return [e for e in effects if isinstance(e, do.AskStart | do.OfferShot)]


def successor(*journal: tuple[int, ev.Remembered]) -> ev.Opened:
    """The session of an agent that takes over what an earlier one left under way."""
    return ev.Opened(epoch=2, started=(11,), journal=dict(journal))


def test_agent_killed_before_start() -> None:
    """Nothing of it is known to the hub: the new session begins with nothing."""
    state, effects = play(ev.Opened(epoch=2), ev.PluginUp(), blacs())
    assert effects == []
    assert (state.unresolved, state.running) == ({}, None)


def test_agent_killed_after_start_and_before_the_offer() -> None:
    assert finishes(play(*READY, successor((11, ev.Remembered())))[1]) == [
        (11, Outcome.NOT_STARTED)
    ]


def test_agent_killed_after_start_while_blacs_lives() -> None:
    offered = successor((11, ev.Remembered(offered=True, begun=True)))
    state, effects = play(offered, ev.PluginUp(), blacs("running", attempt=11))
    assert (finishes(effects), starts(effects)) == ([], [])
    assert finishes(play(ended(11), state=state)[1]) == [(11, Outcome.DONE)]


def test_agent_killed_and_the_shot_ended_meanwhile() -> None:
    offered = successor((11, ev.Remembered(offered=True, begun=True)))
    state, effects = play(ev.PluginUp(), blacs(), offered)
    assert effects == [do.RecallAttempts((11,))]
    assert finishes(play(ended(11), state=state)[1]) == [(11, Outcome.DONE)]


def test_blacs_crashes_in_the_middle_of_a_shot() -> None:
    gone = (*RUNNING, ev.PluginDown(), ev.PluginUp(), blacs())
    state, effects = play(*gone)
    assert effects == [do.RecallAttempts((11,))]
    unknown = ended(11, Outcome.UNKNOWN)
    assert finishes(play(unknown, state=state)[1]) == [(11, Outcome.UNKNOWN)]
    assert finishes(play(unheard(11), state=state)[1]) == [(11, Outcome.UNKNOWN)]


def test_blacs_crashes_before_it_took_the_shot() -> None:
    gone = (*GRANTED, ev.PluginDown(), ev.PluginUp(), blacs())
    assert finishes(play(*gone, unheard(11))[1]) == [(11, Outcome.NOT_STARTED)]


def test_nothing_starts_until_the_fate_is_known() -> None:
    gone = (*RUNNING, ev.PluginDown(), ev.PluginUp(), blacs(), work(1, lease(3)))
    assert starts(play(*gone)[1]) == []
    assert starts(play(*gone, ended(11, Outcome.UNKNOWN))[1])


@pytest.mark.parametrize("event", [ev.LinkLost(1), ev.StartLost(2)])
def test_hub_killed_or_line_cut_while_a_shot_runs(event: ev.Event) -> None:
    state, effects = play(*RUNNING, event)
    assert effects == []
    assert state.epoch == 1
    assert finishes(play(ended(11), state=state)[1]) == [(11, Outcome.DONE)]


def test_line_cut_strict() -> None:
    """Leases lapse by our own clock; nothing is asked for in vain."""
    cut = (*RUNNING, ev.LinkLost(1), ended(11), blacs())
    state, effects = play(*cut)
    assert starts(effects) == []
    assert play(ev.Tick(), state=state, now=3600.0)[0].leases == ()


def test_line_cut_offline() -> None:
    """The block runs out, in order, and nothing else starts."""
    state, effects = play(*BLOCK, ev.LinkLost(1), blacs())
    assert starts(effects) == [do.OfferShot(101, "job", 1)]
    done = (taken(101), begun(101), ended(101))
    state, effects = play(*done, state=state)
    assert starts(effects) == [do.OfferShot(102, "job", 2)]


def test_grants_are_journalled_before_the_first_is_offered() -> None:
    effects = play(*READY, work(1, ahead=(ahead(1), ahead(2))))[1]
    assert effects == [
        do.NoteAhead((ahead(1), ahead(2))),
        do.OfferShot(101, "job", 1),
    ]


def test_grants_that_came_twice_are_offered_once() -> None:
    twice = (*READY, work(1, ahead=(ahead(1),)), work(1, ahead=(ahead(1),)))
    state, effects = play(*twice)
    assert (effects, state.block) == ([], ())


@pytest.mark.parametrize(
    "event",
    [
        ev.Stop(),
        ev.Fenced(1),
        work(1, paused=True),
        work(1, cancelled=frozenset({"job"})),
        work(1, abort=(101, 102)),
    ],
)
def test_a_block_that_is_not_to_run_is_given_back(event: ev.Event) -> None:
    state, effects = play(*BLOCK, event)
    both = [(101, Outcome.NOT_STARTED), (102, Outcome.NOT_STARTED)]
    assert finishes(effects) == both
    assert state.block == ()


def test_a_block_that_comes_during_a_pause_is_given_back() -> None:
    paused = (*READY, work(1, paused=True))
    effects = play(*paused, work(1, paused=True, ahead=(ahead(1),)))[1]
    assert effects[0] == do.NoteAhead((ahead(1),))
    assert finishes(effects) == [(101, Outcome.NOT_STARTED)]


def test_a_block_too_old_is_given_back_by_the_agent_alone() -> None:
    state, _ = play(*BLOCK)
    assert finishes(play(ev.Tick(), state=state, now=199.0)[1]) == []
    late = play(ev.Tick(), state=state, now=200.0)[1]
    assert len(finishes(late)) == 2


def test_a_new_session_never_starts_the_block_of_an_older_one() -> None:
    memory = {101: ev.Remembered(), 102: ev.Remembered()}
    again = ev.Opened(epoch=2, started=(101, 102), journal=memory)
    state, effects = play(*BLOCK, again)
    assert len(finishes(effects)) == 2
    assert state.block == ()
    assert starts(play(blacs(), state=state)[1]) == []


def test_grants_that_never_arrived_are_answered_for() -> None:
    assert play(*READY, work(1, missed=(7,)))[1] == [do.TellMissed((7,))]


def test_line_back() -> None:
    """The same session goes on, without another word."""
    state, _ = play(*RUNNING, ev.LinkLost(1), ended(11), blacs())
    state, effects = play(work(1, lease(5)), state=state)
    assert (state.epoch, state.linked) == (1, True)
    assert starts(effects)


def test_second_agent_starts() -> None:
    """The older one starts nothing more, waits for its shot, says who came, and ends."""
    state, effects = play(*RUNNING, ev.Fenced(1, "Session 2 has begun."))
    assert effects == []
    assert state.fenced
    effects = play(ended(11), state=state)[1]
    assert finishes(effects) == [(11, Outcome.DONE)]
    (left,) = (e for e in effects if isinstance(e, do.Leave))
    assert "newer agent" in left.reason
    assert "Session 2" in left.reason


@pytest.mark.parametrize("hold", ["The disk is full.", "The interlock is open."])
def test_a_local_hold_stops_starts_and_takes_the_offer_back(hold: str) -> None:
    held = ev.HoldChanged(starts=hold)
    assert play(*GRANTED, held)[1] == [do.WithdrawOffer(11)]
    assert starts(play(*READY, held, work(1, lease(1)))[1]) == []
    assert starts(play(*READY, held, work(1, lease(1)), ev.HoldChanged())[1])


def test_a_state_is_never_both_asking_and_offering() -> None:
    state, _ = play(*BLOCK, work(1, lease(9)), blacs(), state=State())
    assert state.offered is not None
    assert state.asking is None
