"""What the command line prints: answers to stdout, all else to stderr; the only printer."""

import json
import sys
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, JsonValue, TypeAdapter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shothub.domain.faults import Fault

_WIDEST = 10_000
_ANY: TypeAdapter[object] = TypeAdapter(object)


def document(answer: object) -> None:
    """Print one JSON document: models, lists and plain values."""
    print(_ANY.dump_json(answer, indent=2).decode())


def json_line(answer: BaseModel) -> None:
    """Print one JSON document in one line, at once, as part of a stream."""
    print(answer.model_dump_json(), flush=True)


def text(line: str) -> None:
    """Print text as it is."""
    print(line)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, cells as they are; never cut when stdout is no terminal."""
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console.width = _WIDEST
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        grid.add_column(head, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(_cell(value)) for value in row))
    console.print(grid)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | dict):
        return json.dumps(value)
    return str(value)


def pairs(entries: Iterable[tuple[str, object]]) -> None:
    """Print names and values, leaving out those without a value."""
    console = Console(soft_wrap=True)
    shown = [(name, value) for name, value in entries if value not in (None, "", [])]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        console.print(
            Text.assemble((name.ljust(width + 2), "bold"), _cell(value)),
            highlight=False,
        )


def note(line: str) -> None:
    """Tell the person at the terminal something that is no answer."""
    Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)


def faults(found: Iterable[Fault], *, warning: bool = False) -> None:
    """Tell what is wrong, where, and what to do about it."""
    console = Console(stderr=True)
    head = ("warning: ", "bold yellow") if warning else ("error: ", "bold red")
    for fault in found:
        said = Text.assemble(head, fault.detail)
        said.append(f"\n  where: {fault.where}" if fault.where else "")
        said.append(f"\n  hint:  {fault.hint}" if fault.hint else "")
        console.print(said, highlight=False, soft_wrap=True)


def faults_document(found: Iterable[Fault]) -> None:
    """Print faults as one JSON document."""
    entries: list[JsonValue] = [
        {"code": f.code, "detail": f.detail, "where": f.where, "hint": f.hint}
        for f in found
    ]
    document({"faults": entries})


def is_interactive() -> bool:
    """Tell whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
