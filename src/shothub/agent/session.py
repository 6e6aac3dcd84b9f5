"""The agent's decisions: an event in, the new state and the effects out, nothing else.

A shot is started on a lease, after START was asked and granted, or on a grant that was
given ahead, where the lab has allowed that. The two are kept apart: leases lapse and are
dropped, grants are only ever offered or given back.

One START at a time, one offer at a time: the next shot is asked for when the plugin says
that the present one is ending, or at once when the machine is idle. A shot whose START
was granted but which was never taken ends as ``not_started``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shothub.agent import block, machine, reconcile
from shothub.agent.effects import (
    AbortShot,
    AnalyseJob,
    AskStart,
    CompileJob,
    Effect,
    GiveUpJob,
    Leave,
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
    Lease,
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
PAUSED = "The apparatus was paused before the shot was begun."
STOPPING = "The agent was stopped before it handed the shot to BLACS."

Step = tuple[State, tuple[Effect, ...]]
NOTHING: tuple[Effect, ...] = ()


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
    state = replace(state, epoch=event.epoch, opening=False, linked=True, leases=())
    # What was granted ahead in an older session is settled by the hub's list below.
    state = replace(state, block=())
    return reconcile.with_hub(state, event)


def _link_lost(state: State, event: LinkLost, _now: float) -> Step:
    if event.epoch != state.epoch:
        return state, ()
    # Leases are kept: they lapse by our own clock, and the hub returns what we drop.
    return replace(state, linked=False), ()


def _fenced(state: State, event: Fenced, _now: float) -> Step:
    if event.epoch != state.epoch or not state.epoch:
        return state, ()
    state = replace(state, fenced=True, fenced_by=event.why, epoch=0, leases=())
    return block.give_back(state, TAKEN_OVER)


def _work_came(state: State, event: WorkCame, _now: float) -> Step:
    if event.epoch != state.epoch or not state.open:
        return state, ()
    state = replace(state, linked=True)
    state, effects = _paused(state, paused=event.paused)
    for task in event.compile:
        state, more = _compile(state, task)
        effects += more
    for ended in event.analyse:
        if ended.job not in state.analysing:
            state = replace(state, analysing=state.analysing | {ended.job})
            effects += (AnalyseJob(ended),)
    state = _with_leases(state, event.leases)
    state, more = block.granted(state, event.ahead)
    effects += more + block.missed(event.missed)
    state, more = _given_up(state, event.cancelled, event.abort)
    return state, effects + more


def _with_leases(state: State, came: tuple[Lease, ...]) -> State:
    if state.paused:
        return state
    known = {lease.fence for lease in state.leases}
    new = (x for x in came if x.fence > state.last_fence)
    fresh = tuple(lease for lease in new if lease.fence not in known)
    leases = tuple(sorted(state.leases + fresh, key=lambda lease: lease.fence))
    return replace(state, leases=leases)


def _paused(state: State, *, paused: bool) -> Step:
    turned = paused != state.paused
    # An agent before this one may have had BLACS paused and gone before it went on.
    left = state.machine.ordered and not paused
    if not turned and not left:
        return state, ()
    machine = replace(state.machine, ordered=paused)
    state, effects = replace(state, paused=paused, machine=machine), NOTHING
    if paused:
        # The hub has taken the leases back; what it cannot take back we return.
        state, effects = block.give_back(replace(state, leases=()), PAUSED)
    if not state.machine.connected:
        return state, effects
    return state, (*effects, PausePlugin() if paused else ResumePlugin())


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
    state, more = block.give_up(state, cancelled, abort)
    effects += more
    offer = state.offered
    if offer and (offer.job in cancelled or offer.attempt in abort):
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
    return block.offer(state, event.attempt, lease, now)


def _refused(state: State, event: StartRefused, _now: float) -> Step:
    return _not_asking(state, event.fence), ()


def _lost(state: State, event: StartLost, _now: float) -> Step:
    return _not_asking(state, event.fence), ()


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
    state = replace(state, stopping=True, leave_by=now + PARTING, leases=())
    return block.give_back(state, STOPPING)


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
    state = replace(state, leases=alive) if alive != state.leases else state
    return block.lapse(state, now)


def _reopen(state: State, _now: float) -> Step:
    if state.epoch or state.opening or state.fenced or state.stopping:
        return state, ()
    return replace(state, opening=True), (OpenSession(),)


def _withdraw(state: State, now: float) -> Step:
    offer = state.offered
    if offer is None:
        return state, ()
    # Idle, or at the operator's own shots, which may go on for hours.
    overdue = state.running is None and now - offer.since > PATIENCE
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


def _ask(state: State, now: float) -> Step:
    if not _may_ask(state):
        return state, ()
    if state.block and block.goes_first(state):
        return block.start(state, now)
    if not state.leases or not state.linked:
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
        reason = f"{TAKEN_OVER} {state.fenced_by}".strip()
        return replace(state, left=True), (Leave(reason),)
    return state, ()
