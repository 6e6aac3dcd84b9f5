"""The state of an agent's session, and what it lets the hub know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shothub.agent.events import Granted, Lease, Remembered
from shothub.wire.agents import Capacity, CompileTask
from shothub.wire.apparatus import ApparatusStatus

MARGIN = 10.0
"""Seconds before a lease's end from which nothing is started on it."""

PATIENCE = 30.0
"""Seconds that an idle BLACS may leave an offer in the mailbox."""

ABSENT = "BLACS does not run, or runs without shothub's plugin."

PARTING = 5.0
"""Seconds that a stopping agent waits for its offer to come back."""

MOST_FAILURES = 3
"""Shots that fail one after another before a person must look at BLACS."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the plugin last said of BLACS.

    Attributes:
        fresh: nothing was heard on this connection yet.
        ordered: an agent had BLACS paused, this one or one before it.
    """

    connected: bool = False
    fresh: bool = True
    blacs: Literal["idle", "running", "paused", "error"] = "idle"
    message: str = ""
    healthy: bool = False
    ordered: bool = False

    @property
    def ready(self) -> bool:
        """Tell whether BLACS would take a shot now or after the present one."""
        heard = self.connected and not self.fresh and self.healthy
        return heard and self.blacs in ("idle", "running")


@dataclass(frozen=True, kw_only=True)
class Offered:
    """The attempt in the plugin's mailbox; there is never a second one."""

    attempt: int
    job: str
    since: float
    withdrawing: bool = False


@dataclass(frozen=True, kw_only=True)
class Running:
    """The attempt that BLACS has taken."""

    attempt: int
    begun: bool = False
    ending: bool = False
    aborting: bool = False


@dataclass(frozen=True, kw_only=True)
class State:
    """All that a session decides upon.

    Attributes:
        epoch: number of the session; 0 while none is open.
        linked: whether the hub answered the last poll.
        fenced: a newer session exists; ``fenced_by`` says whose, in the hub's words.
        leases: to be asked for, one START each; they lapse.
        block: granted ahead, to be started without asking; given back, never lapsed.
        unresolved: attempts under way at the hub whose fate the plugin must tell.
        failures: how many shots failed one after another.
        resume_due: a shot failed, and BLACS may have to be led out of its error.
        compiling: jobs being compiled, with the task that came again meanwhile, if any.
    """

    epoch: int = 0
    opening: bool = False
    linked: bool = True
    fenced: bool = False
    fenced_by: str = ""
    stopping: bool = False
    leave_by: float = 0.0
    left: bool = False
    paused: bool = False
    hold: str = ""
    compile_hold: str = ""
    machine: Machine = field(default_factory=Machine)
    leases: tuple[Lease, ...] = ()
    block: tuple[Granted, ...] = ()
    last_fence: int = 0
    asking: Lease | None = None
    offered: Offered | None = None
    running: Running | None = None
    failures: int = 0
    resume_due: bool = False
    unresolved: Mapping[int, Remembered] = field(default_factory=dict)
    compiling: Mapping[str, CompileTask | None] = field(default_factory=dict)
    analysing: frozenset[str] = frozenset()

    @property
    def open(self) -> bool:
        """Tell whether new work may be begun at all."""
        return self.epoch > 0 and not self.fenced and not self.stopping

    @property
    def able(self) -> bool:
        """Tell whether the apparatus could run a shot, whatever the hub says."""
        ended = self.fenced or self.stopping
        return self.machine.ready and not ended and not self.hold

    @property
    def may_offer(self) -> bool:
        """Tell whether a shot may be put into the plugin's mailbox."""
        return self.able and not self.paused


def capacity(state: State, most: Capacity) -> Capacity:
    """Return how much more work the agent takes now, if it never takes more than ``most``.

    While the hub has paused the apparatus it is asked for shots all the same: it gives
    none, and its answer to that question is the first to come when it goes on.
    """
    if not state.open:
        return Capacity()
    held = len(state.leases) + (state.asking is not None)
    return Capacity(
        compile=0
        if state.compile_hold
        else max(0, most.compile - len(state.compiling)),
        shots=max(0, most.shots - held) if state.able else 0,
        analyse=max(0, most.analyse - len(state.analysing)),
        ahead=_room_ahead(state, most.ahead) if state.able else 0.0,
    )


def _room_ahead(state: State, most: float) -> float:
    return max(0.0, most - sum(granted.duration for granted in state.block))


@dataclass(frozen=True, kw_only=True)
class InHand:
    """What the session holds of each kind of work, as polls tell the hub."""

    fences: tuple[int, ...] = ()
    compiling: tuple[str, ...] = ()
    analysing: tuple[str, ...] = ()


def in_hand(state: State) -> InHand:
    """Return what the session holds."""
    asking = (state.asking.fence,) if state.asking else ()
    return InHand(
        fences=tuple(lease.fence for lease in state.leases) + asking,
        compiling=tuple(sorted(state.compiling)),
        analysing=tuple(sorted(state.analysing)),
    )


def status(state: State, *, disk_free: int | None) -> ApparatusStatus:
    """Return what the hub shows to people of the machine."""
    hold = state.hold or state.compile_hold
    if state.unresolved and not hold:
        names = ", ".join(str(attempt) for attempt in sorted(state.unresolved))
        hold = f"The fate of attempt {names} is still to be learnt from BLACS."
    machine = state.machine
    return ApparatusStatus(
        blacs=machine.blacs if machine.connected else "absent",
        message=machine.message if machine.connected else ABSENT,
        hold=hold,
        disk_free=disk_free,
    )
