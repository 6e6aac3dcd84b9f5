"""What machine time costs: tags, past use, express credit and budgets after each use."""

from dataclasses import dataclass, replace

from shothub.domain import express
from shothub.domain.memory import factor, faded
from shothub.domain.shares import LAB, Key, Policy, Service, Share, State, Use, Work

_IN_TURNS = frozenset({Service.RESERVED, Service.NORMAL, Service.SCAVENGER})


@dataclass(frozen=True, slots=True)
class _Level:
    """A user or group among those that compete with it.

    Attributes:
        rivals: its siblings that wait.
        tags: of those siblings that wait in the same class.
    """

    node: Share
    virtual_time: float
    rivals: list[Share]
    tags: list[float]


def arrive(state: State, key: Key, work: Work) -> State:
    """Return the queue with the first job of a share, which may have had none waiting.

    Idle time earns no credit: who begins to wait gets at least the virtual time.
    """
    if key not in state.work:
        state = _lift(state, key)
    return replace(state, work={**state.work, key: work})


def _lift(state: State, key: Key) -> State:
    share, groups, shares = state.share(key), state.groups, state.shares
    floor = state.virtual_time
    if key.group is not None:
        group = state.group(key.group)
        if all(other.group != key.group for other in state.work):
            lifted = replace(group, tag=tag_on_arrival(group.tag, floor))
            groups = {**groups, key.group: lifted}
        floor = group.virtual_time
    lifted = replace(share, tag=tag_on_arrival(share.tag, floor))
    return replace(state, groups=groups, shares={**shares, key: lifted})


def tag_on_arrival(tag: float, virtual_time: float) -> float:
    """Return the tag of one who begins to wait."""
    return max(tag, virtual_time)


def charge(state: State, use: Use) -> State:
    """Return the queue after somebody took machine time.

    The lab's own work costs nobody anything. Reserved time costs a user only among those
    of his group, since the calendar bounds it; all else costs also among the groups.
    """
    state = replace(state, config=use.config)
    if use.service in LAB:
        return _spend(state, use)
    if use.share.group is not None:
        state = _charge_within(state, use, use.share.group)
    state = _charge_top(state, use)
    if use.service in _IN_TURNS:
        used = state.burst if use.share == state.serving else 0.0
        state = replace(state, serving=use.share, burst=used + use.seconds)
    return _spend(state, use)


def _charge_within(state: State, use: Use, group: int) -> State:
    rivals, tags = [], []
    for key, work in state.work.items():
        if key.group == group and key != use.share:
            rivals.append(state.share(key))
            if work.service is use.service:
                tags.append(rivals[-1].tag)
    whole = state.group(group)
    level = _Level(state.share(use.share), whole.virtual_time, rivals, tags)
    share, virtual_time = _pay(level, use, state.policy)
    whole = replace(whole, virtual_time=virtual_time)
    return replace(
        state,
        shares={**state.shares, use.share: share},
        groups={**state.groups, group: whole},
    )


def _charge_top(state: State, use: Use) -> State:
    level = _Level(state.top(use.share), state.virtual_time, *_rivals(state, use))
    if use.service is Service.RESERVED:
        node, virtual_time = (
            _remember(level.node, use, state.policy),
            state.virtual_time,
        )
    else:
        node, virtual_time = _pay(level, use, state.policy)
    state = replace(state, virtual_time=virtual_time)
    if use.share.group is None:
        return replace(state, shares={**state.shares, use.share: node})
    return replace(state, groups={**state.groups, use.share.group: node})


def _rivals(state: State, use: Use) -> tuple[list[Share], list[float]]:
    """Return the other groups and lone users that wait, and tags of the same class."""
    users: list[Share] = []
    groups: set[int] = set()
    tags: list[float] = []
    for key, work in state.work.items():
        if key.group is None:
            if key == use.share:
                continue
            users.append(state.share(key))
            if work.service is use.service:
                tags.append(users[-1].tag)
        elif key.group != use.share.group:
            groups.add(key.group)
            if work.service is use.service:
                tags.append(state.group(key.group).tag)
    return [*users, *map(state.group, groups)], tags


def _pay(level: _Level, use: Use, policy: Policy) -> tuple[Share, float]:
    """Return the node after its use, and the virtual time of its level."""
    start = max(level.node.tag, level.virtual_time)
    weight = level.node.weight * _bent(level, use.ended, policy)
    paid = replace(_remember(level.node, use, policy), tag=start + use.seconds / weight)
    if use.service not in _IN_TURNS:
        return paid, level.virtual_time
    return paid, max(level.virtual_time, min((start, *level.tags)))


def _remember(node: Share, use: Use, policy: Policy) -> Share:
    past = faded(node.usage, node.usage_at, use.ended, policy.half_life)
    return replace(node, usage=past + use.seconds, usage_at=use.ended)


def _bent(level: _Level, now: float, policy: Policy) -> float:
    """Return the factor by which past use bends the weight of the node."""
    if policy.memory <= 1.0 or not level.rivals:
        return 1.0
    half_life = policy.half_life
    mine = faded(level.node.usage, level.node.usage_at, now, half_life)
    others = sum(faded(n.usage, n.usage_at, now, half_life) for n in level.rivals)
    weights = level.node.weight + sum(node.weight for node in level.rivals)
    return factor(
        usage=mine,
        total=mine + others,
        fair=level.node.weight / weights,
        most=policy.memory,
    )


def _spend(state: State, use: Use) -> State:
    if use.service is Service.CALIBRATION:
        spent = state.calibration.add(use.seconds, use.ended)
        return replace(state, calibration=spent)
    if use.service is not Service.EXPRESS:
        return state
    left = credit_of(state, use.share, use.ended) - use.seconds
    share = replace(state.share(use.share), credit=max(0.0, left), credit_at=use.ended)
    return replace(
        state,
        shares={**state.shares, use.share: share},
        express=state.express.add(use.seconds, use.ended),
    )


def credit_of(state: State, key: Key, now: float) -> float:
    """Return the express credit of a share now, seconds."""
    share, policy = state.share(key), state.policy
    return express.credit_now(
        share.credit,
        share.credit_at,
        now,
        most=policy.express_credit,
        refill=policy.express_refill,
    )
