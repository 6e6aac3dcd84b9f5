"""What becomes of attempts under way when a session opens: the whole table."""

import pytest
from tests.fakes.agent_events import AT, blacs, ended, play, taken, unheard

from shothub.agent import effects as do
from shothub.agent.events import Event, Opened, PluginUp, Remembered
from shothub.domain.states import Outcome

CONNECTED = (PluginUp(), blacs())


def opened(memory: Remembered | None) -> Opened:
    journal = {} if memory is None else {7: memory}
    return Opened(epoch=2, started=(7,), journal=journal)


@pytest.mark.parametrize(
    ("memory", "answer", "outcome"),
    [
        (None, unheard(7), Outcome.UNKNOWN),
        (None, ended(7), Outcome.DONE),
        (Remembered(), None, Outcome.NOT_STARTED),
        (Remembered(offered=True), unheard(7), Outcome.NOT_STARTED),
        (Remembered(offered=True), ended(7), Outcome.DONE),
        (
            Remembered(offered=True),
            ended(7, Outcome.UNKNOWN),
            Outcome.UNKNOWN,
        ),
        (Remembered(offered=True, begun=True), unheard(7), Outcome.UNKNOWN),
        (Remembered(offered=True, begun=True), ended(7), Outcome.DONE),
    ],
)
def test_every_attempt_of_the_hubs_list_ends(
    memory: Remembered | None,
    answer: Event | None,
    outcome: Outcome,
) -> None:
    state, effects = play(*CONNECTED, opened(memory))
    if answer is not None:
        assert effects == [do.RecallAttempts((7,))]
        state, effects = play(answer, state=state)
    (finish,) = effects
    assert isinstance(finish, do.ReportFinish)
    assert (finish.attempt, finish.outcome) == (7, outcome)
    assert state.unresolved == {}


def test_a_journaled_end_is_reported_again() -> None:
    memory = Remembered(offered=True, begun=True, ended=True)
    assert play(*CONNECTED, opened(memory))[1] == [do.ReportAgain(7)]


def test_the_plugin_is_asked_when_it_connects_later() -> None:
    session = opened(Remembered(offered=True))
    assert do.RecallAttempts((7,)) in play(session, *CONNECTED)[1]


def test_a_shot_that_still_runs_is_taken_up() -> None:
    memory = Remembered(offered=True, begun=True)
    state, effects = play(opened(memory), PluginUp(), blacs("running", attempt=7))
    assert effects == []
    assert state.running is not None
    assert state.running.begun


def test_a_recalled_shot_that_still_runs_is_taken_up() -> None:
    session = opened(Remembered(offered=True))
    state, _ = play(*CONNECTED, session, taken(7))
    assert state.running is not None
    assert state.unresolved == {}


def test_attempts_of_another_agent_are_never_called_unstarted() -> None:
    event = Opened(epoch=2, started=(7, 8))
    state, effects = play(*CONNECTED, event)
    assert effects == [do.RecallAttempts((7, 8))]
    for attempt in (7, 8):
        state, (finish,) = play(unheard(attempt), state=state)
        assert isinstance(finish, do.ReportFinish)
        assert finish.outcome is Outcome.UNKNOWN


def test_an_attempt_in_hand_is_left_alone() -> None:
    running = (*CONNECTED, taken(7))
    assert play(*running, opened(Remembered(offered=True)))[1] == []


def test_the_time_of_the_end_is_kept() -> None:
    effects = play(*CONNECTED, opened(Remembered(offered=True)), ended(7))[1]
    assert isinstance(effects[0], do.ReportFinish)
    assert effects[0].ended == AT
