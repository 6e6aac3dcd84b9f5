"""The agent's decisions: an event in, the new state and the effects out, nothing else.

One START at a time, one offer at a time: the next shot is asked for when the plugin says
that the present one is ending, or at once when the machine is idle. A shot whose START
was granted but which was never taken ends as ``not_started``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shothub.agent import machine, reconcile
from shothub.agent.effects import (
    AbortShot,
    AnalyseJob,
    AskStart,
    CompileJob,
    Effect,
    GiveUpJob,
    Leave,
    OfferShot,
    OpenSession,
    PausePlugin,
    ReportFinish,
    ResumePlugin,
    WithdrawOffer,
)
from shothub.agent.events import (
    AnalysisEnded,
    CompileEnded,
    Event,
    Fenced,
    HoldChanged,
    LinkLost,
    Opened,
    PluginDown,
    PluginSaid,
    PluginUp,
    StartGranted,
    StartLost,
    StartRefused,
    Stop,
    Tick,
    WorkCame,
)
from shothub.agent.state import (
    MARGIN,
    MOST_FAILURES,
    PARTING,
    PATIENCE,
    Machine,
    Offered,
    State,
)
from shothub.domain.states import Outcome
from shothub.wire.agents import CompileTask

TAKEN_OVER = "A newer agent has taken over this apparatus."

Step = tuple[State, tuple[Effect, ...]]


def handle(state: State, event: Event, now: float) -> Step:
    """Return the state after ``event`` and what is to be done, in order.

    Args:
        state: the state before.
        event: what happened.
        now: seconds of the monotonic clock.
    """
    state, effects = _REACTIONS[type(event)](state, event, now)
    for settle in (_lapse, _reopen, _withdraw, _recover, _ask, _leave):
        state, more = settle(state, now)
        effects += more
    return state, effects


def _opened(state: State, event: Opened, _now: float) -> Step:
    state = replace(state, epoch=event.epoch, opening=False, leases=())
    return reconcile.with_hub(state, event)


def _link_lost(state: State, event: LinkLost, _now: float) -> Step:
    if event.epoch != state.epoch:
        return state, ()
    return replace(state, epoch=0, leases=()), ()


def _fenced(state: State, event: Fenced, _now: float) -> Step:
    if event.epoch != state.epoch or not state.epoch:
        return state, ()
    return replace(state, fenced=True, epoch=0, leases=()), ()


def _work_came(state: State, event: WorkCame, _now: float) -> Step:
    if event.epoch != state.epoch or not state.open:
        return state, ()
    state, effects = _paused(state, paused=event.paused)
    for task in event.compile:
        state, more = _compile(state, task)
        effects += more
    for ended in event.analyse:
        if ended.job not in state.analysing:
            state = replace(state, analysing=state.analysing | {ended.job})
            effects += (AnalyseJob(ended),)
    known = {lease.fence for lease in state.leases}
    new = (x for x in event.leases if x.fence > state.last_fence)
    fresh = tuple(lease for lease in new if lease.fence not in known)
    leases = tuple(sorted(state.leases + fresh, key=lambda lease: lease.fence))
    state = replace(state, leases=leases)
    state, more = _given_up(state, event.cancelled, event.abort)
    return state, effects + more


def _paused(state: State, *, paused: bool) -> Step:
    if paused == state.paused:
        return state, ()
    state = replace(state, paused=paused)
    if not state.machine.connected:
        return state, ()
    return state, (PausePlugin() if paused else ResumePlugin(),)


def _compile(state: State, task: CompileTask) -> Step:
    if task.job in state.compiling:
        return replace(state, compiling={**state.compiling, task.job: task}), ()
    state = replace(state, compiling={**state.compiling, task.job: None})
    return state, (CompileJob(state.epoch, task),)


def _given_up(state: State, cancelled: frozenset[str], abort: tuple[int, ...]) -> Step:
    leases = tuple(lease for lease in state.leases if lease.job not in cancelled)
    state = replace(state, leases=leases)
    effects: tuple[Effect, ...] = tuple(
        GiveUpJob(job) for job in sorted(cancelled) if job in state.compiling
    )
    offer = state.offered
    if offer and (offer.lease.job in cancelled or offer.attempt in abort):
        state, more = _take_back(state, offer)
        effects += more
    running = state.running
    if running and running.attempt in abort and not running.aborting:
        state = replace(state, running=replace(running, aborting=True))
        effects += (AbortShot(running.attempt),)
    return state, effects


def _granted(state: State, event: StartGranted, now: float) -> Step:
    lease = state.asking
    if lease is None or lease.fence != event.fence:
        return state, ()
    state = replace(state, asking=None)
    if not state.may_offer or state.offered or state.unresolved:
        return state, (
            ReportFinish(
                attempt=event.attempt,
                outcome=Outcome.NOT_STARTED,
                reason="The apparatus was no longer ready when leave to start came.",
            ),
        )
    offer = Offered(attempt=event.attempt, lease=lease, since=now)
    return replace(state, offered=offer), (OfferShot(event.attempt, lease),)


def _refused(state: State, event: StartRefused, _now: float) -> Step:
    return _not_asking(state, event.fence), ()


def _lost(state: State, event: StartLost, _now: float) -> Step:
    return replace(_not_asking(state, event.fence), epoch=0, leases=()), ()


def _not_asking(state: State, fence: int) -> State:
    if state.asking and state.asking.fence == fence:
        return replace(state, asking=None)
    return state


def _plugin_up(state: State, _event: PluginUp, _now: float) -> Step:
    state = replace(state, machine=Machine(connected=True))
    return state, (PausePlugin(),) if state.paused else ()


def _plugin_down(state: State, _event: PluginDown, _now: float) -> Step:
    return replace(state, machine=Machine()), ()


def _plugin_said(state: State, event: PluginSaid, _now: float) -> Step:
    return machine.heard(state, event.report)


def _compile_ended(state: State, event: CompileEnded, _now: float) -> Step:
    again = state.compiling.get(event.job)
    rest = {job: t for job, t in state.compiling.items() if job != event.job}
    state = replace(state, compiling=rest)
    return _compile(state, again) if again and state.open else (state, ())


def _analysis_ended(state: State, event: AnalysisEnded, _now: float) -> Step:
    return replace(state, analysing=state.analysing - {event.job}), ()


def _hold_changed(state: State, event: HoldChanged, _now: float) -> Step:
    return replace(state, hold=event.starts, compile_hold=event.compiles), ()


def _tick(state: State, _event: Tick, _now: float) -> Step:
    return state, ()


def _stop(state: State, _event: Stop, now: float) -> Step:
    return replace(state, stopping=True, leave_by=now + PARTING, leases=()), ()


_REACTIONS: dict[type[Event], Callable[[State, Any, float], Step]] = {
    Opened: _opened,
    LinkLost: _link_lost,
    Fenced: _fenced,
    WorkCame: _work_came,
    StartGranted: _granted,
    StartRefused: _refused,
    StartLost: _lost,
    PluginUp: _plugin_up,
    PluginDown: _plugin_down,
    PluginSaid: _plugin_said,
    CompileEnded: _compile_ended,
    AnalysisEnded: _analysis_ended,
    HoldChanged: _hold_changed,
    Tick: _tick,
    Stop: _stop,
}


def _lapse(state: State, now: float) -> Step:
    alive = tuple(x for x in state.leases if x.until - MARGIN > now)
    return (replace(state, leases=alive) if alive != state.leases else state), ()


def _reopen(state: State, _now: float) -> Step:
    # While a START is unanswered a new session could not tell its attempt from a lost one.
    waits = state.opening or state.asking is not None
    if state.epoch or waits or state.fenced or state.stopping:
        return state, ()
    return replace(state, opening=True), (OpenSession(),)


def _withdraw(state: State, now: float) -> Step:
    offer = state.offered
    if offer is None:
        return state, ()
    idle = state.machine.blacs == "idle" and state.running is None
    overdue = idle and now - offer.since > PATIENCE
    if state.may_offer and not overdue:
        return state, ()
    return _take_back(state, offer)


def _take_back(state: State, offer: Offered) -> Step:
    if offer.withdrawing or not state.machine.connected:
        return state, ()
    offer = replace(offer, withdrawing=True)
    return replace(state, offered=offer), (WithdrawOffer(offer.attempt),)


def _recover(state: State, _now: float) -> Step:
    """Lead BLACS out of the error of a failed shot, so that the next user's can run."""
    machine = state.machine
    stuck = machine.connected and machine.blacs == "error" and state.running is None
    if not stuck or not state.resume_due or state.paused or state.stopping:
        return state, ()
    if state.failures >= MOST_FAILURES:
        return state, ()
    return replace(state, resume_due=False), (ResumePlugin(),)


def _ask(state: State, _now: float) -> Step:
    if not state.leases or not _may_ask(state):
        return state, ()
    lease, rest = state.leases[0], state.leases[1:]
    state = replace(state, asking=lease, leases=rest, last_fence=lease.fence)
    return state, (AskStart(state.epoch, lease),)


def _may_ask(state: State) -> bool:
    if not state.open or not state.may_offer or state.unresolved:
        return False
    if state.asking or state.offered:
        return False
    if state.running:
        return state.running.ending
    return state.machine.blacs == "idle"


def _leave(state: State, now: float) -> Step:
    if state.left:
        return state, ()
    offer_out = state.offered is not None and state.machine.connected
    waits = offer_out or state.asking is not None
    if state.stopping and (not waits or now >= state.leave_by):
        return replace(state, left=True), (Leave("stopped"),)
    if state.fenced and not waits and not state.running:
        return replace(state, left=True), (Leave(TAKEN_OVER),)
    return state, ()
