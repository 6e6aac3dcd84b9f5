"""An apparatus folder, read and checked as a whole before anything starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shothub.agent.config import ApparatusConfig
from shothub.agent.config_faults import FILE, line_of, parse_config
from shothub.agent.procedures import Procedure, read_procedure
from shothub.agent.sources import BadSource, api_functions, parse_file
from shothub.domain.faults import Fault
from shothub.domain.limits import OutputLimit, ShotLimits
from shothub.domain.names import is_file_name
from shothub.shots.lab import Orders
from shothub.wire.apparatus import ApiFunction


@dataclass(frozen=True, kw_only=True)
class ApparatusFolder:
    """What the lab keeps about one apparatus.

    Attributes:
        path: the folder, absolute.
        config: apparatus.toml.
        connection_table: text of connection_table.py.
        procedures: by name.
        routines: text of each file in ``routines/``, by name without ``.py``.
        api: functions of ``labscriptlib``, as its text says.
    """

    path: Path
    config: ApparatusConfig
    connection_table: str
    procedures: Mapping[str, Procedure]
    routines: Mapping[str, str]
    api: Sequence[ApiFunction]

    @property
    def shots(self) -> Path:
        """Root of the shot files."""
        return self.path / self.config.storage.shots

    @property
    def state(self) -> Path:
        """What the agent and the suite write for themselves."""
        return self.path / self.config.storage.state

    @property
    def profile(self) -> Path:
        """The home that the suite's processes see; it holds ``labscript-suite``."""
        given = self.config.labscript.profile
        if not given:
            return self.state / "profile"
        suite = (self.path / Path(given).expanduser()).resolve()
        return suite.parent if suite.name == "labscript-suite" else suite

    @property
    def connection_table_py(self) -> Path:
        """Source of the connection table."""
        return self.path / "connection_table.py"

    @property
    def connection_table_h5(self) -> Path:
        """The compiled connection table."""
        return self.state / "connection_table.h5"

    @property
    def labscriptlib(self) -> Path | None:
        """The lab's API package, if it has one."""
        return _folder(self.path / "labscriptlib")

    @property
    def user_devices(self) -> tuple[Path, ...]:
        """Folders of the lab's own device classes, each with a ``register_classes.py``."""
        registers = (self.path / "user_devices").glob("*/register_classes.py")
        return tuple(sorted(register.parent for register in registers))

    @property
    def pythonlib(self) -> tuple[Path, ...]:
        """Further folders that the lab's code imports from."""
        return tuple(filter(Path.is_dir, (self.path / "pythonlib",)))

    @property
    def limits(self) -> ShotLimits:
        """The bounds of one shot."""
        limits = self.config.limits
        return ShotLimits(
            max_duration=limits.max_duration,
            max_instructions=limits.max_instructions,
            outputs={
                name: OutputLimit(
                    minimum=o.min, maximum=o.max, max_slew=o.max_slew, final=o.final
                )
                for name, o in limits.outputs.items()
            },
        )

    @property
    def orders(self) -> dict[str, Orders]:
        """In which order BLACS handles the devices, by name of device."""
        return {
            name: Orders(start=order.start, stop=order.stop)
            for name, order in self.config.orders.items()
        }

    @property
    def units(self) -> dict[str, str]:
        """Units of outputs that are not in volts, by name of output."""
        return {
            name: o.unit for name, o in self.config.limits.outputs.items() if o.unit
        }


def load(folder: Path) -> ApparatusFolder | list[Fault]:
    """Read an apparatus folder, or say everything that is wrong with it."""
    folder = folder.resolve()
    config = _config(folder)
    if isinstance(config, list):
        return config
    faults = _bound_faults(folder, config)
    table = _source(folder / "connection_table.py", faults)
    routines = _routines(folder / "routines", faults)
    procedures = _procedures(folder / "procedures", config.max_shots, faults)
    api, broken = api_functions(folder / "labscriptlib")
    faults += broken
    faults += _missing_routines(config, procedures, routines)
    if faults:
        return faults
    return ApparatusFolder(
        path=folder,
        config=config,
        connection_table=table,
        procedures=procedures,
        routines=routines,
        api=api,
    )


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def _config(folder: Path) -> ApparatusConfig | list[Fault]:
    try:
        return parse_config((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return [
            Fault(
                code="no_apparatus",
                detail=f"{folder} is no apparatus folder: {FILE} cannot be read: {error}.",
                where=FILE,
                hint="shothub apparatus init makes one from a labscript profile",
            )
        ]


def _bound_faults(folder: Path, config: ApparatusConfig) -> list[Fault]:
    text = (folder / FILE).read_text(encoding="utf-8")
    return [
        Fault(
            code="bad_config",
            detail=f"limits.outputs.{name}: min is larger than max.",
            where=f"{FILE}:{line_of(text, ['limits', 'outputs', name]) or 1}",
        )
        for name, o in config.limits.outputs.items()
        if o.min is not None and o.max is not None and o.min > o.max
    ]


def _source(path: Path, faults: list[Fault]) -> str:
    try:
        return parse_file(path)[0]
    except BadSource as error:
        faults.append(error.fault)
        return ""


def _routines(folder: Path, faults: list[Fault]) -> dict[str, str]:
    paths = sorted(folder.glob("*.py"))
    faults += [_odd_name(path) for path in paths if not is_file_name(path.name)]
    return {path.stem: _source(path, faults) for path in paths}


def _odd_name(path: Path) -> Fault:
    return Fault(
        code="bad_name",
        detail=f"{path.name!r} is no plain file name.",
        where=f"{path.parent.name}/{path.name}",
        hint="letters, digits, _, - and . only",
    )


def _procedures(
    folder: Path, max_shots: int, faults: list[Fault]
) -> dict[str, Procedure]:
    procedures = {}
    for path in sorted(folder.glob("*.py")):
        read = read_procedure(path, max_shots=max_shots)
        if isinstance(read, Procedure):
            procedures[read.name] = read
        else:
            faults += read
    return procedures


def _missing_routines(
    config: ApparatusConfig,
    procedures: Mapping[str, Procedure],
    routines: Mapping[str, str],
) -> list[Fault]:
    wanted = {
        (name, f"{FILE} [routines]")
        for name in config.routines.single + config.routines.multi
    }
    for procedure in procedures.values():
        place = f"procedures/{procedure.name}.py"
        wanted |= {(name, place) for name in procedure.routines + procedure.multishot}
    return [
        Fault(
            code="no_such_routine",
            detail=f"There is no routine {name!r}.",
            where=where,
            hint=f"routines/ has: {', '.join(routines) or 'none'}",
        )
        for name, where in sorted(wanted)
        if name not in routines
    ]
