"""Building job requests from what users write: names, files, globals."""

import json
import tomllib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shothub.client import scans
from shothub.client.errors import Refused
from shothub.client.moments import AnyMoment, moment
from shothub.client.terms import JobTerms
from shothub.domain.faults import Fault
from shothub.runtime import clock
from shothub.wire.accounts import DeviceRequest, TokenRequest
from shothub.wire.jobs import (
    GlobalsFile,
    ProcedureRequest,
    ScriptRequest,
    SourceFile,
)
from shothub.wire.reservations import ReservationRequest, SessionRequest

AnyPath = str | PathLike[str]
M = TypeVar("M", bound=BaseModel)

_FORMATS = (".h5", ".hdf5", ".toml", ".json")


class JobOptions(JobTerms, total=False):
    """What a job is made of: see `Apparatus.run`."""

    procedure: str | None
    script: AnyPath | None
    globals: Mapping[str, object] | AnyPath | None
    globals_file: AnyPath | None
    routines: Iterable[AnyPath]
    name: str
    tags: Iterable[str]
    priority: int


def build_procedure(
    *, procedure: str, values: Mapping[str, object], **common: Any
) -> ProcedureRequest:
    """Return the request for a procedure.

    Args:
        procedure: its name.
        values: its globals, plain or scans.
        common: the other fields of wire.jobs.JobRequestBase.

    Raises:
        Refused: a value or a field is malformed.
    """
    fields = {**common, "procedure": procedure, "globals": scans.to_wire(values)}
    return _valid(ProcedureRequest, fields)


def build_script(
    *,
    script: SourceFile,
    values: Mapping[str, object],
    globals_file: GlobalsFile | None = None,
    **common: Any,
) -> ScriptRequest:
    """Return the request for the user's own script.

    Args:
        script: the script.
        values: globals that win over those of the file.
        globals_file: globals in a file.
        common: the other fields of wire.jobs.JobRequestBase.

    Raises:
        Refused: a value or a field is malformed.
    """
    fields = {
        **common,
        "script": script,
        "globals_file": globals_file,
        "globals": scans.to_wire(values),
    }
    return _valid(ScriptRequest, fields)


def build_reservation(
    apparatus: str,
    span: tuple[AnyMoment, AnyMoment | None, float | None],
    *,
    group: str = "",
    maintenance: bool = False,
    title: str = "",
) -> ReservationRequest:
    """Return the request for booked time; ``span`` is start, and end or hours.

    Raises:
        Refused: it has both an end and a length, or neither.
    """
    start, end, hours = span
    if (end is None) == (hours is None):
        raise _refused("which_end", "Give either hours or end.", "end")
    now = clock.now()
    starts = moment(start, now=now)
    ends = (
        starts + timedelta(hours=hours or 0.0)
        if end is None
        else moment(end, now=now, where="end")
    )
    kind = "maintenance" if maintenance else "group" if group else "exclusive"
    fields = {
        "apparatus": apparatus,
        "starts": starts,
        "ends": ends,
        "kind": kind,
        "group": group,
        "title": title,
    }
    return _valid(ReservationRequest, fields)


def build_session(
    apparatus: str, *, minutes: float, idle: float, group: str
) -> SessionRequest:
    """Return the request for a session.

    Raises:
        Refused: a limit is out of all bounds.
    """
    fields = {
        "apparatus": apparatus,
        "group": group,
        "idle_seconds": idle,
        "total_seconds": minutes * 60.0,
    }
    return _valid(SessionRequest, fields)


def read_source(path: AnyPath) -> SourceFile:
    """Read a Python source file of the user.

    Raises:
        Refused: it is not there, no text, too long, or has an unfit name.
    """
    file = Path(path)
    content = _content(file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        detail = "It is no text in UTF-8."
        raise _refused("bad_source", detail, str(file)) from None
    return _valid(SourceFile, {"name": file.name, "text": text}, where=str(file))


def read_globals_file(path: AnyPath) -> GlobalsFile:
    """Read a globals file as it is; the hub's sandbox reads what is in it.

    Raises:
        Refused: it is not there, or of no known format.
    """
    file = Path(path)
    if file.suffix.lower() not in _FORMATS:
        detail = "Globals come in runmanager's .h5, or in .toml or .json."
        raise _refused("bad_globals_file", detail, str(file))
    fields = {"name": file.name, "content": b64encode(_content(file))}
    return _valid(GlobalsFile, fields, where=str(file))


def read_globals_table(path: AnyPath) -> dict[str, object]:
    """Return the globals of a .toml or .json file as values.

    Raises:
        Refused: it is not there, or no table of globals.
    """
    file = Path(path)
    if file.suffix.lower() in {".h5", ".hdf5"}:
        raise _refused(
            "bad_globals_file",
            "A procedure takes plain values and scans, not a file of runmanager.",
            str(file),
            "write them as TOML or JSON, or submit a script",
        )
    try:
        text = _content(file).decode()
        data = (
            tomllib.loads(text) if file.suffix.lower() == ".toml" else json.loads(text)
        )
    except ValueError as error:
        detail = f"It cannot be read: {error}."
        raise _refused("bad_globals_file", detail, str(file)) from error
    if not isinstance(data, dict):
        detail = "It must hold a table of names and values."
        raise _refused("bad_globals_file", detail, str(file))
    return data


def read_routines(paths: Iterable[AnyPath]) -> list[SourceFile]:
    """Read the user's own lyse routines."""
    return [read_source(path) for path in paths]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        detail = f"It cannot be read: {error.strerror}."
        raise _refused("no_file", detail, str(file)) from error


def build_token(**fields: object) -> TokenRequest:
    """Return the request for a token.

    Raises:
        Refused: a field is malformed.
    """
    return _valid(TokenRequest, fields)


def build_login(**fields: object) -> DeviceRequest:
    """Return the request to be let in at the browser.

    Raises:
        Refused: a field is malformed.
    """
    return _valid(DeviceRequest, fields)


def _refused(code: str, detail: str, where: str, hint: str = "") -> Refused:
    return Refused(Fault(code=code, detail=detail, where=where, hint=hint))


def _valid(model: type[M], fields: Mapping[str, object], where: str = "") -> M:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise Refused(*(_fault(item, where) for item in error.errors())) from None


def _fault(item: Any, where: str) -> Fault:
    place = ".".join(str(part) for part in item["loc"])
    hint = ""
    if item["type"] == "string_pattern_mismatch" and place == "name":
        hint = "use letters, digits, _ - and . only"
    return Fault(
        code="bad_field",
        detail=f"{item['msg']}.",
        where=f"{where}: {place}" if where else place,
        hint=hint,
    )
