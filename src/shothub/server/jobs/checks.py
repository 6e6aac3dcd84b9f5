"""Whether a request may become a job: what is wrong with it, and how many shots it makes."""

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from shothub.domain.faults import Fault
from shothub.domain.names import is_file_name
from shothub.domain.parameters import check_values
from shothub.domain.scans import BadValue, Scan, parse_value, shot_count
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import Published, published_by
from shothub.server.refusals import Forbidden
from shothub.wire.jobs import (
    JobRequestBase,
    ProcedureRequest,
    ScriptRequest,
    SourceFile,
)

MAX_GLOBALS = 1_000


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A request after its check; of use only without faults.

    Attributes:
        values: the globals, complete, as they will be compiled.
        shots: number of shots, None if only the compilation can tell.
        rerun_safe: whether a shot of unknown outcome may be run again by itself.
    """

    source: str
    values: dict[str, JsonValue] = field(default_factory=dict)
    shots: int | None = None
    procedure_sha256: str = ""
    rerun_safe: bool = False
    faults: tuple[Fault, ...] = ()


def check(
    request: JobRequestBase, apparatus: Apparatus, principal: Principal
) -> Checked:
    """Hold a request against what the apparatus publishes and the lab grants.

    Raises:
        Forbidden: the user may not submit this kind of job there.
    """
    published = published_by(apparatus)
    common = [*_routine_faults(request.routines), *_size_faults(request.globals)]
    if isinstance(request, ScriptRequest):
        if not principal.may("scripts", apparatus.name):
            raise Forbidden(
                f"The lab has not granted you scripts on {apparatus.name!r}.",
                code="scripts_not_granted",
                where="body.kind",
                hint="run one of its procedures, or ask the lab for the grant",
            )
        checked = _script(request, published)
    elif isinstance(request, ProcedureRequest):
        _require_procedure(request, published, principal)
        checked = _procedure(request, published)
    else:
        raise TypeError(f"no check for {type(request).__name__}")
    kinds = _kind_faults(request, published)
    faults = (*kinds, *common, *checked.faults)
    return checked if not faults else Checked(source=checked.source, faults=faults)


def _require_procedure(
    request: ProcedureRequest, published: Published, principal: Principal
) -> None:
    where, name = request.apparatus, request.procedure
    if name not in published.procedures or principal.may_run(name, where):
        return
    may = [each for each in published.procedures if principal.may_run(each, where)]
    raise Forbidden(
        f"The lab has not granted you the procedure {name!r} on {where!r}.",
        code="procedure_not_granted",
        where="body.procedure",
        hint=f"you may run: {', '.join(may) or 'none'}",
    )


def _kind_faults(request: JobRequestBase, published: Published) -> list[Fault]:
    kind = "script" if isinstance(request, ScriptRequest) else "procedure"
    if kind in published.description.accepts:
        return []
    return [
        Fault(
            code="kind_not_accepted",
            detail=f"The apparatus takes no {kind} jobs.",
            where="kind",
            hint=" ".join(published.description.refusals),
        )
    ]


def _procedure(request: ProcedureRequest, published: Published) -> Checked:
    known = published.procedures.get(request.procedure)
    if known is None:
        return Checked(
            source=request.procedure,
            faults=(
                Fault(
                    code="unknown_procedure",
                    detail=f"The apparatus has no procedure {request.procedure!r}.",
                    where="procedure",
                    hint=f"it has: {', '.join(published.procedures) or 'none'}",
                ),
            ),
        )
    view, parameters = known
    limit = published.description.max_shots
    values, faults = check_values(parameters, request.globals, max_shots=limit)
    if faults:
        return Checked(source=view.name, faults=tuple(faults))
    plain: dict[str, JsonValue] = {
        name: request.globals[name] if isinstance(value, Scan) else value
        for name, value in values.items()
    }
    count = shot_count(values)
    return Checked(
        source=view.name,
        values=plain,
        shots=count,
        procedure_sha256=view.sha256,
        rerun_safe=view.rerun == "safe",
    )


def _script(request: ScriptRequest, published: Published) -> Checked:
    source = request.script.name.removesuffix(".py")
    faults = _python_faults(request.script, "script.name")
    if request.globals_file and not is_file_name(request.globals_file.name):
        faults.append(_bad_name(request.globals_file.name, "globals_file.name"))
    scans: dict[str, Scan] = {}
    for name, raw in request.globals.items():
        try:
            value = _script_value(name, raw)
        except BadValue as error:
            place = f"globals.{name[:60]}"
            faults.append(Fault(code="bad_value", detail=f"{error}.", where=place))
        else:
            scans |= {name: value} if value else {}
    faults += _too_many(scans, published.description.max_shots)
    return Checked(source=source, values=dict(request.globals), faults=tuple(faults))


def _script_value(name: str, raw: JsonValue) -> Scan | None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise BadValue("the name is no Python identifier")
    if isinstance(raw, Mapping) and "expression" in raw:
        texts = set(raw) <= {"expression", "units", "expansion"}
        if not texts or not all(isinstance(text, str) for text in raw.values()):
            raise BadValue("an expression has the texts expression, units, expansion")
        return None
    value = parse_value(raw)
    return value if isinstance(value, Scan) else None


def _too_many(scans: Mapping[str, Scan], limit: int) -> list[Fault]:
    try:
        count = shot_count(scans)
    except BadValue as error:
        return [Fault(code="bad_scan", detail=f"{error}.", where="globals")]
    if count <= limit:
        return []
    text = f"The scans make {count} shots; {limit} are allowed in one job."
    return [Fault(code="too_many_shots", detail=text, where="globals")]


def _routine_faults(routines: list[SourceFile]) -> list[Fault]:
    faults, names = [], [routine.name for routine in routines]
    for i, routine in enumerate(routines):
        faults += _python_faults(routine, f"routines.{i}.name")
    if len(set(names)) != len(names):
        text = "Two routines have the same name."
        faults.append(Fault(code="duplicate_routine", detail=text, where="routines"))
    return faults


def _size_faults(values: Mapping[str, object]) -> list[Fault]:
    if len(values) <= MAX_GLOBALS:
        return []
    text = f"{len(values)} globals are given; {MAX_GLOBALS} are allowed."
    return [Fault(code="too_many_globals", detail=text, where="globals")]


def _python_faults(file: SourceFile, where: str) -> list[Fault]:
    stem = file.name.removesuffix(".py")
    if is_file_name(file.name) and is_file_name(stem) and stem != file.name:
        return []
    return [_bad_name(file.name, where)]


def _bad_name(name: str, where: str) -> Fault:
    return Fault(
        code="bad_name",
        detail=f"{name!r} is not a plain file name.",
        where=where,
        hint="a Python file ends in .py; no folders, no two dots in a row",
    )
