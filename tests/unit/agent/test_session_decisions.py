"""The session's decisions, one situation at a time."""

import pytest
from tests.fakes.agent_events import (
    AT,
    READY,
    begun,
    blacs,
    ended,
    ending,
    lease,
    play,
    taken,
    task,
    unheard,
    work,
)

from shothub.agent import effects as do
from shothub.agent import events as ev
from shothub.agent.state import MOST_FAILURES, State, capacity, status
from shothub.domain.states import Outcome
from shothub.wire.agents import AnalyseTask, Capacity
from shothub.wire.plugin import Local

MOST = Capacity(compile=4, shots=4, analyse=1)
GRANTED = (*READY, work(1, lease(1), lease(2)), ev.StartGranted(1, 11))
RUNNING = (*GRANTED, taken(11), begun(11))


def of_type(effects: list[do.Effect], kind: type[do.Effect]) -> list[do.Effect]:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_the_first_event_opens_a_session() -> None:
    assert play(ev.Tick())[1] == [do.OpenSession()]


def test_only_one_session_is_opened_at_a_time() -> None:
    assert play(ev.Tick(), ev.Tick())[1] == []


def test_an_idle_machine_asks_start_at_once() -> None:
    assert play(*READY, work(1, lease(1)))[1] == [do.AskStart(1, lease(1))]


def test_a_granted_start_is_offered() -> None:
    assert play(*GRANTED)[1] == [do.OfferShot(11, "job", 1)]


def test_no_second_start_is_asked_while_an_offer_waits() -> None:
    state, effects = play(*GRANTED, ev.Tick())
    assert effects == []
    assert state.offered is not None


def test_the_next_start_is_asked_when_the_shot_is_ending() -> None:
    assert play(*RUNNING)[1] == [do.NoteBegun(11, AT)]
    assert play(*RUNNING, ending(11))[1] == [do.AskStart(1, lease(2))]


def test_leases_are_started_in_the_order_of_their_fences() -> None:
    effects = play(*READY, work(1, lease(5), lease(4)))[1]
    assert effects == [do.AskStart(1, lease(4))]


def test_a_lease_that_came_twice_is_started_once() -> None:
    state, _ = play(*READY, work(1, lease(1)), work(1, lease(1)))
    assert state.leases == ()


def test_a_lease_near_its_end_is_not_started() -> None:
    assert play(*READY, work(1, lease(1, until=9.0)))[1] == []


def test_an_end_is_reported_with_its_times() -> None:
    finish = do.ReportFinish(attempt=11, outcome=Outcome.DONE, ended=AT)
    assert play(*RUNNING, ended(11))[1][0] == finish


@pytest.mark.parametrize(
    "obstacle",
    [
        ev.HoldChanged(starts="a person is at the machine"),
        ev.PluginDown(),
        ev.Stop(),
        ev.Fenced(1),
        blacs("paused"),
        blacs("error"),
        work(1, paused=True),
    ],
)
def test_a_start_granted_too_late_ends_as_not_started(obstacle: ev.Event) -> None:
    asked = (*READY, work(1, lease(1)))
    late = play(*asked, obstacle, ev.StartGranted(1, 11))[1]
    assert [e.outcome for e in late if isinstance(e, do.ReportFinish)] == [
        Outcome.NOT_STARTED
    ]
    assert of_type(late, do.OfferShot) == []
    assert of_type(play(*asked, ev.StartGranted(1, 11))[1], do.OfferShot)


@pytest.mark.parametrize(
    "obstacle",
    [
        ev.HoldChanged(starts="the disk is full"),
        ev.Stop(),
        ev.Fenced(1),
        blacs("paused"),
        work(1, paused=True),
        work(1, cancelled=frozenset({"job"})),
        work(1, abort=(11,)),
    ],
)
def test_an_offer_not_taken_is_withdrawn(obstacle: ev.Event) -> None:
    assert do.WithdrawOffer(11) in play(*GRANTED, obstacle)[1]


def test_an_idle_machine_that_leaves_an_offer_loses_it() -> None:
    state, _ = play(*GRANTED)
    assert play(ev.Tick(), state=state, now=29.0)[1] == []
    assert play(ev.Tick(), state=state, now=31.0)[1] == [do.WithdrawOffer(11)]


def test_an_offer_behind_the_operators_own_shots_is_taken_back() -> None:
    state, _ = play(*GRANTED, blacs("running", offered=11))
    assert play(ev.Tick(), state=state, now=29.0)[1] == []
    assert play(ev.Tick(), state=state, now=31.0)[1] == [do.WithdrawOffer(11)]


def test_an_offer_behind_a_running_shot_may_wait_long() -> None:
    state, _ = play(*RUNNING, ending(11), ev.StartGranted(2, 12))
    assert play(ev.Tick(), state=state, now=1000.0)[1] == []


def test_a_withdrawn_offer_is_asked_for_once() -> None:
    assert play(*GRANTED, ev.Stop(), ev.Tick())[1] == []


def test_the_operators_own_shot_is_waited_for() -> None:
    assert play(*READY, blacs("running"), work(1, lease(1)))[1] == []


def test_the_operators_own_shot_is_reported() -> None:
    local = Local(name="mine.h5", what="done", at=AT)
    assert play(*READY, ev.PluginSaid(local))[1] == [do.ReportLocal(local)]


def test_a_running_shot_is_aborted_by_order_once() -> None:
    assert play(*RUNNING, work(1, abort=(11,)))[1] == [do.AbortShot(11)]
    assert play(*RUNNING, work(1, abort=(11,)), work(1, abort=(11,)))[1] == []


def test_a_hub_that_pauses_pauses_the_plugin_too() -> None:
    assert play(*READY, work(1, paused=True))[1] == [do.PausePlugin()]
    paused = (*READY, work(1, paused=True))
    assert play(*paused, work(1))[1] == [do.ResumePlugin()]
    assert do.PausePlugin() in play(*paused, ev.PluginDown(), ev.PluginUp())[1]


def test_a_pause_ordered_by_an_agent_before_ends_when_the_hub_goes_on() -> None:
    found = (*READY, ev.PluginDown(), ev.PluginUp(), blacs("paused", ordered=True))
    assert play(*found)[1] == []
    assert play(*found, work(1))[1] == [do.ResumePlugin()]
    assert play(*found, work(1), work(1))[1] == []
    assert do.ResumePlugin() not in play(*found, work(1, paused=True))[1]


def test_a_pause_of_the_operator_is_left_to_him() -> None:
    assert play(*READY, blacs("paused"), work(1))[1] == []


def test_a_cancelled_job_loses_its_leases_and_its_compilation() -> None:
    came = (*READY, blacs("paused"), work(1, lease(1), compile=(task(),)))
    state, effects = play(*came, work(1, cancelled=frozenset({"job"})))
    assert effects == [do.GiveUpJob("job")]
    assert state.leases == ()


def test_a_compile_task_that_came_twice_is_done_after_the_first() -> None:
    first = (*READY, work(1, compile=(task(),)))
    assert play(*first)[1] == [do.CompileJob(1, task())]
    assert play(*first, work(1, compile=(task(),)))[1] == []
    again = play(*first, work(1, compile=(task(),)), ev.CompileEnded("job"))
    assert again[1] == [do.CompileJob(1, task())]
    assert play(*first, ev.CompileEnded("job"))[0].compiling == {}


def test_a_job_is_analysed_once() -> None:
    ready = AnalyseTask(job="job", done=[0])
    assert play(*READY, work(1, analyse=(ready,)))[1] == [do.AnalyseJob(ready)]
    twice = play(*READY, work(1, analyse=(ready,)), work(1, analyse=(ready,)))
    assert twice[1] == []


def test_a_lost_link_keeps_the_session_and_its_leases() -> None:
    state, effects = play(*RUNNING, ev.LinkLost(1))
    assert effects == []
    assert [each.fence for each in state.leases] == [2]
    assert state.epoch == 1


def test_nothing_is_asked_while_the_hub_does_not_answer() -> None:
    cut = (*READY, blacs("running"), work(1, lease(1)), ev.LinkLost(1))
    assert play(*cut, blacs())[1] == []
    assert play(*cut, blacs(), work(1))[1] == [do.AskStart(1, lease(1))]


def test_a_lease_that_ran_out_during_a_cut_is_not_started() -> None:
    cut = (*READY, blacs("running"), work(1, lease(1)), ev.LinkLost(1), blacs())
    state, _ = play(*cut)
    assert play(work(1), state=state, now=3600.0)[1] == []


def test_work_of_an_older_session_is_ignored() -> None:
    state, effects = play(*READY, ev.Opened(epoch=2), work(1, lease(1)))
    assert effects == []
    assert state.leases == ()


def test_our_own_older_session_being_fenced_means_nothing() -> None:
    state, _ = play(*READY, ev.Opened(epoch=2), ev.Fenced(1))
    assert not state.fenced


def test_who_took_over_is_said_at_the_end() -> None:
    effects = play(*READY, ev.Fenced(1, "Session 1 is over."))[1]
    assert effects == [
        do.Leave("A newer agent has taken over this apparatus. Session 1 is over.")
    ]


def test_a_pause_drops_the_leases() -> None:
    state, _ = play(*READY, blacs("running"), work(1, lease(1)), work(1, paused=True))
    assert state.leases == ()
    assert play(work(1), state=state)[0].leases == ()


def test_a_fenced_agent_leaves_when_the_machine_is_idle() -> None:
    assert of_type(play(*RUNNING, ev.Fenced(1))[1], do.Leave) == []
    effects = play(*RUNNING, ev.Fenced(1), ended(11))[1]
    assert len(of_type(effects, do.Leave)) == 1
    assert of_type(effects, do.ReportFinish)


def test_a_stopping_agent_waits_for_its_offer_but_not_for_ever() -> None:
    state, effects = play(*GRANTED, ev.Stop())
    assert effects == [do.WithdrawOffer(11)]
    back = play(ended(11, Outcome.NOT_STARTED), state=state)[1]
    assert back[-1] == do.Leave("stopped")
    assert play(ev.Tick(), state=state, now=4.0)[1] == []
    assert play(ev.Tick(), state=state, now=5.0)[1] == [do.Leave("stopped")]


def test_a_running_shot_does_not_keep_a_stopping_agent() -> None:
    assert play(*RUNNING, ev.Stop())[1] == [do.Leave("stopped")]


def test_an_offer_lost_with_the_connection_is_asked_about() -> None:
    gone = (*GRANTED, ev.PluginDown(), ev.PluginUp())
    state, effects = play(*gone, blacs())
    assert effects == [do.RecallAttempts((11,))]
    assert state.offered is None
    answer = play(unheard(11), state=state)[1]
    assert isinstance(answer[0], do.ReportFinish)
    assert answer[0].outcome is Outcome.NOT_STARTED


def test_a_shot_that_began_and_is_unheard_of_is_unknown() -> None:
    gone = (*RUNNING, ev.PluginDown(), ev.PluginUp(), blacs())
    effects = play(*gone, unheard(11))[1]
    assert isinstance(effects[0], do.ReportFinish)
    assert effects[0].outcome is Outcome.UNKNOWN


def test_nothing_starts_before_the_fate_of_the_last_shot_is_known() -> None:
    gone = (*RUNNING, ev.PluginDown(), ev.PluginUp(), blacs(), work(1, lease(3)))
    assert of_type(play(*gone)[1], do.AskStart) == []
    assert of_type(play(*gone, ended(11))[1], do.AskStart)


def test_a_shot_that_runs_on_through_a_lost_connection_is_taken_up_again() -> None:
    gone = (*RUNNING, ev.PluginDown(), ev.PluginUp())
    state, effects = play(*gone, blacs("running", attempt=11))
    assert effects == []
    assert state.running is not None
    assert state.running.attempt == 11


def test_an_offer_that_nobody_here_made_is_taken_back() -> None:
    effects = play(ev.Opened(epoch=1), ev.PluginUp(), blacs(offered=7))[1]
    assert effects == [do.WithdrawOffer(7)]


def test_blacs_is_led_out_of_the_error_of_a_failed_shot() -> None:
    failed = (*RUNNING, ended(11, Outcome.FAILED), blacs("error"))
    assert play(*failed)[1] == [do.ResumePlugin()]
    assert play(*failed, ev.Tick())[1] == []


def test_an_error_that_no_shot_of_ours_made_is_left_to_people() -> None:
    assert play(*READY, blacs("error"))[1] == []


def test_after_many_failures_a_person_must_look() -> None:
    state = play(*READY)[0]
    for attempt in range(MOST_FAILURES):
        state, _ = play(taken(attempt), ended(attempt, Outcome.FAILED), state=state)
    assert play(blacs("error"), state=state)[1] == []


def test_capacity_shrinks_with_what_is_held() -> None:
    state = play(*READY)[0]
    assert capacity(state, MOST).shots == 4
    asked = play(*READY, work(1, lease(1), lease(2), compile=(task(),)))[0]
    assert capacity(asked, MOST).shots == 2
    assert capacity(asked, MOST).compile == 3


@pytest.mark.parametrize("event", [ev.Stop(), ev.Fenced(1), ev.HoldChanged("x", "x")])
def test_there_is_no_room_for_what_could_not_be_done(event: ev.Event) -> None:
    room = capacity(play(*READY, event)[0], MOST)
    assert (room.compile, room.shots) == (0, 0)


def test_a_paused_apparatus_hears_of_the_end_of_the_pause_at_once() -> None:
    paused = play(*READY, work(1, paused=True))[0]
    assert capacity(paused, MOST).shots == 4


def test_the_status_says_when_blacs_is_absent() -> None:
    assert status(State(), disk_free=1).blacs == "absent"
    assert status(play(*READY)[0], disk_free=1).blacs == "idle"


def test_the_status_names_the_attempts_whose_fate_is_unknown() -> None:
    gone = play(*RUNNING, ev.PluginDown(), ev.PluginUp(), blacs())[0]
    assert "11" in status(gone, disk_free=None).hold
