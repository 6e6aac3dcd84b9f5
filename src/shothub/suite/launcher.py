"""Start the stock BLACS with shothub's plugin, without touching its installation.

Run as ``python -m shothub.suite.launcher --state DIR`` in the suite's environment. BLACS
is a child of this process, which starts it again when BLACS's restart menu or a dead queue
asked for that, also when BLACS then crashes or hangs in closing. Exit codes: 0 closed, 3
BLACS is not installed, 4 no usable labconfig or connection table, 5 the suite's servers do
not start, 6 the plugin's journal cannot be used.
"""

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from threading import Thread, Timer
from typing import NoReturn

from shothub.domain.faults import Fault
from shothub.suite.install import (
    NotInstallable,
    install_plugin,
    uninstall_plugin,
)

EXIT_NO_BLACS, EXIT_NO_TABLE, EXIT_NO_SERVERS, EXIT_NO_JOURNAL = 3, 4, 5, 6
CLOSING_SECONDS = 30.0
AGAIN, STAY = "again", "stay"
"""What BLACS's process says on its stdout, a line each: after ``again`` come the moments
at which BLACS was started anew lately because the thread of its queue had ended."""

_NEEDED = (
    ("blacs", "BLACS is not installed.", "pip install 'shothub[agent]'"),
    (
        "tkinter",
        "The labscript suite needs tkinter, which this Python lacks.",
        "on Debian: apt-get install python3-tk",
    ),
)
_ANEW = "--started-anew"


def main() -> None:
    """Run BLACS until it is closed."""
    options = read_options()
    options.state.mkdir(parents=True, exist_ok=True)
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # HDF5's own lock, held by whoever just reads the file of a shot, would end the thread
    # of BLACS's queue as it saves; the suite's programs keep apart by locks of their own.
    os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
    for module, detail, hint in _NEEDED:
        if importlib.util.find_spec(module) is None:
            fault = Fault(code=f"no_{module}", detail=detail, hint=hint)
            give_up(EXIT_NO_BLACS, fault)
    if options.install or options.uninstall:
        _install(options.state, enable=options.install)
        return
    keeper = Keeper([sys.executable, "-m", "shothub.suite.blacs_process"], sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: keeper.close())
    if options.until_stdin_closes:
        Thread(target=_wait_for_end, args=(keeper,), daemon=True).start()
    sys.exit(keeper.run())


def _wait_for_end(keeper: "Keeper") -> None:
    while os.read(0, 4096):
        pass
    keeper.close()


class Keeper:
    """Keeps one BLACS running, whose end it sees however it comes.

    Args:
        command: what becomes BLACS.
        arguments: for it, each time.
        patience: seconds for which BLACS may be closing.
    """

    def __init__(
        self,
        command: Sequence[str],
        arguments: Sequence[str],
        patience: float = CLOSING_SECONDS,
    ) -> None:
        self._command = [*command, *arguments]
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None
        self._moments: list[str] | None = None
        self._closing = False
        self._overdue: Timer | None = None

    def run(self) -> int:
        """Return BLACS's exit code once it has ended and is not to start again."""
        moments: list[str] = []
        while True:
            self._moments = None
            code = self._run_once([f"{_ANEW}={moment}" for moment in moments])
            if self._closing or self._moments is None:
                return code if code >= 0 else 128 - code
            moments = self._moments

    def _run_once(self, more: Sequence[str]) -> int:
        with subprocess.Popen(  # noqa: S603 (our own program)
            [*self._command, *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            self._process = process
            if self._closing:
                self.close()
            for line in process.stdout or ():
                self._hear(line.split())
            code = process.wait()
        if self._overdue:
            self._overdue.cancel()
        return code

    def _hear(self, words: Sequence[str]) -> None:
        match words:
            case [word, *moments] if word == AGAIN:
                self._moments = moments
                self._must_end()
            case [word] if word == STAY:
                self._moments = None
                if self._overdue:
                    self._overdue.cancel()

    def _must_end(self) -> None:
        self._overdue = Timer(self._patience, self._kill)
        self._overdue.daemon = True
        self._overdue.start()

    def _kill(self) -> None:
        if self._process:
            say(f"BLACS did not close within {self._patience:g} s and is killed.")
            self._process.kill()

    def close(self) -> None:
        """Ask BLACS to close as by its window's button; from any thread or a signal."""
        self._closing = True
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._must_end()


def read_options() -> argparse.Namespace:
    """Return the options of this program, which BLACS's process gets as well."""
    parser = argparse.ArgumentParser(prog="shothub blacs", description=__doc__)
    parser.add_argument("--state", type=_absolute, required=True, help="state folder")
    parser.add_argument("--offscreen", action="store_true", help="without a display")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="close when the parent is gone",
    )
    parser.add_argument("--install", action="store_true", help="into the lab's BLACS")
    parser.add_argument("--uninstall", action="store_true", help="out of it again")
    parser.add_argument("--margin", type=float, default=10.0, help="watchdog, seconds")
    parser.add_argument("--grace", type=float, default=15.0, help="watchdog, seconds")
    parser.add_argument(
        _ANEW,
        action="append",
        type=datetime.fromisoformat,
        default=[],
        help="when BLACS's queue had died, lately",
    )
    return parser.parse_args()


def _absolute(text: str) -> Path:
    return Path(text).absolute()


def _install(state: Path, *, enable: bool) -> None:
    from labscript_utils.labconfig import LabConfig  # noqa: PLC0415 (extra [agent])

    labconfig = Path(LabConfig().config_path)
    try:
        if enable:
            install_plugin(state, labconfig)
        else:
            uninstall_plugin(labconfig)
    except NotInstallable as error:
        give_up(EXIT_NO_BLACS, Fault(code="not_installable", detail=f"{error}."))


def give_up(code: int, fault: Fault) -> NoReturn:
    """End with an exit code and the reason on stderr."""
    say(str(fault))
    sys.exit(code)


def say(text: str) -> None:
    """Tell the person who started BLACS."""
    print(f"shothub blacs: {text}", file=sys.stderr)  # noqa: T201 (the program's voice)


if __name__ == "__main__":
    main()
