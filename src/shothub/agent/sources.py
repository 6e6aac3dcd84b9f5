"""Python files of the lab, read as text and syntax tree; nothing of them is executed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shothub.domain.faults import Fault
from shothub.wire.apparatus import ApiFunction


class BadSource(Exception):
    """A Python file of the lab cannot be read, or is no Python."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def parse_file(path: Path) -> tuple[str, ast.Module]:
    """Return a file's text and its syntax tree.

    Raises:
        BadSource: it cannot be read, is not UTF-8, or is no Python.
    """
    place = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        return text, ast.parse(text, filename=path.name)
    except (OSError, UnicodeDecodeError) as error:
        fault = Fault(
            code="unreadable", detail=f"The file cannot be read: {error}.", where=place
        )
        raise BadSource(fault) from error
    except (SyntaxError, ValueError) as error:
        raise BadSource(_no_python(place, error)) from error


def _no_python(place: str, error: SyntaxError | ValueError) -> Fault:
    line = getattr(error, "lineno", None)
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return Fault(
        code="syntax_error",
        detail=f"This is no Python: {message}.",
        where=f"{place}:{line}" if line else place,
    )


def literal(path: Path, name: str, value: ast.expr) -> Any:
    """Return the value of a declaration that is written out.

    Raises:
        BadSource: it would have to be computed.
    """
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError) as error:
        fault = Fault(
            code="not_literal",
            detail=f"{name} must be written out: it is read without executing the file.",
            where=f"{path.parent.name}/{path.name}:{_line(str(error), value.lineno)}",
            hint="numbers, texts, lists and dictionaries only; no names, no arithmetic",
        )
        raise BadSource(fault) from error


def _line(message: str, otherwise: int) -> str:
    """Return the line that Python names in its message about a node."""
    found = re.search(r"on line (\d+)", message)
    return found[1] if found else str(otherwise)


def api_functions(package: Path) -> tuple[list[ApiFunction], list[Fault]]:
    """Return the public functions and classes of the lab's API, and what is unreadable.

    Args:
        package: the folder ``labscriptlib``.
    """
    found: list[ApiFunction] = []
    faults: list[Fault] = []
    for path in sorted(package.rglob("*.py")):
        try:
            _, module = parse_file(path)
        except BadSource as error:
            faults.append(error.fault)
        else:
            found += _public(_module_name(package, path), module)
    return found, faults


def _module_name(package: Path, path: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    inner = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join((package.name, *inner))


def _public(module: str, tree: ast.Module) -> Iterator[ApiFunction]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) if not name.startswith("_"):
                yield _described(module, node, node)
            case ast.ClassDef(name=name) if not name.startswith("_"):
                makers = (n for n in node.body if isinstance(n, ast.FunctionDef))
                maker = next((m for m in makers if m.name == "__init__"), None)
                yield _described(module, node, maker)
            case _:
                continue


def _described(
    module: str, node: ast.FunctionDef | ast.ClassDef, called: ast.FunctionDef | None
) -> ApiFunction:
    return ApiFunction(
        module=module,
        name=node.name,
        signature=_signature(called) if called else "()",
        doc=ast.get_docstring(node) or "",
    )


def _signature(function: ast.FunctionDef) -> str:
    arguments = ast.unparse(function.args)
    if function.name == "__init__":
        return f"({arguments.partition(',')[2].strip()})"
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"({arguments}){returns}"
