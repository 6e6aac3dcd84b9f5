"""Shots granted ahead: journalled when they come, then offered in turn or given back."""

from collections.abc import Container
from dataclasses import replace

from shothub.agent.effects import (
    Effect,
    NoteAhead,
    OfferShot,
    ReportFinish,
    TellMissed,
)
from shothub.agent.events import Granted, Lease
from shothub.agent.state import Offered, State
from shothub.domain.states import Outcome

LAPSED = "The shot was granted ahead and could not be begun in time."
CANCELLED = "The job was cancelled before the shot was begun."

Step = tuple[State, tuple[Effect, ...]]


def granted(state: State, came: tuple[Granted, ...]) -> Step:
    """Take grants over, journalled before anything is done with them."""
    known = {each.fence for each in state.block}
    fresh = tuple(
        each
        for each in came
        if each.fence > state.last_fence and each.fence not in known
    )
    if not fresh:
        return state, ()
    block = tuple(sorted(state.block + fresh, key=lambda each: each.fence))
    state = replace(state, block=block)
    if state.paused:
        state, back = give_back(state, LAPSED)
        return state, (NoteAhead(fresh), *back)
    return state, (NoteAhead(fresh),)


def missed(attempts: tuple[int, ...]) -> tuple[Effect, ...]:
    """Answer for attempts that the hub misses in what we said we hold."""
    return (TellMissed(attempts),) if attempts else ()


def goes_first(state: State) -> bool:
    """Tell whether the next shot is one granted ahead: the smaller fence goes first."""
    return not state.leases or state.block[0].fence < state.leases[0].fence


def start(state: State, now: float) -> Step:
    """Offer the next shot of the block, for which leave to start was given ahead."""
    first, rest = state.block[0], state.block[1:]
    state = replace(state, block=rest, last_fence=first.fence)
    return offer(state, first.attempt, first, now)


def offer(state: State, attempt: int, shot: Lease | Granted, now: float) -> Step:
    """Put an attempt that may start into the plugin's mailbox."""
    offered = Offered(attempt=attempt, job=shot.job, since=now)
    return replace(state, offered=offered), (OfferShot(attempt, shot.job, shot.index),)


def lapse(state: State, now: float) -> Step:
    """Give back what was not begun in time: the hub never takes it back by itself."""
    late = {each.attempt for each in state.block if each.until <= now}
    return _without(state, late, LAPSED) if late else (state, ())


def give_up(state: State, cancelled: Container[str], abort: Container[int]) -> Step:
    """Give back what belongs to cancelled jobs."""
    ends = {
        each.attempt
        for each in state.block
        if each.job in cancelled or each.attempt in abort
    }
    return _without(state, ends, CANCELLED) if ends else (state, ())


def give_back(state: State, reason: str) -> Step:
    """Give the whole block back: nothing of it was offered to BLACS."""
    return _without(state, {each.attempt for each in state.block}, reason)


def _without(state: State, attempts: set[int], reason: str) -> Step:
    rest = tuple(each for each in state.block if each.attempt not in attempts)
    effects = tuple(
        ReportFinish(attempt=attempt, outcome=Outcome.NOT_STARTED, reason=reason)
        for attempt in sorted(attempts)
    )
    return replace(state, block=rest), effects
