"""The shot that BLACS has taken and not ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shothub.domain.states import Outcome

LEAD = timedelta(seconds=0.3)
"""How long before a shot's end the next is asked for: longer than that takes."""


class Phase(StrEnum):
    """How far BLACS is with the shot in hand."""

    PROGRAMMING = "programming"
    RUNNING = "running"
    SAVING = "saving"


@dataclass(frozen=True, kw_only=True)
class InHand:
    """The shot that BLACS has taken and not ended.

    Attributes:
        attempt: ours, or None for a shot of the operator's own.
        since: when its phase began.
        verdict: why we are ending it ourselves, if we are.
        condemned: since when we are.
        outcome: what it will be called if BLACS then aborts it.
        ending: whether the agent was told that the next shot may be asked for.
    """

    path: str
    attempt: int | None
    seconds: float
    since: datetime
    phase: Phase = Phase.PROGRAMMING
    verdict: str = ""
    condemned: datetime | None = None
    outcome: Outcome = Outcome.ABORTED
    ending: bool = False

    @property
    def ends_soon(self) -> datetime | None:
        """From when the next shot may be asked for; None if it is not to be told."""
        if self.phase is not Phase.RUNNING or self.attempt is None or self.ending:
            return None
        return self.since + max(timedelta(seconds=self.seconds) - LEAD, timedelta())

    @property
    def put_back_as(self) -> frozenset[str]:
        """The names under which BLACS may put this shot back into its queue."""
        return frozenset({self.path, self.path.replace(".h5", "_retry.h5")})
