"""The form of apparatus.toml: strict, so that a mistyped key is found and not ignored."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_\-]{0,47}$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Section(BaseModel):
    """A table of apparatus.toml: unknown keys are refused, types are not bent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Storage(Section):
    """Where shots and the agent's own state lie, relative to the folder.

    Attributes:
        shots: root of the shot files.
        state: what the agent and the suite write for themselves.
        hdf5_download: whether users may download shot files.
        minimum_free_bytes: below this much free disk nothing is compiled or started.
    """

    shots: str = "shots"
    state: str = "state"
    hdf5_download: bool = False
    minimum_free_bytes: Annotated[int, Field(ge=0)] = 500_000_000


class Accept(Section):
    """Which kinds of jobs the lab takes."""

    kinds: tuple[Literal["procedure", "script"], ...] = Field(
        default=("procedure", "script"), strict=False
    )


class Routines(Section):
    """Routines of the lab that run on script jobs, by name in ``routines/``."""

    single: tuple[str, ...] = Field(default=(), strict=False)
    multi: tuple[str, ...] = Field(default=(), strict=False)


class OutputBounds(Section):
    """Bounds of one output, in ``unit``; see domain.limits.OutputLimit."""

    min: Finite | None = None
    max: Finite | None = None
    max_slew: Positive | None = None
    final: Finite | None = None
    unit: str = ""


class Limits(Section):
    """Bounds of one shot: seconds, rows, and by output."""

    max_duration: Positive = 60.0
    max_instructions: Annotated[int, Field(gt=0)] = 100_000
    outputs: dict[str, OutputBounds] = {}


class Labscript(Section):
    """The labscript suite at this apparatus.

    Attributes:
        profile: a ``labscript-suite`` folder; empty for one of shothub's own making.
    """

    profile: str = ""


class DeviceOrder(Section):
    """In which order BLACS programs a device and takes it back to manual."""

    start: int = 0
    stop: int = 0


class Sandbox(Section):
    """What one compilation, and one analysis of a shot or job, may use.

    Attributes:
        seconds: by the clock; three quarters of them of processor time.
        routine_seconds: by the clock, for each routine of an analysis.
        memory: bytes.
    """

    seconds: Annotated[float, Field(ge=1, le=3600)] = 60.0
    routine_seconds: Annotated[float, Field(ge=1, le=3600)] = 30.0
    memory: Annotated[int, Field(ge=100_000_000)] = 1_600_000_000


class Queue(Section):
    """How users share the machine; see wire.apparatus.QueuePolicy."""

    setup_share: Annotated[float, Field(gt=0, le=0.9)] = 0.15
    round_seconds: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    express_credit: Annotated[float, Field(ge=0, le=3600)] = 120.0
    express_refill: Annotated[float, Field(ge=0, le=300)] = 10.0
    express_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    calibration_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    half_life: Annotated[float, Field(ge=3600, le=31_536_000)] = 604_800.0
    memory: Annotated[float, Field(ge=1, le=100)] = 2.0


class Link(Section):
    """How the machine depends on the line to the hub.

    Attributes:
        offline_seconds: work that may be started without the hub while it cannot be
            reached; 0: none, every start asks the hub.
    """

    offline_seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0


class Reservations(Section):
    """Who may book time, and how long turns last; see wire.apparatus.ReservationPolicy."""

    hours_per_week: Annotated[float, Field(ge=0, le=168)] = 0.0
    longest_hours: Annotated[float, Field(gt=0, le=744)] = 12.0
    days_ahead: Annotated[float, Field(gt=0, le=366)] = 60.0
    session_idle: Annotated[float, Field(ge=1, le=3600)] = 300.0
    session_total: Annotated[float, Field(ge=0, le=86_400)] = 3600.0


class ApparatusConfig(Section):
    """All of apparatus.toml."""

    name: Slug
    title: str = ""
    doc: str = ""
    max_shots: Annotated[int, Field(gt=0, le=100_000)] = 1_000
    storage: Storage = Storage()
    accept: Accept = Accept()
    routines: Routines = Routines()
    limits: Limits = Limits()
    sandbox: Sandbox = Sandbox()
    labscript: Labscript = Labscript()
    orders: dict[str, DeviceOrder] = {}
    reservations: Reservations = Reservations()
    queue: Queue = Queue()
    link: Link = Link()
