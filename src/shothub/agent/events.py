"""What happens to an agent's session: the events that ``session.handle`` takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shothub.wire.agents import AnalyseTask, CompileTask
from shothub.wire.plugin import Report


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to start one shot until ``until`` on the agent's monotonic clock.

    Attributes:
        fence: grows with every lease; START quotes it, and no fence is used twice.
    """

    shot: int
    job: str
    index: int
    fence: int
    until: float


@dataclass(frozen=True, kw_only=True)
class Granted:
    """A shot whose START was given ahead; its attempt is open at the hub already.

    Unlike a ``Lease`` it may be started while the hub cannot be reached, and it never
    returns by time: its fate is told by this agent.

    Attributes:
        duration: expected length of the shot, seconds.
        until: when it is given back unstarted, on the agent's monotonic clock.
    """

    shot: int
    job: str
    index: int
    fence: int
    attempt: int
    duration: float
    until: float


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What the agent's own journal says of an attempt.

    Attributes:
        offered: it was handed to the plugin, so that only the plugin knows its fate.
        begun: the plugin reported that its devices were armed.
        ended: its end is journaled; the report is delivered or on its way.
    """

    offered: bool = False
    begun: bool = False
    ended: bool = False


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The hub has opened a session.

    Attributes:
        started: attempts that the hub believes under way.
        journal: what this agent knows of each of them; missing if nothing, as of those
            that another agent started.
    """

    epoch: int
    started: tuple[int, ...] = ()
    journal: Mapping[int, Remembered] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkLost:
    """The hub did not answer a poll of session ``epoch``, which goes on all the same.

    The next poll says what we hold, so that the hub takes back what this answer gave.
    """

    epoch: int


@dataclass(frozen=True)
class Fenced:
    """The hub says that a session newer than ``epoch`` exists.

    Attributes:
        why: the hub's words.
    """

    epoch: int
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkCame:
    """The hub answered a poll of session ``epoch``.

    Attributes:
        ahead: shots granted ahead.
        missed: attempts granted ahead of which our last poll did not speak.
    """

    epoch: int
    compile: tuple[CompileTask, ...] = ()
    leases: tuple[Lease, ...] = ()
    ahead: tuple[Granted, ...] = ()
    missed: tuple[int, ...] = ()
    analyse: tuple[AnalyseTask, ...] = ()
    cancelled: frozenset[str] = frozenset()
    abort: tuple[int, ...] = ()
    paused: bool = False


@dataclass(frozen=True)
class StartGranted:
    """The hub gave leave to start the lease with this fence."""

    fence: int
    attempt: int


@dataclass(frozen=True)
class StartRefused:
    """The hub refused START: the lease is void."""

    fence: int


@dataclass(frozen=True)
class StartLost:
    """START was asked, but this agent ends before an answer: it may have been granted."""

    fence: int


@dataclass(frozen=True)
class PluginUp:
    """The plugin inside BLACS is connected."""


@dataclass(frozen=True)
class PluginDown:
    """The connection to the plugin is gone; BLACS may run on."""


@dataclass(frozen=True)
class PluginSaid:
    """The plugin reported something."""

    report: Report


@dataclass(frozen=True)
class CompileEnded:
    """A compile task has ended, with shots or with faults."""

    job: str


@dataclass(frozen=True)
class AnalysisEnded:
    """The multi-shot analysis of a job has ended."""

    job: str


@dataclass(frozen=True)
class HoldChanged:
    """Why nothing may start or be compiled, in words; empty if nothing holds.

    Attributes:
        starts: the hold on starts.
        compiles: the hold on compiling.
    """

    starts: str = ""
    compiles: str = ""


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True)
class Stop:
    """A person ends this agent: start nothing more, take offers back."""


Event = (
    Opened
    | LinkLost
    | Fenced
    | WorkCame
    | StartGranted
    | StartRefused
    | StartLost
    | PluginUp
    | PluginDown
    | PluginSaid
    | CompileEnded
    | AnalysisEnded
    | HoldChanged
    | Tick
    | Stop
)
