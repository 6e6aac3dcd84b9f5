"""``python tools/commands_page.py``: rewrite the checked-in page of all commands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from shothub.client.cli.app import reflowed
from shothub.client.cli.exits import EXIT_CODES
from shothub.command import build
from shothub.server.admin_cli import admin_app

TARGET = Path("docs/reference/commands.md")
_TOP = """\
# Commands

Written by `make docs` from the commands themselves; `shothub COMMAND --help` says the same.
With `--json` a command prints one JSON document and nothing else. Messages go to stderr.

"""


def text() -> str:
    """Return the page of all commands as they are now."""
    app = typer.main.get_command(build())
    admin = typer.main.get_command(admin_app)
    sections = [*_sections("shothub", app), *_sections("shothub admin", admin)]
    return f"{_TOP}{EXIT_CODES}\n\n" + "\n".join(sections)


def _sections(path: str, command: Any) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield _section(path, command)
        return
    for name, inner in below.items():
        if f"{path} {name}" != "shothub admin":  # it has commands of its own
            yield from _sections(f"{path} {name}", inner)


def _section(path: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([path, *(_argument(p) for p in arguments)])
    rows = [
        *(f"| `{_argument(p)}` | {_said(p)} |" for p in arguments),
        *(f"| {_option(p)} | {_said(p)} |" for p in options if p.name != "help"),
    ]
    table = ["", "| | |", "|---|---|", *rows] if rows else []
    lines = [f"## {path}", "", reflowed(command.help or ""), "", "```console"]
    lines += [f"$ {example}" for example in _examples(command) or [usage]]
    return "\n".join([*lines, "```", *table, ""])


def _examples(command: Any) -> list[str]:
    parts = (command.epilog or "").split("\n\n")
    return [part for part in parts if part.startswith("shothub ")]


def _argument(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name).strip("{}")


def _option(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    longest = max(names, key=len)
    value = parameter.metavar or longest.strip("-").upper()
    shown = longest if parameter.is_flag else f"{longest} {value}"
    return ", ".join(f"`{shown if name == longest else name}`" for name in names)


def _said(parameter: Any) -> str:
    said = [reflowed(parameter.help or "").replace("|", "\\|")]
    if parameter.required:
        said.append("Required.")
    # Typer gives a marker for what has no default.
    if isinstance(parameter.default, str | int | float | Path) and not isinstance(
        parameter.default, bool
    ):
        said.append(f"Default: `{parameter.default}`." if parameter.default else "")
    if parameter.envvar:
        said.append(f"Environment: `{parameter.envvar}`.")
    return " ".join(part for part in said if part)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
