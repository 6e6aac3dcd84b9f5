"""What a session asks for: the effects that the runner's workers carry out."""

from dataclasses import dataclass
from datetime import datetime

from shothub.agent.events import Granted, Lease
from shothub.domain.states import Outcome
from shothub.wire.agents import AnalyseTask, CompileTask
from shothub.wire.plugin import Local


@dataclass(frozen=True)
class OpenSession:
    """Open a session at the hub, now that no START is under way."""


@dataclass(frozen=True)
class CompileJob:
    """Compile all shots of a job and tell the hub, in the session that gave the task."""

    epoch: int
    task: CompileTask


@dataclass(frozen=True)
class GiveUpJob:
    """The job was cancelled: stop compiling it if that has not begun."""

    job: str


@dataclass(frozen=True)
class AskStart:
    """Ask the hub for leave to start this shot; journal the asking first."""

    epoch: int
    lease: Lease


@dataclass(frozen=True)
class NoteAhead:
    """Journal these grants before anything is done with them."""

    grants: tuple[Granted, ...]


@dataclass(frozen=True)
class TellMissed:
    """Report what our journal says of these attempts: never had means never started."""

    attempts: tuple[int, ...]


@dataclass(frozen=True)
class OfferShot:
    """Hand this attempt to the plugin; journal the offer first."""

    attempt: int
    job: str
    index: int


@dataclass(frozen=True)
class WithdrawOffer:
    """Take the offer of this attempt back."""

    attempt: int


@dataclass(frozen=True)
class AbortShot:
    """Abort this attempt while it runs."""

    attempt: int


@dataclass(frozen=True)
class RecallAttempts:
    """Ask the plugin what its journal says of these attempts."""

    attempts: tuple[int, ...]


@dataclass(frozen=True)
class PausePlugin:
    """Let the plugin hand no further shot to BLACS."""


@dataclass(frozen=True)
class ResumePlugin:
    """Let the plugin hand shots to BLACS again."""


@dataclass(frozen=True)
class NoteBegun:
    """Journal that this attempt has begun."""

    attempt: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ReportFinish:
    """Journal how an attempt ended and report it; after ``done``, analyse the shot."""

    attempt: int
    outcome: Outcome
    reason: str = ""
    began: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class ReportAgain:
    """Report the journaled end of this attempt once more."""

    attempt: int


@dataclass(frozen=True)
class ReportLocal:
    """Report a shot that the operator ran himself."""

    local: Local


@dataclass(frozen=True)
class AnalyseJob:
    """Run the multi-shot routines of a job and report their results."""

    task: AnalyseTask


@dataclass(frozen=True)
class Leave:
    """End this agent: the machine is idle and nothing more will start."""

    reason: str


Effect = (
    OpenSession
    | CompileJob
    | GiveUpJob
    | AskStart
    | NoteAhead
    | TellMissed
    | OfferShot
    | WithdrawOffer
    | AbortShot
    | RecallAttempts
    | PausePlugin
    | ResumePlugin
    | NoteBegun
    | ReportFinish
    | ReportAgain
    | ReportLocal
    | AnalyseJob
    | Leave
)
