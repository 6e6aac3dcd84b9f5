"""Files of a script's form, read into a request."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from django.utils.datastructures import MultiValueDict
from pydantic import JsonValue, ValidationError

from shothub.server.web.fields import Given
from shothub.server.web.forms import Form, read_labels
from shothub.wire.jobs import GlobalsFile, ScriptRequest, SourceFile

_LONGEST_SOURCE, _LONGEST_GLOBALS, _MOST_ROUTINES = 1_000_000, 16_000_000, 20


class BadUpload(ValueError):
    """A file or a field of the form cannot be used; the message says why."""


class Upload(Protocol):
    """A file of a form."""

    name: str | None
    size: int | None

    def read(self) -> bytes: ...


def read_script(
    apparatus: str, given: Given, files: MultiValueDict[str, Any]
) -> tuple[Form, ScriptRequest | None]:
    """Read a script's form: the form as given, and the request unless there are errors."""
    form, labels = read_labels(given)
    form = replace(form, globals=given.get("globals", "").strip())
    errors, parts = dict(form.errors), dict[str, Any]()
    for name, read in (
        ("script", lambda: _script(files)),
        ("globals_file", lambda: _globals_file(files)),
        ("routines", lambda: _routines(files.getlist("routines"))),
        ("globals", lambda: _values(form.globals)),
    ):
        try:
            parts[name] = read()
        except BadUpload as error:
            errors[name] = f"{error}."
    form = replace(form, errors=errors)
    if errors or form.terms.errors:
        return form, None
    return form, ScriptRequest(apparatus=apparatus, **labels.fields(), **parts)


def _script(files: MultiValueDict[str, Any]) -> SourceFile:
    file: Upload | None = files.get("script")
    if file is None:
        raise BadUpload("Choose a Python file")
    return _source(file)


def _source(file: Upload) -> SourceFile:
    name = file.name or ""
    if not name.endswith(".py"):
        raise BadUpload(f"{name[:60]!r} is not a Python file: its name must end in .py")
    content = _content(file, _LONGEST_SOURCE)
    try:
        return SourceFile(name=name, text=content.decode())
    except UnicodeDecodeError:
        raise BadUpload(f"{name[:60]!r} is not a text in UTF-8") from None
    except ValidationError:
        raise _bad_name(name) from None


def _globals_file(files: MultiValueDict[str, Any]) -> GlobalsFile | None:
    file: Upload | None = files.get("globals_file")
    if file is None:
        return None
    name = file.name or ""
    if not name.endswith((".h5", ".hdf5", ".json", ".toml")):
        raise BadUpload("A globals file ends in .h5, .hdf5, .json or .toml")
    content = _content(file, _LONGEST_GLOBALS)
    try:
        SourceFile(name=name, text="")
    except ValidationError:
        raise _bad_name(name) from None
    return GlobalsFile.model_construct(name=name, content=content)


def _routines(files: Sequence[Upload]) -> list[SourceFile]:
    if len(files) > _MOST_ROUTINES:
        raise BadUpload(f"At most {_MOST_ROUTINES} routines")
    return [_source(file) for file in files]


def _values(text: str) -> dict[str, JsonValue]:
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise BadUpload(f"This is no JSON: {error}") from None
    except RecursionError:
        raise BadUpload("This JSON is nested too deeply") from None
    if not isinstance(values, dict):
        raise BadUpload('Give an object, such as {"tof": 0.015}')
    return values


def _content(file: Upload, longest: int) -> bytes:
    if (file.size or 0) > longest:
        raise BadUpload(f"{(file.name or '')[:60]!r} is larger than {longest:,} bytes")
    return file.read()


def _bad_name(name: str) -> BadUpload:
    return BadUpload(
        f"{name[:60]!r} cannot name a file here: letters, digits, dot, - and _ only"
    )
