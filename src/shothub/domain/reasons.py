"""Why somebody is next in the queue, in words."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from shothub.domain.queue import choose
from shothub.domain.shares import Choice, Key, State

Say = Callable[[Choice, State, Callable[[Key], str]], str]


def words(choice: Choice, state: State, name: Callable[[Key], str]) -> str:
    """Return one sentence for a page.

    Args:
        choice: what ``choose`` returned for the queue.
        state: the queue.
        name: how a user is called towards the reader.
    """
    who = name(choice.share)
    return f"{who} {_SAID[choice.why](choice, state, name)}."


def _only(_choice: Choice, _state: State, _name: Callable[[Key], str]) -> str:
    return "is next: nobody else waits"


def _least(choice: Choice, state: State, name: Callable[[Key], str]) -> str:
    rival = _next_rival(choice, state)
    if rival is None:
        return "is next"
    less = _ahead(choice, rival, state)
    if less < _EQUAL:
        return f"is next: {name(rival)} has used as much, but asked later"
    return f"is next: {less:.0f} s less used than {name(rival)} in this round"


_EQUAL = 0.5


def _next_rival(choice: Choice, state: State) -> Key | None:
    work = {key: w for key, w in state.work.items() if key != choice.share}
    alone = replace(state, work=work, lab=(), serving=None)
    found = choose(replace(alone, policy=replace(state.policy, express_share=0)), 0.0)
    return found.share if found else None


def _ahead(choice: Choice, rival: Key, state: State) -> float:
    mine, theirs = choice.share, rival
    if mine.group is not None and mine.group == theirs.group:
        one, other = state.share(mine), state.share(theirs)
    else:
        one, other = state.top(mine), state.top(theirs)
    return (other.tag - one.tag) * one.weight


def _turn(choice: Choice, state: State, _name: Callable[[Key], str]) -> str:
    cost = state.switch
    left = f"goes on: this turn has {choice.seconds:.0f} s left"
    return f"{left}, a change would cost {cost:.0f} s" if cost >= 1 else left


def _express(choice: Choice, _state: State, _name: Callable[[Key], str]) -> str:
    return (
        f"goes ahead: all that is left of the job takes {choice.work.left:.0f} s"
        " and fits the express credit"
    )


def _reserved(_choice: Choice, _state: State, _name: Callable[[Key], str]) -> str:
    return "is next: the time is reserved"


def _safety(_choice: Choice, _state: State, _name: Callable[[Key], str]) -> str:
    return "is next: a safety job of the lab goes before all others"


def _calibration(_choice: Choice, _state: State, _name: Callable[[Key], str]) -> str:
    return "is next: a calibration of the lab is due"


def _spare(_choice: Choice, _state: State, _name: Callable[[Key], str]) -> str:
    return "is next: nobody else needs the time"


_SAID: Mapping[str, Say] = {
    "only": _only,
    "least": _least,
    "turn": _turn,
    "express": _express,
    "reserved": _reserved,
    "safety": _safety,
    "calibration": _calibration,
    "spare": _spare,
}
