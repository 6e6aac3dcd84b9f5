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
        rerun: ``safe`` if a shot whose outcome is unknown may be run again by itself.
        sha256: digest of the text.
    """

    name: str
    title: str = ""
    doc: str = ""
    parameters: list[ParameterView] = []
    example: dict[str, JsonValue] = {}
    routines: list[str] = []
    multishot: list[str] = []
    rerun: Literal["never", "safe"] = "never"
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


class QueuePolicy(Reply):
    """How the lab wants its machine shared; the ``[queue]`` table of apparatus.toml.

    Attributes:
        setup_share: part of the machine time that changes between users may take.
        round_seconds: time in which every waiting user should have had a turn.
        express_credit: seconds of express per user; refilled by ``express_refill``
            seconds every 300 s.
        express_share: part of any ten minutes that express may take.
        calibration_share: part of any hour that calibration may take.
        half_life: time after which past use counts half, seconds.
        memory: largest factor by which past use changes a weight; 1 for no memory.
    """

    setup_share: float = 0.15
    round_seconds: float = 120.0
    express_credit: float = 120.0
    express_refill: float = 10.0
    express_share: float = 0.2
    calibration_share: float = 0.25
    half_life: float = 604_800.0
    memory: float = 2.0


class ReservationPolicy(Reply):
    """Who may book time, and how long turns last; ``[reservations]`` of apparatus.toml.

    Attributes:
        hours_per_week: what a user, and a group as a whole, may book from Monday to
            Monday (UTC) unless a quota says otherwise; 0: only operators book.
        longest_hours: of one reservation.
        days_ahead: how long before its begin users may book.
        session_idle: largest idle limit of a session, seconds.
        session_total: largest total limit of a session, seconds; 0: no sessions.
    """

    hours_per_week: float = 0.0
    longest_hours: float = 12.0
    days_ahead: float = 60.0
    session_idle: float = 300.0
    session_total: float = 3600.0


class Description(Reply):
    """What an agent publishes when its session opens.

    Attributes:
        connection_table: the Python source of the lab's connection table.
        connection_table_sha256: digest of the compiled table's content.
        max_shots: most shots in one job.
        accepts: kinds of jobs that this agent can run.
        hdf5_download: whether the lab's policy uploads HDF5 files to the hub.
        offline_seconds: work that may be started without the hub while the link is cut;
            0: none, every start asks the hub.
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
    queue: QueuePolicy = QueuePolicy()
    reservations: ReservationPolicy = ReservationPolicy()
    offline_seconds: float = 0.0
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
    pause_message: str = ""
    draining: bool = False
    held: str = ""
    status: ApparatusStatus = ApparatusStatus()
    last_seen: datetime | None = None
    pending_shots: int = 0
    accepts: list[str] = []
    may: list[str] = []
