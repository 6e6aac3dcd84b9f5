"""Procedures as their files declare them: read as text, never executed."""

import ast
import builtins
import hashlib
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from shothub.agent.sources import BadSource, literal, parse_file
from shothub.domain.faults import Fault
from shothub.domain.names import is_slug
from shothub.domain.parameters import Kind, Parameter, check_values
from shothub.domain.scans import Scalar

Rerun = Literal["never", "safe"]
"""Whether a shot whose outcome is unknown may be run again by itself."""

DECLARATIONS = ("GLOBALS", "EXAMPLE", "ROUTINES", "MULTISHOT", "RERUN")


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """A labscript that the lab has published.

    Attributes:
        name: of its file, without ``.py``.
        title: first line of its docstring.
        doc: the rest of its docstring.
        parameters: its globals.
        example: globals of an example job.
        routines: single-shot routines, by name.
        multishot: multi-shot routines, by name.
        rerun: whether a shot of unknown outcome may be run again by itself.
        source: its text.
        sha256: digest of the text, hexadecimal.
    """

    name: str
    title: str
    doc: str
    parameters: tuple[Parameter, ...] = ()
    example: Mapping[str, JsonValue] = field(default_factory=dict)
    routines: tuple[str, ...] = ()
    multishot: tuple[str, ...] = ()
    rerun: Rerun = "never"
    source: str
    sha256: str


class _Declared(BaseModel):
    """One entry of GLOBALS."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: Kind
    default: bool | int | float | str
    unit: str = ""
    min: float | None = None
    max: float | None = None
    choices: tuple[bool | int | float | str, ...] = Field(default=(), strict=False)
    doc: str = ""


def read_procedure(path: Path, *, max_shots: int = 100_000) -> Procedure | list[Fault]:
    """Read a procedure's declarations from its text.

    Args:
        path: of the file in ``procedures/``.
        max_shots: most shots in one job, which the example must keep.

    Returns:
        The procedure, or all that is wrong with it, by file and line.
    """
    try:
        text, module = parse_file(path)
        declared, lines = _declarations(path, module)
    except BadSource as error:
        return [error.fault]
    faults = [] if is_slug(path.stem) else [_bad_name(path)]
    parameters: list[Parameter] = []
    for name, entry in _mapping(declared, "GLOBALS", path, lines, faults).items():
        made = _parameter(name, entry, _place(path, lines, "GLOBALS", name))
        parameters += [made] if isinstance(made, Parameter) else []
        faults += [] if isinstance(made, Parameter) else made
    example = _mapping(declared, "EXAMPLE", path, lines, faults)
    if not faults:
        faults = _example_faults(path, lines, parameters, example, max_shots)
    routines = _names(declared, "ROUTINES", path, lines, faults)
    multishot = _names(declared, "MULTISHOT", path, lines, faults)
    rerun = _rerun(declared, path, lines, faults)
    if faults:
        return faults
    title, _, doc = (ast.get_docstring(module) or path.stem).partition("\n")
    return Procedure(
        name=path.stem,
        title=title.strip(),
        doc=doc.strip(),
        parameters=tuple(parameters),
        example=example,
        routines=routines,
        multishot=multishot,
        rerun=rerun,
        source=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


Lines = dict[tuple[str, ...], int]


def _declarations(path: Path, module: ast.Module) -> tuple[dict[str, Any], Lines]:
    declared: dict[str, Any] = {}
    lines: Lines = {}
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name in DECLARATIONS:
            declared[name] = literal(path, name, value)
            lines[(name,)] = value.lineno
            if isinstance(value, ast.Dict):
                lines |= _entry_lines(name, value)
    return declared, lines


def _entry_lines(name: str, value: ast.Dict) -> Lines:
    return {
        (name, key.value): key.lineno
        for key in value.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _place(path: Path, lines: Lines, *keys: str) -> str:
    line = lines.get(keys) or lines.get(keys[:1])
    return f"{path.parent.name}/{path.name}{f':{line}' if line else ''}"


def _mapping(
    declared: Mapping[str, Any],
    name: str,
    path: Path,
    lines: Lines,
    faults: list[Fault],
) -> dict[str, Any]:
    value = declared.get(name, {})
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return value
    faults.append(
        Fault(
            code="bad_procedure",
            detail=f"{name} must be a dictionary with names as keys.",
            where=_place(path, lines, name),
        )
    )
    return {}


def _names(
    declared: Mapping[str, Any],
    name: str,
    path: Path,
    lines: Lines,
    faults: list[Fault],
) -> tuple[str, ...]:
    value = declared.get(name, [])
    if isinstance(value, list | tuple) and all(
        isinstance(entry, str) for entry in value
    ):
        return tuple(value)
    faults.append(
        Fault(
            code="bad_procedure",
            detail=f"{name} must be a list of names of routines.",
            where=_place(path, lines, name),
            hint=f'{name} = ["atom_number"]',
        )
    )
    return ()


def _rerun(
    declared: Mapping[str, Any], path: Path, lines: Lines, faults: list[Fault]
) -> Rerun:
    value = declared.get("RERUN", "never")
    for known in get_args(Rerun):
        if value == known:
            return known  # type: ignore[no-any-return]
    faults.append(
        Fault(
            code="bad_procedure",
            detail=f"RERUN is {value!r}: it must be 'never' or 'safe'.",
            where=_place(path, lines, "RERUN"),
            hint='RERUN = "safe" where a second run of a shot that may have run does no'
            " harm; leave it out otherwise",
        )
    )
    return "never"


def _parameter(name: str, entry: Any, where: str) -> Parameter | list[Fault]:
    if not name.isidentifier() or keyword.iskeyword(name) or hasattr(builtins, name):
        return [
            _bad_global(name, "this cannot be the name of one of the globals", where)
        ]
    try:
        declared = _Declared.model_validate(entry)
    except ValidationError as error:
        return [_bad_global(name, _said(details), where) for details in error.errors()]
    parameter = Parameter(
        name=name,
        type=declared.type,
        default=_as_type(declared.type, declared.default),
        unit=declared.unit,
        minimum=declared.min,
        maximum=declared.max,
        choices=declared.choices,
        doc=declared.doc,
    )
    if (
        declared.min is not None
        and declared.max is not None
        and declared.min > declared.max
    ):
        return [_bad_global(name, "min is larger than max", where)]
    _, faults = check_values([parameter], {name: parameter.default}, max_shots=1)
    return [
        _bad_global(name, f"default: {fault.detail}", where) for fault in faults
    ] or parameter


def _as_type(kind: Kind, value: Scalar) -> Scalar:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if kind == "float" and whole else value


def _said(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"][:1])
    return f"{key}: {error['msg'].lower()}" if key else str(error["msg"]).lower()


def _example_faults(
    path: Path,
    lines: Lines,
    parameters: Sequence[Parameter],
    example: Mapping[str, Any],
    max_shots: int,
) -> list[Fault]:
    _, faults = check_values(parameters, example, max_shots=max_shots)
    return [
        Fault(
            code="bad_example",
            detail=f"EXAMPLE does not fit GLOBALS: {fault.detail}",
            where=_place(path, lines, "EXAMPLE", fault.where.removeprefix("globals.")),
            hint=fault.hint,
        )
        for fault in faults
    ]


def _bad_global(name: str, detail: str, where: str) -> Fault:
    return Fault(
        code="bad_global",
        detail=f"GLOBALS[{name!r}]: {detail.rstrip('.')}.",
        where=where,
        hint='e.g. {"type": "float", "default": 0.01, "unit": "s", "min": 0, "max": 1}',
    )


def _bad_name(path: Path) -> Fault:
    return Fault(
        code="bad_name",
        detail=f"{path.stem!r} cannot name a procedure.",
        where=f"{path.parent.name}/{path.name}",
        hint="lower-case letters, digits, _ and -, a letter first",
    )
