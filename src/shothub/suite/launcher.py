"""Start the stock BLACS with shothub's plugin, without touching its installation.

Run as ``python -m shothub.suite.launcher --state DIR`` in the suite's environment. This
process becomes BLACS. Exit codes: 0 closed, 3 BLACS is not installed, 4 no usable
labconfig or connection table, 5 the suite's servers do not start, 6 the plugin's journal
cannot be used.
"""

import argparse
import importlib.util
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, NoReturn

from shothub.domain.faults import Fault
from shothub.runtime.clock import pause
from shothub.suite.connection_table import compile_connection_table
from shothub.suite.install import (
    NotInstallable,
    install_plugin,
    uninstall_plugin,
)
from shothub.suite.plugin.journal import NotJournalled
from shothub.suite.plugin.station import Station
from shothub.suite.plugin.watch import Patience
from shothub.suite.profile import compiled_table, refresh_ports
from shothub.suite.servers import ServersFailed, SuiteServers

EXIT_NO_BLACS, EXIT_NO_TABLE, EXIT_NO_SERVERS, EXIT_NO_JOURNAL = 3, 4, 5, 6
_NEEDED = (
    ("blacs", "BLACS is not installed.", "pip install 'shothub[agent]'"),
    (
        "tkinter",
        "The labscript suite needs tkinter, which this Python lacks.",
        "on Debian: apt-get install python3-tk",
    ),
)
_ANEW = "--started-anew"
_LONGEST_LOG = 20_000_000
_CLOSING_SECONDS = 30.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run BLACS until it is closed."""
    options = _options(arguments)
    state = options.state.absolute()
    state.mkdir(parents=True, exist_ok=True)
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    for module, detail, hint in _NEEDED:
        if importlib.util.find_spec(module) is None:
            fault = Fault(code=f"no_{module}", detail=detail, hint=hint)
            _give_up(EXIT_NO_BLACS, fault)
    if options.install or options.uninstall:
        _install(state, enable=options.install)
        return
    servers = _prepare_suite(state)
    try:
        station = Station(
            state,
            Patience(margin=options.margin, grace=options.grace),
            able=True,
            started_anew=options.started_anew,
        )
    except NotJournalled as error:
        fault = Fault(code="no_journal", detail=f"{error}.")
        _give_up(EXIT_NO_JOURNAL, fault)
    _log_to(state / "blacs.log")
    start_again = partial(_start_again, station, servers)
    closer = _Closer(start_again, until_stdin_closes=options.until_stdin_closes)
    try:
        _become_blacs(station, closer, options)
    except SystemExit:
        if not closer.again:
            raise
    if closer.again:
        start_again()


def _start_again(station: Station, servers: SuiteServers | None) -> NoReturn:
    """Be replaced by the same program, as the restart menu or a dead queue asked for."""
    if servers:
        servers.stop()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    command = [sys.executable, *_without_moments(sys.orig_argv[1:])]
    for moment in station.revival.earlier:
        command.append(f"{_ANEW}={moment.isoformat()}")
    if os.name == "posix":
        os.execv(sys.executable, command)  # noqa: S606 (this very program)
    # Windows has no such call that whoever waits for this process would wait for.
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603


def _without_moments(arguments: Sequence[str]) -> list[str]:
    return [word for word in arguments if not word.startswith(_ANEW)]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="shothub blacs", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="state folder")
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
    return parser.parse_args(arguments)


def _install(state: Path, *, enable: bool) -> None:
    from labscript_utils.labconfig import LabConfig  # noqa: PLC0415 (extra [agent])

    labconfig = Path(LabConfig().config_path)
    try:
        if enable:
            install_plugin(state, labconfig)
        else:
            uninstall_plugin(labconfig)
    except NotInstallable as error:
        _give_up(EXIT_NO_BLACS, Fault(code="not_installable", detail=f"{error}."))


def _prepare_suite(state: Path) -> SuiteServers | None:
    """Check the labconfig, the connection table and the ports; start the servers."""
    from labscript_profile import default_labconfig_path  # noqa: PLC0415 ([agent])

    # Before labscript_utils is imported, which makes an example profile if none is there.
    if not default_labconfig_path().is_file():
        detail = f"There is no labconfig {default_labconfig_path()}."
        _give_up(EXIT_NO_TABLE, Fault(code="no_labconfig", detail=detail))
    from labscript_utils.labconfig import LabConfig  # noqa: PLC0415

    config = LabConfig()
    table = Path(config.get("paths", "connection_table_h5"))
    source = Path(config.get("paths", "connection_table_py"))
    own = table == compiled_table(state)
    if not table.exists() or (own and _older(table, source)):
        fault = compile_connection_table(source, table, os.environ)
        if fault:
            _give_up(EXIT_NO_TABLE, fault)
    if not own:
        return None
    refresh_ports(Path(config.config_path))
    return _start_servers(LabConfig())


def _older(table: Path, source: Path) -> bool:
    return source.exists() and table.stat().st_mtime < source.stat().st_mtime


def _start_servers(config: Any) -> SuiteServers:
    import zprocess.zlog  # noqa: PLC0415 (extra [agent])

    logs = Path(config.get("DEFAULT", "labscript_suite"), "logs")
    logs.mkdir(exist_ok=True)
    zlock, zlog = config.getint("ports", "zlock"), config.getint("ports", "zlog")
    servers = SuiteServers(zlock=zlock, zlog=zlog, logs=logs)
    try:
        servers.start()
    except ServersFailed as error:
        detail = f"The suite's servers do not start: {error}."
        _give_up(EXIT_NO_SERVERS, Fault(code="no_suite_servers", detail=detail))
    # The suite knows no setting for this port; child processes learn it from BLACS.
    zprocess.zlog.DEFAULT_PORT = zlog
    return servers


def _log_to(file: Path) -> None:
    """Send the output of this process and its children to a file."""
    if file.exists() and file.stat().st_size > _LONGEST_LOG:
        file.replace(file.with_suffix(".log.1"))
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)


def _become_blacs(
    station: Station, closer: "_Closer", options: argparse.Namespace
) -> None:
    import blacs.plugins  # noqa: PLC0415 (extra [agent])
    import labscript_utils.h5_lock  # noqa: F401, PLC0415 (must come before h5py)
    from labscript_utils.labconfig import LabConfig  # noqa: PLC0415 (extra [agent])

    from shothub.suite.plugin.entry import Plugin  # noqa: PLC0415
    from shothub.suite.plugin.guards import bound_frames  # noqa: PLC0415
    from shothub.suite.plugin.inside import (  # noqa: PLC0415
        answer_dialogs,
        name_qt_versions,
    )

    name_qt_versions()
    bound_frames(LabConfig().getint("ports", "BLACS"))
    if options.offscreen:
        answer_dialogs()

    def make(initial_settings: Mapping[str, object]) -> Plugin:
        plugin = Plugin(initial_settings, station, closer.set_again)
        closer.plugin = plugin
        return plugin

    blacs.plugins.modules["shothub"] = SimpleNamespace(Plugin=make)
    sys.argv = ["blacs"]
    runpy.run_module("blacs", run_name="__main__", alter_sys=True)


class _Closer:
    """Closes BLACS when a signal asks for it or the parent is gone.

    Args:
        start_again: replaces this program by itself.
        until_stdin_closes: whether the end of stdin is the parent's end.
    """

    def __init__(
        self, start_again: Callable[[], NoReturn], *, until_stdin_closes: bool
    ) -> None:
        self.plugin: Any = None
        self.again = False
        self._start_again = start_again
        # Before the suite is imported: it puts its own handler around this one.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        if until_stdin_closes:
            Thread(target=self._wait, name="shothub parent", daemon=True).start()

    def set_again(self, value: bool) -> None:  # noqa: FBT001 (as BLACS calls it)
        """Let BLACS start again when it has been closed, or not."""
        if value and not self.again:
            Thread(target=self._insist, name="shothub restart", daemon=True).start()
        self.again = value

    def _insist(self) -> None:
        """Start again although BLACS hangs in closing, as it may over a spoilt file."""
        pause(_CLOSING_SECONDS)
        if self.again:
            self._start_again()

    def _wait(self) -> None:
        while os.read(0, 4096):
            pass
        if self.plugin:
            self.plugin.shut_blacs()
            pause(_CLOSING_SECONDS)
        # BLACS hangs, or has not come so far that it could be closed.
        os._exit(1)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.plugin is None:
            sys.exit(128 + number)
        self.plugin.shut_blacs()


def _give_up(code: int, fault: Fault) -> NoReturn:
    print(f"shothub blacs: {fault}", file=sys.stderr)  # noqa: T201 (the program's voice)
    sys.exit(code)


if __name__ == "__main__":
    main()
