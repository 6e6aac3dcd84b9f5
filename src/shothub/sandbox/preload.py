"""Which modules the lab's files import, read from their text without running them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from shothub.sandbox.limits import GuestBinds

_OF_THE_JOB = ("labscriptlib", "connection_table", "analysislib", "lyse")
"""Modules that must be new in every job: they make devices or keep state."""


def modules_to_preload(binds: GuestBinds) -> list[str]:
    """Return modules worth importing once, before any job comes."""
    found: dict[str, None] = dict.fromkeys(binds.preload)
    for file in _files(binds):
        found.update(dict.fromkeys(_imports(file)))
    return [name for name in found if name.split(".")[0] not in _OF_THE_JOB]


def _files(binds: GuestBinds) -> Iterator[Path]:
    if binds.connection_table:
        yield binds.connection_table
    for folder in (binds.labscriptlib, *binds.userlib):
        if folder:
            yield from sorted(folder.rglob("*.py"))[:500]


def _imports(file: Path) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:
        return  # the job that imports it will say so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
