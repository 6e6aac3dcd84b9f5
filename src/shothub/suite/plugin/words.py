"""How BLACS is, in the words that agents and people are told."""

from enum import Enum
from typing import Literal

from shothub.suite.plugin.decisions import Desk
from shothub.suite.plugin.watch import Facts
from shothub.wire.plugin import State

_DEAF = (
    "BLACS's own port no longer answers: what is sent from runmanager does not arrive"
    " until BLACS is restarted."
)


class PausedBy(Enum):
    """Who paused BLACS, in words."""

    BLACS = "Paused."
    OPERATOR = "The operator paused BLACS."
    OPERATOR_BEFORE = "The operator paused BLACS before it was last started."
    HUB = "Paused by order of the hub."


_Blacs = Literal["idle", "running", "paused", "error"]


def describe(
    desk: Desk,
    facts: Facts,
    *,
    paused_by: PausedBy = PausedBy.BLACS,
    operators_turn: bool = False,
    revival: str = "",
) -> State:
    """Say how BLACS is, for the agent and for people.

    Args:
        desk: what waits and what runs.
        facts: how BLACS is.
        paused_by: who paused BLACS, if it is paused.
        operators_turn: whether shots of the operator's own are going on.
        revival: what will be done about a queue whose thread has ended.
    """
    blacs, message = _condition(desk, facts, operators_turn, revival)
    if blacs == "paused":
        message = paused_by.value
    return State(
        boot=desk.boot,
        blacs=blacs,
        message=message,
        attempt=desk.in_hand.attempt if desk.in_hand else None,
        offered=desk.offered.attempt if desk.offered else None,
        healthy=facts.alive and not facts.faults and not facts.dead,
        ordered=paused_by is PausedBy.HUB,
    )


def _condition(
    desk: Desk,
    facts: Facts,
    operators_turn: bool,  # noqa: FBT001
    revival: str,
) -> tuple[_Blacs, str]:
    if not facts.alive:
        return "error", f"{lost(facts)} {revival}".strip()
    if desk.in_hand:
        return "running", _running(desk, facts)
    if desk.trouble:
        return "error", desk.trouble
    if facts.faults:
        return "error", in_words(facts.faults)
    if facts.paused:
        return "paused", ""
    if operators_turn or facts.waiting:
        return "running", "The operator runs shots of his own."
    return "idle", _DEAF if facts.deaf else ""


def _running(desk: Desk, facts: Facts) -> str:
    status = " ".join(facts.status.split())
    if desk.in_hand and desk.in_hand.attempt is None:
        return f"The operator runs a shot of his own: {status}"
    return status


def lost(facts: Facts) -> str:
    """Say why BLACS does not come back from a shot."""
    if facts.alive:
        return "It hung: BLACS does not come back from it. BLACS must be restarted."
    cause = f" by an error ({facts.death})" if facts.death else ""
    return f"The thread of BLACS's queue has ended{cause}. BLACS must be restarted."


def in_words(faults: dict[str, str]) -> str:
    """Name the devices in error and what each says."""
    return "; ".join(f"{name}: {text}" for name, text in sorted(faults.items()))
