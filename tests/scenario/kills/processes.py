"""Processes of the harness: the hub as users start it; the others forked from a warm one.

Forking saves the second of imports that each of a thousand restarts would take.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

_WARM = [
    "tests.scenario.kills.agent",
    "tests.scenario.kills.machine",
]


class Forked:
    """A process that runs one function of the harness."""

    def __init__(
        self,
        context: ForkServerContext,
        log: Path,
        main: Callable[..., None],
        *words: object,
    ) -> None:
        self._process: ForkServerProcess = context.Process(
            target=_logged, args=(log, main, words)
        )
        self._process.start()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if the process is still there."""
        if self.alive and self._process.pid:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Kill it and wait until it is gone."""
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tell whether it came."""
        self._process.join(seconds)
        return not self.alive


def warm_context() -> ForkServerContext:
    """Return what forked processes come from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_WARM)
    return context


def _logged(log: Path, main: Callable[..., None], words: tuple[object, ...]) -> None:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(*words)


def start_python(
    log: Path, *words: str, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start a program of Python's as a process of its own."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env={**os.environ, **environment},
        )
