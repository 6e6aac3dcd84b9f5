"""Start the stock BLACS with the plugin as a child process, wait for it, and end it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from shothub.domain.faults import Fault
from shothub.runtime.clock import monotonic, pause
from shothub.suite.endpoint import NoEndpoint, plugin_folder, read_endpoint

_LOG_TAIL = 3_000
_CLOSING_SECONDS = 15.0


class BlacsFailed(Exception):
    """BLACS did not start; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def start_blacs(
    state: Path,
    environment: Mapping[str, str],
    *,
    offscreen: bool = False,
    options: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
    seconds: float = 120.0,
) -> "StockBlacs":
    """Start BLACS and return when its plugin lets an agent in.

    It closes itself when this process is gone.

    Args:
        state: state folder of the apparatus.
        environment: from ``suite_environment``.
        offscreen: without a display.
        options: further options of the launcher.
        progress: told in words what is waited for.
        seconds: how long to wait.

    Raises:
        BlacsFailed: it ended, or the plugin does not answer in time.
    """
    blacs = StockBlacs(state, environment, offscreen=offscreen, options=options)
    blacs.start(progress=progress, seconds=seconds)
    return blacs


class StockBlacs:
    """A stock BLACS with the plugin; as a context manager it is started and stopped."""

    def __init__(
        self,
        state: Path,
        environment: Mapping[str, str],
        *,
        offscreen: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        self._state = state
        self._environment = dict(environment)
        self._command = [sys.executable, "-m", "shothub.suite.launcher"]
        self._command += ["--state", str(state), "--until-stdin-closes", *options]
        if offscreen:
            self._command.append("--offscreen")
        self._process: subprocess.Popen[bytes] | None = None
        self._earlier = ""

    def __enter__(self) -> "StockBlacs":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """The file with all that BLACS prints."""
        return self._state / "blacs.log"

    @property
    def pid(self) -> int | None:
        """Process id of what started BLACS, None when it is not running."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(
        self,
        *,
        progress: Callable[[str], None] = lambda _: None,
        seconds: float = 120.0,
    ) -> None:
        """Start it and wait until the plugin lets an agent in.

        Raises:
            BlacsFailed: it ended, or the plugin does not answer in time.
        """
        self._state.mkdir(parents=True, exist_ok=True)
        self._earlier = self._boot()
        early = self._state / "blacs-start.log"
        progress("starting BLACS")
        with early.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 (our own launcher)
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = monotonic() + seconds
        progress("waiting for BLACS's plugin")
        while self._boot() == self._earlier:
            if not self.running or monotonic() > deadline:
                raise BlacsFailed(self._failure(early))
            pause(0.05)
        progress("BLACS is ready")

    def stop(self, *, seconds: float = _CLOSING_SECONDS) -> None:
        """Close BLACS as its window's button does; kill what is left after ``seconds``."""
        process = self._process
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):  # It is killed below.
            process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """Kill BLACS and its workers at once."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):  # All of them are gone.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()

    def _boot(self) -> str:
        """Return which run of BLACS let agents in last."""
        try:
            return read_endpoint(plugin_folder(self._state)).boot
        except NoEndpoint:
            return ""

    def _failure(self, early: Path) -> Fault:
        ended = not self.running
        said = early.read_text(errors="replace").strip()
        if not said and self.log.exists():
            said = self.log.read_text(errors="replace")[-_LOG_TAIL:].strip()
        self.kill()
        return Fault(
            code="blacs_failed",
            detail=said or "BLACS said nothing.",
            where=str(self.log),
            hint="" if ended else "it is alive, but its plugin does not answer",
        )
