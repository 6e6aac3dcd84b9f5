"""The conversation between an agent and the hub.

The agent only ever calls; the hub answers. Every call carries the epoch of the agent's
session; a call of an older session is answered with 409 ``fenced``. Finish reports,
results and files are accepted from any epoch for their own attempt.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from shothub.domain.states import Outcome
from shothub.wire.apparatus import ApparatusStatus, Description
from shothub.wire.base import Message, Reply
from shothub.wire.jobs import GlobalsFile, SourceFile
from shothub.wire.problems import FaultModel


class OpenSession(Message):
    """``POST agent/sessions``: a new session of an agent; older ones are fenced.

    Attributes:
        agent: identifies the agent through its restarts: whoever works with the same
            journal in the same place is the same agent.
    """

    apparatus: str
    agent_version: str
    host: str = ""
    agent: str = Field("", max_length=64)
    description: Description


class UnderWay(Reply):
    """An attempt that has not ended; ``fence`` is of the lease for which it was asked.

    By it an agent tells a START of its own, whose answer was lost, from another agent's.
    """

    attempt: int
    shot: int
    job: str
    index: int
    fence: int


class SessionOpened(Reply):
    """The number of the new session and what the hub believes to be under way.

    Attributes:
        started: attempts that the hub believes started and that have not ended.
        under_way: the same, with what they are attempts at.
    """

    epoch: int
    apparatus: str
    lease_seconds: float
    started: list[int] = []
    under_way: list[UnderWay] = []


class Capacity(Message):
    """How much more work of each kind the agent will take now.

    Attributes:
        ahead: seconds of further shots to be granted ahead (``ShotGrant``); only where
            the lab allows that.
    """

    compile: int = 0
    shots: int = 0
    analyse: int = 0
    ahead: float = Field(0.0, ge=0, allow_inf_nan=False)


class Holding(Message):
    """What the agent has in hand of one kind of work.

    What the hub has given of this kind and what is not named here got lost with its
    answer: the hub takes it back at once. Only the newest poll of a kind may say so or
    be given work: one that was delayed or repeated on the way is answered with nothing.

    Attributes:
        serial: grows with every poll of this kind in a session.
        fences: of leases not yet started, or whose START is being asked.
        jobs: tasks in hand, with those whose reports are still to be delivered.
        attempts: granted ahead, whose ends the hub has not confirmed.
    """

    kind: Literal["compile", "shots", "analyse"]
    serial: int = Field(ge=1)
    fences: list[int] = []
    jobs: list[str] = []
    attempts: list[int] = []


class Poll(Message):
    """``POST agent/poll``: asks for work; waits up to ``wait`` seconds for some."""

    epoch: int
    capacity: Capacity
    holding: Holding | None = None
    status: ApparatusStatus = ApparatusStatus()
    wait: float = 10.0


class CompileTask(Reply):
    """A job to compile. The agent answers with ``Compiled``.

    Attributes:
        key: the owner's key (folder name).
        day: date of submission at the hub, ISO, which names the folder.
        globals: checked values and scans, as in JobRequest.
    """

    job: str
    key: str
    day: str
    kind: Literal["procedure", "script"]
    source: str
    procedure_sha256: str = ""
    script: SourceFile | None = None
    globals: dict[str, JsonValue] = {}
    globals_file: GlobalsFile | None = None
    routines: list[SourceFile] = []
    max_shots: int
    hdf5_allowed: bool = False


class ShotLease(Reply):
    """The right to start one shot until ``seconds`` from now.

    Attributes:
        fence: grows with every lease of the apparatus; START must quote it.
    """

    shot: int
    job: str
    index: int
    fence: int
    seconds: float


class ShotGrant(Reply):
    """Leave to start one shot, given ahead: it may be started without asking again.

    Its attempt is open from now on, and nobody but this agent can tell what became of
    it: the hub never takes it back, however long nothing is heard. A ``ShotLease`` is
    the contrary: it must ask START and returns by time. No shot is ever both.

    Attributes:
        duration: expected length of the shot, seconds.
        seconds: if it was not started by then, the agent reports ``not_started``.
    """

    shot: int
    job: str
    index: int
    fence: int
    attempt: int
    duration: float
    seconds: float


class AnalyseTask(Reply):
    """A job whose shots have all ended: run its multi-shot routines."""

    job: str
    done: list[int]


class Work(Reply):
    """The answer to a poll.

    Attributes:
        ahead: shots granted ahead.
        missed: attempts granted ahead of which the agent says nothing: it reports their
            ends, ``not_started`` where its journal does not know them.
        cancelled: jobs that were cancelled: give up their compile tasks and leases.
        abort: attempts to be aborted while they run.
        paused: whether the operator has paused this apparatus at the hub, or the hub
            holds it.
        void: this poll was not the newest of its kind, so that nothing was given.
    """

    compile: list[CompileTask] = []
    shots: list[ShotLease] = []
    ahead: list[ShotGrant] = []
    missed: list[int] = []
    analyse: list[AnalyseTask] = []
    cancelled: list[str] = []
    abort: list[int] = []
    paused: bool = False
    void: bool = False


class CompiledShot(Message):
    """One shot of a compiled job, in order of index."""

    index: int
    globals: dict[str, JsonValue]
    duration: float


class Compiled(Message):
    """``POST agent/jobs/{job}/compiled``: all shots of a job, or why there are none."""

    epoch: int
    shots: list[CompiledShot] = []
    units: dict[str, str] = {}
    faults: list[FaultModel] = []
    log: str = ""


class Start(Message):
    """``POST agent/shots/{shot}/start``: asks for leave to start one attempt."""

    epoch: int
    fence: int


class Started(Reply):
    """Leave to start: the attempt's id, for all further reports."""

    attempt: int
    number: int


class Finish(Message):
    """``POST agent/attempts/{attempt}/finish``: how an attempt ended. Idempotent.

    Attributes:
        began: when BLACS armed the devices and began (the journal's time), if it did.
        ended: when it ended.
        analysed: whether the single-shot results follow in a further call.
    """

    epoch: int
    outcome: Outcome
    reason: str = ""
    began: datetime | None = None
    ended: datetime | None = None


class RoutineResult(Message):
    """What one routine saved, or why it failed.

    Attributes:
        values: name to value; numbers, strings, booleans, null and short lists.
        traceback: the lines of the routine's own files only.
    """

    routine: str
    values: dict[str, JsonValue] = {}
    failed: str = ""
    traceback: str = ""
    log: str = ""


class ShotAnalysed(Message):
    """``POST agent/attempts/{attempt}/analysis``: the single-shot results. Idempotent."""

    epoch: int
    routines: list[RoutineResult]


class JobAnalysed(Message):
    """``POST agent/jobs/{job}/analysed``: the multi-shot results; ends the job."""

    epoch: int
    routines: list[RoutineResult]
    log: str = ""


class LocalShot(Message):
    """``POST agent/local``: a shot that the operator ran, not one of the hub's."""

    epoch: int
    name: str
    what: Literal["started", "done", "failed", "aborted"]
    at: datetime
    detail: str = ""


class Undelivered(Message):
    """``POST agent/jobs/{job}/undelivered``: something that the hub did not take.

    Attributes:
        name: of the file, or of what was reported.
        reason: the hub's own words.
    """

    name: str = Field(max_length=200)
    reason: str = Field(max_length=1000)
    shot: int | None = Field(None, ge=0)


class Accepted(Reply):
    """The report is stored (``late``: from an older session)."""

    accepted: bool = True
    late: bool = False
