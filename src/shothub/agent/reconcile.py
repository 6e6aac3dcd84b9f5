"""What becomes of the attempts that the hub believes under way when a session opens.

The hub's list is held against this agent's journal, then against the plugin's:

* end journaled: reported again;
* granted but never offered, or START lost on the way: ``not_started``;
* offered: the plugin tells, from its journal on disk: ended how; never heard of it
  (``not_started`` unless our journal says begun: then ``unknown``); or still running;
* neither journal knows it, as when another agent got leave to start it: ``unknown``.
"""

from collections.abc import Iterable
from dataclasses import replace

from shothub.agent.effects import Effect, RecallAttempts, ReportAgain, ReportFinish
from shothub.agent.events import Opened, Remembered
from shothub.agent.state import State
from shothub.domain.states import Outcome

NEVER_OFFERED = "Leave to start came, but the shot was never handed to BLACS."
NEVER_TAKEN = "BLACS never took the shot."
NO_END = "The shot began, but neither journal knows how it ended."
STRANGE = "Neither the agent's journal nor BLACS' knows of this attempt."


def with_hub(state: State, event: Opened) -> tuple[State, tuple[Effect, ...]]:
    """Settle the attempts of the hub's list, as far as the agent's journal can."""
    under_way = {offer.attempt for offer in (state.offered, state.running) if offer}
    open_ends = [a for a in event.started if a not in under_way]
    effects: list[Effect] = []
    unresolved: dict[int, Remembered] = {}
    for attempt in open_ends:
        memory = event.journal.get(attempt)
        if memory and memory.ended:
            effects.append(ReportAgain(attempt))
        elif memory and not memory.offered:
            effects.append(_not_started(attempt, NEVER_OFFERED))
        else:
            unresolved[attempt] = memory or Remembered()
    state = replace(state, unresolved={**state.unresolved, **unresolved})
    if state.machine.connected and not state.machine.fresh:
        effects += recall(unresolved)
    return state, tuple(effects)


def recall(attempts: Iterable[int]) -> list[Effect]:
    """Return the question to the plugin, if there is anything to ask."""
    asked = tuple(sorted(attempts))
    return [RecallAttempts(asked)] if asked else []


def unheard(attempt: int, memory: Remembered) -> ReportFinish:
    """Return the report on an attempt that the plugin's journal does not know."""
    if memory.begun:
        return ReportFinish(attempt=attempt, outcome=Outcome.UNKNOWN, reason=NO_END)
    if memory.offered:
        return _not_started(attempt, NEVER_TAKEN)
    return ReportFinish(attempt=attempt, outcome=Outcome.UNKNOWN, reason=STRANGE)


def _not_started(attempt: int, reason: str) -> ReportFinish:
    return ReportFinish(attempt=attempt, outcome=Outcome.NOT_STARTED, reason=reason)
