"""The suite's own lock and log servers, which live as long as the BLACS they serve."""

import atexit
import ctypes
import signal
import socket
import subprocess
import sys
from pathlib import Path

from shothub.runtime.clock import monotonic, pause

_SECONDS = 20.0


class ServersFailed(Exception):
    """The suite's lock or log server did not start."""


class SuiteServers:
    """zlock and zlog on ports of a profile of our own; they end with this process.

    The suite would start them as daemons that outlive everything, and zlog on one port
    for all suites of a machine.
    """

    def __init__(self, *, zlock: int, zlog: int, logs: Path) -> None:
        self._commands = [
            self._command("zprocess.zlock", zlock, logs),
            self._command("zprocess.zlog", zlog, logs),
        ]
        self._ports = (zlock, zlog)
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both and wait until they answer.

        Raises:
            ServersFailed: they do not.
        """
        for command in self._commands:
            self._running.append(
                subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                    command,
                    stdin=subprocess.DEVNULL,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                )
            )
        if sys.platform != "linux":
            atexit.register(self.stop)
        deadline = monotonic() + _SECONDS
        for process, port in zip(self._running, self._ports, strict=True):
            while not _answers(port):
                if process.poll() is not None or monotonic() > deadline:
                    self.stop()
                    raise ServersFailed(f"nobody answers on port {port}")
                pause(0.02)

    def stop(self) -> None:
        """End both."""
        for process in self._running:
            process.terminate()
            process.wait()
        self._running = []

    @staticmethod
    def _command(module: str, port: int, logs: Path) -> list[str]:
        here = [sys.executable, "-m", module, "--port", str(port)]
        return [*here, "--no-allow-insecure", "-l", str(logs)]


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, linux/prctl.h
