"""Make an apparatus folder from an existing labscript profile."""

import ast
import configparser
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shothub.agent.sources import BadSource, parse_file
from shothub.domain.faults import Fault

_OUTPUT_CLASSES = frozenset({"AnalogOut", "DigitalOut", "Shutter", "StaticAnalogOut"})
_NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc", "*.key", "*.h5", ".*")


@dataclass(frozen=True, kw_only=True)
class Initialised:
    """An apparatus folder just made.

    Attributes:
        folder: where it is.
        name: of the apparatus.
        files: what was written, relative to the folder.
    """

    folder: Path
    name: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Profile:
    """What the labconfig of a profile says that an apparatus folder needs."""

    suite: Path
    apparatus_name: str
    connection_table: Path
    userlib: Path
    pythonlib: Path


def init_folder(target: Path, profile: Path) -> Initialised | list[Fault]:
    """Make the apparatus folder ``target`` from a labscript profile.

    Args:
        target: a folder that does not exist yet, or is empty.
        profile: the ``labscript-suite`` folder that ``labscript-profile-create`` made; it
            is only read.

    Returns:
        What was made, or what is in the way.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        return [
            _fault(
                "not_empty", f"{target} is there and not empty.", "choose a new folder"
            )
        ]
    try:
        found = _read_profile(profile)
        table, _ = parse_file(found.connection_table)
    except _NoProfile as error:
        return [error.fault]
    except BadSource as error:
        return [error.fault]
    target.mkdir(parents=True, exist_ok=True)
    _copy_sources(found, target)
    (target / "connection_table.py").write_text(table, encoding="utf-8")
    for folder in ("procedures", "routines"):
        (target / folder).mkdir()
    name = _slug(found.apparatus_name)
    (target / "apparatus.toml").write_text(_toml(name, found, target), encoding="utf-8")
    (target / ".gitignore").write_text(
        "/state/\n/shots/\n__pycache__/\n", encoding="utf-8"
    )
    files = sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file())
    return Initialised(folder=target, name=name, files=tuple(files))


class _NoProfile(Exception):
    """The folder is no labscript profile that can be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def _fault(code: str, detail: str, hint: str, where: str = "") -> Fault:
    return Fault(code=code, detail=detail, hint=hint, where=where)


def _read_profile(profile: Path) -> _Profile:
    suite = profile.expanduser().resolve()
    if not (suite / "labconfig").is_dir() and (suite / "labscript-suite").is_dir():
        suite = suite / "labscript-suite"
    labconfig = _labconfig(suite)
    config = configparser.ConfigParser(defaults={"labscript_suite": str(suite)})
    try:
        config.read(labconfig, encoding="utf-8")
        return _Profile(
            suite=suite,
            apparatus_name=config.get("DEFAULT", "apparatus_name"),
            connection_table=_path(config.get("paths", "connection_table_py")),
            userlib=_path(config.get("DEFAULT", "userlib")),
            pythonlib=_path(config.get("DEFAULT", "pythonlib")),
        )
    except (configparser.Error, UnicodeDecodeError) as error:
        raise _NoProfile(
            _fault(
                "bad_labconfig",
                f"The labconfig cannot be read: {error}.",
                "apparatus_name, userlib, pythonlib and [paths] connection_table_py must be there",
                labconfig.name,
            )
        ) from error


def _path(value: str) -> Path:
    # Profiles made on Windows and moved here keep their separators.
    return Path(
        os.path.expandvars(value if os.sep == "\\" else value.replace("\\", "/"))
    )


def _labconfig(suite: Path) -> Path:
    """Return the labconfig of this host, or else the only one that is there."""
    files = [f for f in (suite / "labconfig").glob("*.ini") if f.name != "example.ini"]
    own = suite / "labconfig" / f"{socket.gethostname()}.ini"
    if own in files or len(files) == 1:
        return own if own in files else files[0]
    raise _NoProfile(
        _fault(
            "no_profile",
            f"{suite} has no labconfig of this host ({own.name}).",
            "give the labscript-suite folder that labscript-profile-create made",
        )
    )


def _copy_sources(found: _Profile, target: Path) -> None:
    package = found.userlib / "labscriptlib"
    if package.is_dir():
        shutil.copytree(package, target / "labscriptlib", ignore=_NOT_SOURCE)
        (target / "labscriptlib" / "__init__.py").touch()
    devices = found.userlib / "user_devices"
    for source, name in ((devices, "user_devices"), (found.pythonlib, "pythonlib")):
        if source.is_dir() and any(source.rglob("*.py")):
            shutil.copytree(source, target / name, ignore=_NOT_SOURCE)


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9_\-]+", "_", name.lower()).strip("_-")
    return slug[:48] if slug[:1].isalpha() else f"apparatus_{slug}"[:48].rstrip("_")


def outputs_in(table: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield name and class of each output that a connection table makes by a plain call."""
    for node in ast.walk(table):
        match node:
            case ast.Call(func=ast.Name(id=kind), keywords=keywords, args=arguments):
                named = [k.value for k in keywords if k.arg == "name"] or arguments[:1]
            case _:
                continue
        match kind in _OUTPUT_CLASSES, named:
            case True, [ast.Constant(value=str() as name), *_]:
                yield name, kind


def _toml(name: str, found: _Profile, target: Path) -> str:
    _, table = parse_file(target / "connection_table.py")
    analog = [
        output for output, kind in outputs_in(table) if kind.endswith("AnalogOut")
    ]
    limits = "\n".join(map(_limit, analog)) or _limit("coil_current")
    return _TEMPLATE.format(
        name=name,
        title=json.dumps(found.apparatus_name),
        suite=found.suite,
        limits=limits,
    )


def _limit(output: str) -> str:
    return f"""# [limits.outputs.{output}]
# min = 0.0
# max = 10.0
# max_slew = 1e4        # per second
# final = 0.0           # the only value with which a shot may leave it
# unit = "V"
"""


_TEMPLATE = """\
# What shothub must know of this apparatus. Keep this folder under version control.
# `shothub apparatus check` says what is wrong with it.

name = "{name}"
title = {title}
doc = ""
max_shots = 1000                  # most shots in one job

[storage]                         # relative to this folder, or absolute
shots = "shots"                   # <user>/<procedure or script>/<year>/<month>/<day>/<job>
state = "state"                   # what shothub and the suite write for themselves
hdf5_download = false             # whether users may download shot files
minimum_free_bytes = 500_000_000

[accept]
kinds = ["procedure", "script"]   # scripts are the users' own labscripts, compiled in a sandbox

[routines]                        # names in routines/ that run on script jobs
single = []
multi = []

[labscript]
# The suite runs here with a profile of its own, made from this folder, beside the profile
# {suite!s}
# from which this folder was made. To run it with that one instead:
# profile = '{suite!s}'

[limits]
max_duration = 60.0               # seconds
max_instructions = 100_000        # rows of the longest table

# Bounds of outputs, in their unit. Without a section an output may do anything that its
# device can: begin with those that can do harm.
{limits}
# In which order BLACS programs a device and takes it back to manual:
# [orders.camera]
# start = 0
# stop = 0
"""
