"""What an agent publishes about its apparatus, and how users see it."""

from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from shothub.wire.base import Reply


class ParameterView(Reply):
    """One of the globals of a procedure; the wire form of domain.parameters.Parameter."""

    name: str
    type: Literal["float", "int", "bool", "str"]
    default: bool | int | float | str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: list[bool | int | float | str] = []
    doc: str = ""


class ProcedureView(Reply):
    """A procedure that the lab has published.

    Attributes:
        name: module name in ``procedures/``.
        title: first line of its docstring.
        doc: the rest of its docstring.
        example: globals of an example job.
        source: its text.
        sha256: digest of the text.
    """

    name: str
    title: str = ""
    doc: str = ""
    parameters: list[ParameterView] = []
    example: dict[str, JsonValue] = {}
    routines: list[str] = []
    multishot: list[str] = []
    source: str = ""
    sha256: str = ""


class ApiFunction(Reply):
    """A function of the lab's API (labscriptlib) as users see it."""

    module: str
    name: str
    signature: str
    doc: str = ""


class OutputView(Reply):
    """One output of the connection table with the lab's limits on it."""

    name: str
    device: str
    connection: str
    type: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None


class Description(Reply):
    """What an agent publishes when its session opens.

    Attributes:
        connection_table: the Python source of the lab's connection table.
        connection_table_sha256: digest of the compiled table's content.
        max_shots: most shots in one job.
        accepts: kinds of jobs that this agent can run.
        hdf5_download: whether the lab's policy uploads HDF5 files to the hub.
        refusals: why a kind of job is not accepted, in words.
    """

    title: str = ""
    doc: str = ""
    procedures: list[ProcedureView] = []
    api: list[ApiFunction] = []
    outputs: list[OutputView] = []
    connection_table: str = ""
    connection_table_sha256: str = ""
    max_shots: int = 1000
    max_duration: float = 60.0
    accepts: list[Literal["procedure", "script"]] = ["procedure", "script"]
    refusals: list[str] = []
    hdf5_download: bool = False
    software: dict[str, str] = {}


class ApparatusStatus(Reply):
    """What the agent says of the machine, every few seconds.

    Attributes:
        blacs: ``idle``, ``running``, ``paused``, ``error`` or ``absent``.
        message: in words, for people.
        hold: why nothing starts, empty if nothing holds.
    """

    blacs: Literal["idle", "running", "paused", "error", "absent"] = "absent"
    message: str = ""
    hold: str = ""
    disk_free: int | None = None


class ApparatusView(Reply):
    """An apparatus as a user sees it."""

    name: str
    title: str = ""
    doc: str = ""
    online: bool = False
    paused: bool = False
    status: ApparatusStatus = ApparatusStatus()
    last_seen: datetime | None = None
    pending_shots: int = 0
    accepts: list[str] = []
    may: list[str] = []


class QueueEntry(Reply):
    """One waiting or running job in the queue of an apparatus.

    Attributes:
        job: its id if it is the reader's own, else None.
        owner: key of its owner.
    """

    job: str | None = None
    owner: str
    source: str
    state: str
    shots_left: int
    mine: bool = False
