"""What is wrong with apparatus.toml, said with its line, its key and what would be right."""

import difflib
import re
import tomllib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from shothub.agent.config import ApparatusConfig
from shothub.domain.faults import Fault

FILE = "apparatus.toml"


def parse_config(text: str) -> ApparatusConfig | list[Fault]:
    """Read the text of apparatus.toml."""
    try:
        return ApparatusConfig.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        return [_not_toml(str(error))]
    except ValidationError as error:
        return [_fault(text, details) for details in error.errors(include_url=False)]


def _not_toml(message: str) -> Fault:
    line = re.search(r"line (\d+)", message)
    return Fault(
        code="bad_toml",
        detail=f"{FILE} is no TOML: {message}.",
        where=f"{FILE}:{line[1]}" if line else FILE,
        hint="texts stand in quotes, tables in [brackets]",
    )


def _fault(text: str, error: Any) -> Fault:
    keys = [str(key) for key in error["loc"]]
    place = ".".join(keys)
    line = line_of(text, keys)
    hint = _known(keys) if error["type"] == "extra_forbidden" else ""
    what = "there is no such key" if hint else str(error["msg"]).lower()
    return Fault(
        code="unknown_key" if hint else "bad_config",
        detail=f"{place}: {what}.",
        where=f"{FILE}:{line}" if line else FILE,
        hint=hint,
    )


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """Return the line where a key, or else the closest table around it, stands."""
    best: tuple[int, int] | None = None
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\[?([^\]]+)\]", line):
            table = _split(header[1])
            path = table
        elif key := re.match(r"\s*([\w.\-\"']+)\s*=", line):
            path = [*table, *_split(key[1])]
        else:
            continue
        if path == list(keys[: len(path)]) and (best is None or len(path) > best[0]):
            best = len(path), number
    return best[1] if best else None


def _split(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _known(keys: Sequence[str]) -> str:
    model: Any = ApparatusConfig
    for key in keys[:-1]:
        model = _inner(model, key)
    names = list(model.model_fields)
    close = difflib.get_close_matches(keys[-1], names, n=1)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(names)}"


def _inner(model: Any, key: str) -> Any:
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model.model_fields[key].annotation
    return get_args(model)[1]
