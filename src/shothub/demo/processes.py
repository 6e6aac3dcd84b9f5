"""Programs that the demo starts: each with its log, none outlives the demo."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_TAIL = 15


class ProgramEnded(Exception):
    """A program of the demo ended by itself; the message has the end of its log."""


@dataclass(frozen=True)
class Program:
    """A running program and the file in which its output lies."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise ProgramEnded if it does not run any more."""
        code = self.process.poll()
        if code is not None:
            raise ProgramEnded(
                f"The {self.name} ended with code {code}. The end of {self.log}:\n"
                + "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL:])
            )

    def stop(self, patience: float = 10.0) -> None:
        """End it and its children: politely, then not."""
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):  # it is killed below
                self.process.wait(patience)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait()


def start(
    name: str,
    arguments: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Program:
    """Start ``python -m <arguments>`` with its output in ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  (our own programs)
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
    return Program(name, process, log)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
