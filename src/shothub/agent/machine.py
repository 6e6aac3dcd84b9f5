"""What the plugin's reports change in the session."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shothub.agent import reconcile
from shothub.agent.effects import (
    Effect,
    NoteBegun,
    ReportFinish,
    ReportLocal,
    WithdrawOffer,
)
from shothub.agent.events import Remembered
from shothub.agent.state import Machine, Running, State
from shothub.domain.states import Outcome
from shothub.wire import plugin

Step = tuple[State, tuple[Effect, ...]]


def heard(state: State, report: plugin.Report) -> Step:
    """Return the state after a report of the plugin, and what follows from it."""
    return _REACTIONS[type(report)](state, report)


def _state(state: State, report: plugin.State) -> Step:
    fresh = state.machine.fresh
    machine = Machine(
        connected=True,
        fresh=False,
        blacs=report.blacs,
        message=report.message,
        healthy=report.healthy,
        ordered=report.ordered,
    )
    state = replace(state, machine=machine)
    return _compare(state, report) if fresh else (state, ())


def _compare(state: State, report: plugin.State) -> Step:
    """Hold what we believe under way against the first word on a new connection."""
    doubtful = dict(state.unresolved)
    if state.offered and state.offered.attempt != report.offered:
        doubtful[state.offered.attempt] = Remembered(offered=True)
        state = replace(state, offered=None)
    if state.running and state.running.attempt != report.attempt:
        memory = Remembered(offered=True, begun=state.running.begun)
        doubtful[state.running.attempt] = memory
        state = replace(state, running=None)
    effects: list[Effect] = []
    if report.attempt is not None:
        memory = doubtful.pop(report.attempt, Remembered(offered=True))
        if state.running is None:
            running = Running(attempt=report.attempt, begun=memory.begun)
            state = replace(state, running=running)
    if report.offered is not None and state.offered is None:
        # Nobody will ever ask for this offer's end: it is taken back, and its end told.
        doubtful.setdefault(report.offered, Remembered(offered=True))
        effects.append(WithdrawOffer(report.offered))
    effects += reconcile.recall(doubtful.keys() - {report.offered})
    return replace(state, unresolved=doubtful), tuple(effects)


def _taken(state: State, report: plugin.Taken) -> Step:
    state, effects = _now_running(state, report.attempt)
    return state, effects


def _begun(state: State, report: plugin.Begun) -> Step:
    state, effects = _now_running(state, report.attempt)
    if state.running:
        state = replace(state, running=replace(state.running, begun=True))
    return state, (*effects, NoteBegun(report.attempt, report.at))


def _now_running(state: State, attempt: int) -> Step:
    if state.running and state.running.attempt == attempt:
        return state, ()
    effects: tuple[Effect, ...] = ()
    doubtful = {a: m for a, m in state.unresolved.items() if a != attempt}
    if state.running:
        # BLACS went on without a word on the shot before: its journal must tell.
        memory = Remembered(offered=True, begun=state.running.begun)
        doubtful[state.running.attempt] = memory
        effects = tuple(reconcile.recall([state.running.attempt]))
    state = replace(state, running=Running(attempt=attempt), unresolved=doubtful)
    if state.offered and state.offered.attempt == attempt:
        state = replace(state, offered=None)
    return state, effects


def _ending(state: State, report: plugin.Ending) -> Step:
    if state.running and state.running.attempt == report.attempt:
        state = replace(state, running=replace(state.running, ending=True))
    return state, ()


def _ended(state: State, report: plugin.Ended) -> Step:
    finish = ReportFinish(
        attempt=report.attempt,
        outcome=report.outcome,
        reason=report.reason,
        began=report.began,
        ended=report.at,
    )
    state = _without(state, report.attempt)
    if report.outcome is Outcome.DONE:
        state = replace(state, failures=0, resume_due=False)
    elif report.outcome is Outcome.FAILED:
        state = replace(state, failures=state.failures + 1, resume_due=True)
    return state, (finish,)


def _unheard(state: State, report: plugin.Unheard) -> Step:
    memory = state.unresolved.get(report.attempt)
    if memory is None:
        return state, ()
    finish = reconcile.unheard(report.attempt, memory)
    return _without(state, report.attempt), (finish,)


def _without(state: State, attempt: int) -> State:
    if state.offered and state.offered.attempt == attempt:
        state = replace(state, offered=None)
    if state.running and state.running.attempt == attempt:
        state = replace(state, running=None)
    rest = {a: m for a, m in state.unresolved.items() if a != attempt}
    return replace(state, unresolved=rest)


def _local(state: State, report: plugin.Local) -> Step:
    return state, (ReportLocal(report),)


_REACTIONS: dict[type[plugin.Report], Callable[[State, Any], Step]] = {
    plugin.State: _state,
    plugin.Taken: _taken,
    plugin.Begun: _begun,
    plugin.Ending: _ending,
    plugin.Ended: _ended,
    plugin.Unheard: _unheard,
    plugin.Local: _local,
}
