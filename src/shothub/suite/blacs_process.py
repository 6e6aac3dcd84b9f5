"""The process that becomes the stock BLACS, with shothub's plugin in it.

Started by ``launcher``, of which it knows two things: its stdin, the end of which is the
wish that BLACS be closed, and its stdout, on which it says whether to start it again.
"""

import argparse
import os
import runpy
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, TextIO

from shothub.domain.faults import Fault
from shothub.runtime.clock import pause
from shothub.suite.connection_table import compile_connection_table
from shothub.suite.launcher import (
    AGAIN,
    CLOSING_SECONDS,
    EXIT_NO_JOURNAL,
    EXIT_NO_SERVERS,
    EXIT_NO_TABLE,
    STAY,
    give_up,
    read_options,
)
from shothub.suite.plugin.journal import NotJournalled
from shothub.suite.plugin.station import Station
from shothub.suite.plugin.watch import Patience
from shothub.suite.profile import compiled_table, refresh_ports
from shothub.suite.servers import ServersFailed, SuiteServers

_LONGEST_LOG = 20_000_000


def main() -> None:
    """Be BLACS until it is closed."""
    options = read_options()
    # What children print, and BLACS before it has its log, is not for the launcher.
    launcher = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    state = options.state
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
        give_up(EXIT_NO_JOURNAL, fault)
    _log_to(state / "blacs.log")
    closer = _Closer(station, launcher)
    try:
        _become_blacs(station, closer, options)
    finally:
        if servers:
            servers.stop()


def _prepare_suite(state: Path) -> SuiteServers | None:
    """Check the labconfig, the connection table and the ports; start the servers."""
    from labscript_profile import default_labconfig_path  # noqa: PLC0415 ([agent])

    # Before labscript_utils is imported, which makes an example profile if none is there.
    if not default_labconfig_path().is_file():
        detail = f"There is no labconfig {default_labconfig_path()}."
        give_up(EXIT_NO_TABLE, Fault(code="no_labconfig", detail=detail))
    from labscript_utils.labconfig import LabConfig  # noqa: PLC0415

    config = LabConfig()
    table = Path(config.get("paths", "connection_table_h5"))
    source = Path(config.get("paths", "connection_table_py"))
    own = table == compiled_table(state)
    if not table.exists() or (own and _older(table, source)):
        fault = compile_connection_table(source, table, os.environ)
        if fault:
            give_up(EXIT_NO_TABLE, fault)
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
        give_up(EXIT_NO_SERVERS, Fault(code="no_suite_servers", detail=detail))
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
    """Closes BLACS when the launcher or a signal asks for it.

    Args:
        station: knows when BLACS was started anew.
        launcher: hears whether to start BLACS again when it has ended.
    """

    def __init__(self, station: Station, launcher: TextIO) -> None:
        self.plugin: Any = None
        self._station = station
        self._launcher = launcher
        # Before the suite is imported: it puts its own handler around this one.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        Thread(target=self._wait, name="shothub launcher", daemon=True).start()

    def set_again(self, value: bool) -> None:  # noqa: FBT001 (as BLACS calls it)
        """Let BLACS be started again when it has ended, or not."""
        moments = [moment.isoformat() for moment in self._station.revival.earlier]
        words = [AGAIN, *moments] if value else [STAY]
        # At once: BLACS may crash in closing, as over a spoilt file, or hang.
        self._launcher.write(" ".join(words) + "\n")

    def _wait(self) -> None:
        while os.read(0, 4096):
            pass
        if self.plugin:
            self.plugin.shut_blacs()
            pause(CLOSING_SECONDS)
        # BLACS hangs, or has not come so far that it could be closed.
        os._exit(1)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.plugin is None:
            sys.exit(128 + number)
        self.plugin.shut_blacs()


if __name__ == "__main__":
    main()
