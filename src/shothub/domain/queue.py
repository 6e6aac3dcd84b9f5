"""Whose shots run next: start-time fair queueing over groups and the users within them.

After Goyal, Vin and Cheng, SIGCOMM 1996: of those who wait the one with the smallest start
tag is served; his tag grows by the measured machine seconds over his weight. Who did not
wait earns no credit and owes no debt. A turn lasts a slice, long enough that changes of
configuration take a bounded part of the machine's time. ``choose`` and ``charge`` are all
that a replay of the queue needs.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from shothub.domain import express
from shothub.domain.charging import arrive, charge, credit_of, tag_on_arrival
from shothub.domain.shares import (
    HOUR,
    INTERRUPTING,
    LAB,
    Choice,
    Key,
    Policy,
    Service,
    Share,
    State,
    Use,
    Work,
)

__all__ = [
    "INTERRUPTING",
    "LAB",
    "Choice",
    "Key",
    "Policy",
    "Service",
    "Share",
    "State",
    "Use",
    "Work",
    "arrive",
    "charge",
    "choose",
    "choose_urgent",
    "tag_on_arrival",
]


def choose(state: State, now: float) -> Choice | None:
    """Return who is to be served next, or None if nobody waits."""
    return (
        _lab(state, now)
        or _fair(state, now, Service.RESERVED)
        or _fair(state, now, Service.NORMAL)
        or _fair(state, now, Service.SCAVENGER)
        or _spare(state)
    )


def choose_urgent(state: State, now: float) -> Choice | None:
    """Return who is next if he may begin at the next shot edge, else None.

    Besides the classes that always may, this is a user's short job that fits his express
    credit and is next by turns already: it must not wait longer than if it were not.
    """
    choice = choose(state, now)
    if choice is None or choice.service in INTERRUPTING:
        return choice
    if choice.service is not Service.NORMAL or choice.why != "least":
        return None
    fits = _fits_express(state, choice.share, choice.work, now)
    return replace(choice, service=Service.EXPRESS) if fits else None


def _lab(state: State, now: float) -> Choice | None:
    for service in (Service.SAFETY, Service.CALIBRATION):
        for key, work in state.lab:
            if work.service is not service:
                continue
            if service is Service.SAFETY or _within_budget(state, work, now):
                return _at_once(key, work, service, work.seconds)
    return None


def _within_budget(state: State, work: Work, now: float) -> bool:
    most = state.policy.calibration_share * HOUR
    cost = work.seconds + state.switch_to(work)
    return state.calibration.used(now) + cost <= most


def _at_once(key: Key, work: Work, service: Service, seconds: float) -> Choice:
    return Choice(
        share=key, work=work, service=service, why=service.value, seconds=seconds
    )


def _spare(state: State) -> Choice | None:
    for key, work in state.lab:
        return replace(_at_once(key, work, work.service, work.seconds), why="spare")
    return None


def _fair(state: State, now: float, service: Service) -> Choice | None:
    waiting = {k: w for k, w in state.work.items() if w.service is service}
    if not waiting:
        return None
    best = _least(state, waiting)
    keeps = state.serving in waiting and _keeps(state, waiting, best)
    key = state.serving if keeps and state.serving else best
    if service is Service.NORMAL and len(waiting) > 1:
        ahead = _express(state, waiting, now)
        if ahead and ahead != key:
            return _at_once(ahead, waiting[ahead], Service.EXPRESS, waiting[ahead].left)
    return Choice(
        share=key,
        work=waiting[key],
        service=service,
        why=_why(service, alone=len(waiting) == 1, goes_on=key != best),
        seconds=_time_left(state, waiting, key),
        rival=best if key != best else None,
    )


def _why(service: Service, *, alone: bool, goes_on: bool) -> str:
    if service is Service.RESERVED:
        return "reserved"
    if service is Service.SCAVENGER:
        return "spare"
    if alone:
        return "only"
    return "turn" if goes_on else "least"


def _least(state: State, waiting: Mapping[Key, Work]) -> Key:
    """Return the user with the smallest tag in the group with the smallest tag."""
    first: dict[int | None, tuple[float, float, int]] = {}
    arrived: dict[int, float] = {}
    for key, work in waiting.items():
        group, own = key.group, (state.share(key).tag, work.arrived, key.user)
        if group not in first or own < first[group]:
            first[group] = own
        if group is not None:
            arrived[group] = min(work.arrived, arrived.get(group, inf))
    tops = [(state.group(g).tag, at, g) for g, at in arrived.items()]
    group_first = min(tops, default=None)
    alone = first.get(None)
    if group_first is None or (alone is not None and alone[:2] <= group_first[:2]):
        return Key(None, first[None][2])
    return Key(group_first[2], first[group_first[2]][2])


def _keeps(state: State, waiting: Mapping[Key, Work], best: Key) -> bool:
    """Tell whether the one in service goes on although another one's tag is smaller."""
    present = state.serving
    if present is None or present == best:
        return present == best
    length = _slice(state, len(waiting), state.switch_to(waiting[best]))
    if state.burst >= length:
        return False
    same_group = present.group is not None and present.group == best.group
    mine = state.share(present) if same_group else state.top(present)
    theirs = state.share(best) if same_group else state.top(best)
    return mine.tag < theirs.tag + length / mine.weight


def _slice(state: State, waiting: int, switch: float) -> float:
    """Return how long a turn lasts with the change before it, when so many wait."""
    policy = state.policy
    return max(switch / policy.setup_share, policy.round_seconds / waiting)


def _time_left(state: State, waiting: Mapping[Key, Work], key: Key) -> float:
    if len(waiting) == 1:
        return inf
    config = waiting[key].config
    differs = any(work.config != config for work in waiting.values())
    length = _slice(state, len(waiting), state.switch if differs else 0.0)
    used = state.burst if key == state.serving else 0.0
    return max(length - used, 0.0)


def _express(state: State, waiting: Mapping[Key, Work], now: float) -> Key | None:
    """Return the shortest whose whole job fits his credit and the common budget."""
    fitting = (
        (work.left + state.switch_to(work), work.arrived, key.user, key)
        for key, work in waiting.items()
        if _fits_express(state, key, work, now)
    )
    first = min(fitting, key=lambda found: found[:3], default=None)
    return first[3] if first else None


def _fits_express(state: State, key: Key, work: Work, now: float) -> bool:
    if work.session:
        return False
    cost = work.left + state.switch_to(work)
    room = state.policy.express_share * express.SPAN - state.express.used(now)
    return cost <= min(room, credit_of(state, key, now))
