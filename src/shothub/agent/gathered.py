"""What routines sent out of the sandbox: values, figures, arrays; nothing is believed."""

import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import JsonValue, ValidationError

from shothub.domain.faults import Fault
from shothub.sandbox.limits import Frame, GuestEnd
from shothub.wire.agents import RoutineResult
from shothub.wire.guests import PictureHead, RoutineHead
from shothub.wire.problems import FaultModel

MAX_FILES, MAX_RESULTS = 100, 100
MAX_FILE_BYTES = 64_000_000
MAX_VALUES = 1_000
MAX_TEXT = 20_000
MAX_LIST = 1_000
MAX_RESULT_BYTES = 1_000_000
"""Of all values of one routine as JSON; more belongs into an array."""

PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True)
class RoutineFile:
    """A figure (PNG) or an array (npy) that a routine made."""

    routine: str
    name: str
    content: bytes
    figure: bool


@dataclass
class Gathered:
    """Collects the frames of one run of the routines."""

    asked: Sequence[str]
    results: dict[str, RoutineResult] = field(default_factory=dict)
    files: list[RoutineFile] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def take(self, frame: Frame) -> None:
        """Take one frame; what is malformed is dropped and noted as a fault."""
        try:
            match frame.kind:
                case b"R":
                    self._result(RoutineHead.model_validate_json(frame.head))
                case b"P" | b"A":
                    head = PictureHead.model_validate_json(frame.head)
                    self._file(head, frame.body, figure=frame.kind == b"P")
                case b"F":
                    fault = FaultModel.model_validate_json(frame.head)
                    self.faults.append(Fault(**fault.model_dump()))
        except ValidationError as error:
            self.faults.append(
                Fault(code="bad_frames", detail=f"Malformed results: {error.title}.")
            )

    def _result(self, head: RoutineHead) -> None:
        # A routine may also save under another group's name; the first to do so counts.
        name = _plain(head.routine)[:100]
        if not name or name in self.results or len(self.results) >= MAX_RESULTS:
            return
        some = list(head.values.items())[:MAX_VALUES]
        values = {key[:200]: _tame(value) for key, value in some}
        failed = head.failed
        if len(json.dumps(values)) > MAX_RESULT_BYTES:
            values, failed = {}, f"it saved more than {MAX_RESULT_BYTES:,} bytes"
        self.results[name] = RoutineResult(
            routine=name,
            values=values,
            failed=failed[:MAX_TEXT],
            traceback=head.traceback[:MAX_TEXT],
        )

    def _file(self, head: PictureHead, body: bytes, *, figure: bool) -> None:
        routine = _plain(head.routine)
        known = routine in self.asked and len(self.files) < MAX_FILES
        sound = body.startswith(PNG) if figure else _is_array(body)
        if known and sound and len(body) <= MAX_FILE_BYTES:
            self.files.append(
                RoutineFile(
                    routine=routine, name=head.name, content=body, figure=figure
                )
            )

    def ended_in(self, end: GuestEnd) -> str | None:
        """Return the routine in which the run was ended, if it was."""
        if end.ok:
            return None
        return next((name for name in self.asked if name not in self.results), None)

    def finished(self, end: GuestEnd) -> list[RoutineResult]:
        """Return the result of each routine in the order asked, once the run has ended.

        A routine without a result has failed: for the reason why the run was ended, if
        it was, else because an earlier fault kept it from running.
        """
        cause = end.detail or end.reason
        if not cause and self.faults:
            cause = str(self.faults[0])
        missing = cause or "it did not run to its end"
        results = [
            self.results.get(name, RoutineResult(routine=name, failed=missing))
            for name in self.asked
        ]
        results += [r for name, r in self.results.items() if name not in self.asked]
        if results and end.output:
            results[0] = results[0].model_copy(update={"log": end.output})
        return results


def _plain(routine: str) -> str:
    return routine.removesuffix(".py")


def _is_array(body: bytes) -> bool:
    try:
        np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return False
    return True


def _tame(value: JsonValue) -> JsonValue:
    """Return a value that is small, flat and finite; else None or its beginning."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case str():
            return value[:MAX_TEXT]
        case list():
            return [_tame(one) for one in value[:MAX_LIST] if not isinstance(one, dict)]
        case dict():
            return str(value)[:MAX_TEXT]
    return value


def file_part(text: str) -> str:
    """Return ``text`` as a part of a file name."""
    plain = re.sub(r"[^A-Za-z0-9_\-]+", "_", text).strip("_-")[:60]
    return plain or "x"
