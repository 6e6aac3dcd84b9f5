"""What users send and see: job requests, jobs, shots, results, files, events."""

import binascii
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    EncodedBytes,
    EncoderProtocol,
    Field,
    JsonValue,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from shothub.domain.states import JobState, ShotState
from shothub.wire.base import Message, Reply
from shothub.wire.problems import FaultModel

Name = Annotated[str, StringConstraints(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_\-]{0,47}$")]
FileName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}$")
]
JobId = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]{1,16}|#[0-9]{1,4})$")]
SourceText = Annotated[str, StringConstraints(max_length=1_000_000)]


class SourceFile(Message):
    """A Python source file of the user."""

    name: FileName
    text: SourceText


class Base64(EncoderProtocol):
    """Base64 in one or several lines; what is none is refused, not skipped."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        """Return the content.

        Raises:
            PydanticCustomError: it is not base64.
        """
        try:
            return b64decode(data.translate(None, b"\r\n"), validate=True)
        except binascii.Error as error:
            why = {"why": str(error)}
            raise PydanticCustomError("bad_base64", "Not base64: {why}", why) from None

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """Return the content as one line."""
        return b64encode(value)

    @classmethod
    def get_json_format(cls) -> Literal["base64"]:
        """Return the name of the format for schemas."""
        return "base64"


class GlobalsFile(Message):
    """A globals file: runmanager's HDF5, or JSON or TOML, told apart by its name."""

    name: FileName
    content: Annotated[
        bytes, EncodedBytes(encoder=Base64), Field(max_length=16_000_000)
    ]


class JobRequestBase(Message):
    """What every way of submitting has in common.

    Attributes:
        apparatus: name of the apparatus.
        name: free text for people.
        tags: free labels to find the job by.
        priority: orders the user's own jobs only; larger runs first.
        globals: name to plain value or scan (see domain.scans.parse_value).
        routines: the user's own lyse routines, run on each shot after the lab's.
        group: on whose allocation it runs; empty for the user's default group, ``-`` for
            none.
        service: ``normal``; ``scavenger`` runs only when nobody else waits; the others
            are for operators.
        not_before: no shot starts before this time.
        start_by: the job expires if no shot has started by this time.
        after: ids of jobs that must be done, with every shot, before one of this job
            starts; ``#0`` is the first job of the same list, ``#1`` the second, and so on.
        hold: compile it, but start nothing before it is released.
        session: id of an open session to run in.
    """

    apparatus: Slug
    name: Name = ""
    tags: Annotated[list[Name], Field(max_length=20)] = []
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    globals: dict[str, JsonValue] = {}
    routines: Annotated[list[SourceFile], Field(max_length=20)] = []
    group: Annotated[
        str, StringConstraints(pattern=r"^(-|[a-z][a-z0-9_\-]{0,47})?$")
    ] = ""
    service: Literal["safety", "calibration", "normal", "scavenger"] = "normal"
    not_before: AwareDatetime | None = None
    start_by: AwareDatetime | None = None
    after: Annotated[list[JobId], Field(max_length=20)] = []
    hold: bool = False
    session: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{0,16}$")] = ""


class ProcedureRequest(JobRequestBase):
    """A job that runs a procedure which the lab has published."""

    kind: Literal["procedure"] = "procedure"
    procedure: Slug


class ScriptRequest(JobRequestBase):
    """A job that runs the user's own labscript file.

    Attributes:
        globals: additional globals as data; they win over the file's. Besides values and
            scans an entry may be ``{"expression": "...", "units": "", "expansion": ""}``,
            in runmanager's own terms, evaluated in the sandbox.
        globals_file: globals in a file.
    """

    kind: Literal["script"] = "script"
    script: SourceFile
    globals_file: GlobalsFile | None = None


JobRequest = Annotated[ProcedureRequest | ScriptRequest, Field(discriminator="kind")]


class JobView(Reply):
    """A job as its owner sees it.

    Attributes:
        id: job id.
        rev: grows with every change; pass it as ``since`` to wait for the next one.
        source: name of the procedure or of the script without ``.py``.
        shots: number of shots, None before they are compiled.
        position: its place in the queue by the start that is foreseen: 1 is next; None
            if nothing of it waits.
        shots_ahead: shots that are foreseen to run before its next one.
        starts, ends: foreseen times of its next shot and of its last, by a replay of the
            scheduler; None if unknown.
        notice: in words, what keeps an unfinished job from going on, or what its owner
            has to decide; empty if nothing.
        faults: why the job failed, if it did.
        kept: whether its results stay however old they are.
        results_end: when they are to be deleted, once that is foreseen.
        results_deleted: when they were; the job itself stays.
    """

    id: str
    rev: int
    apparatus: str
    kind: Literal["procedure", "script"]
    source: str
    name: str
    tags: list[str]
    priority: int
    owner: str
    state: JobState
    shots: int | None = None
    shots_done: int = 0
    shots_failed: int = 0
    shots_unknown: int = 0
    group: str = ""
    service: str = "normal"
    session: str = ""
    held: bool = False
    not_before: datetime | None = None
    start_by: datetime | None = None
    after: list[str] = []
    position: int | None = None
    shots_ahead: int | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    notice: str = ""
    globals: dict[str, JsonValue] = {}
    faults: list[FaultModel] = []
    submitted: datetime
    queued: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    kept: bool = False
    results_end: datetime | None = None
    results_deleted: datetime | None = None


class KeepRequest(Message):
    """Whether the results of a job stay however old they are."""

    keep: bool = True


class JobPage(Reply):
    """Some jobs, newest first."""

    jobs: list[JobView]
    total: int
    next: str | None = None


class DryRun(Reply):
    """What a submission would do: nothing was stored.

    Attributes:
        seconds: machine time of all shots, if known.
        starts, ends: foreseen times of the first and the last shot, if known.
        warnings: what is allowed and probably not meant.
    """

    shots: int | None
    seconds: float | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    faults: list[FaultModel] = []
    warnings: list[str] = []


class ShotView(Reply):
    """One shot of a job.

    Attributes:
        decision: what was decided about its unknown outcome; empty for nothing.
        notice: in words, what its owner may or must do about it; empty for nothing.
    """

    index: int
    state: ShotState
    attempts: int = 0
    globals: dict[str, JsonValue] = {}
    duration: float | None = None
    started: datetime | None = None
    ended: datetime | None = None
    reason: str = ""
    decision: Literal["", "keep", "rerun", "give_up"] = ""
    notice: str = ""


class DecisionRequest(Message):
    """What shall become of a shot whose outcome is unknown.

    Attributes:
        choice: ``keep`` it as unknown, have it ``rerun``, or ``give_up``: it counts as
            failed.
    """

    choice: Literal["keep", "rerun", "give_up"]


class RoutineView(Reply):
    """What became of one analysis routine, on one shot or (shot None) on the job."""

    routine: str
    shot: int | None = None
    state: Literal["done", "failed"]
    reason: str = ""
    log: str = ""


class ResultTable(Reply):
    """Results of a job: one row per shot in order of index, missing shots included.

    Attributes:
        columns: path of each column: ``["tof"]`` for one of the globals,
            ``["atom_number", "atoms"]`` for what a routine saved.
        units: unit per column, empty where unknown.
        index: shot index of each row.
        states: state of each row's shot.
        rows: values, None where missing.
        multishot: what multi-shot routines saved, by routine and name.
        routines: what became of each routine.
    """

    job: str
    columns: list[list[str]]
    units: list[str] = []
    index: list[int]
    states: list[ShotState]
    rows: list[list[JsonValue]]
    multishot: dict[str, dict[str, JsonValue]] = {}
    routines: list[RoutineView] = []


FileKind = Literal["image", "preview", "figure", "array", "hdf5", "log", "source"]


class FileView(Reply):
    """One file of a job.

    Attributes:
        name: path below the job, unique in it, e.g. ``images/absorption/3.npy``.
        kind: what it is.
        label: what it shows, e.g. the name of the image or of the routine.
        shot: index of its shot, None for the job as a whole.
        size: bytes.
        sha256: hexadecimal digest of the content.
    """

    name: str
    kind: FileKind
    label: str = ""
    shot: int | None = None
    size: int
    sha256: str
    media_type: str = "application/octet-stream"


class EventView(Reply):
    """One change of a job, of a shot or of an apparatus; never edited."""

    id: int
    at: datetime
    what: str
    shot: int | None = None
    detail: str = ""
    late: bool = False


class LogView(Reply):
    """Text that the user's own code printed, by stage (``compile``, ``analyse``)."""

    stage: str
    text: str
