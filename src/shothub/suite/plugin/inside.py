"""BLACS from within its own process: its queue, its tabs and its window."""

import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping
from html import unescape
from types import TracebackType
from typing import Any

import h5py
from blacs.tab_base_classes import MODE_MANUAL
from labscript_utils.connections import ConnectionTable
from qtutils import inmain, inmain_later
from qtutils.qt import QtCore
from qtutils.qt.QtWidgets import QMessageBox

from shothub.suite.plugin.guards import QueueGuard, guard_clock, guard_port
from shothub.suite.plugin.machine import Listener
from shothub.suite.plugin.watch import Facts

logger = logging.getLogger("BLACS.shothub")

_LONGEST_ERROR = 2_000
_BROKEN = "The device's tab did not start; BLACS's log says why."


class Inside:
    """BLACS from within its own process: a ``Machine``.

    Args:
        blacs: what BLACS gives to ``plugin_setup_complete``.
    """

    def __init__(self, blacs: Mapping[str, Any]) -> None:
        self._blacs = blacs
        self._ui = blacs["ui"]
        self._queue = blacs["experiment_queue"]
        self._application = self._queue.BLACS
        self._death = ""
        self._fitting: list[object] | None = None
        self._server = getattr(sys.modules["__main__"], "experiment_server", None)

    def join(self, listener: Listener) -> None:
        """Put ourselves between BLACS's queue manager and its queue."""
        guard = QueueGuard(
            self._queue, listener, harm=self._harm, restarting=self.restarting
        )
        guard.join()
        self._ui.treeview.add_to_queue = guard.process_request
        clock = self._application.tablist.get(self._queue.master_pseudoclock)
        if (
            clock is not None
        ):  # Else it did not start: ``facts`` says so, nothing can run.
            guard_clock(clock, listener)
        if self._server is not None:
            guard_port(self._server)
        self._listen_for_death()
        button = self._ui.queue_pause_button
        button.clicked.connect(lambda on: listener.stirred(by_operator=bool(on)))
        button.toggled.connect(lambda _on: listener.stirred())
        self._ui.treeview.model().rowsInserted.connect(lambda *_: listener.stirred())

    def _listen_for_death(self) -> None:
        # The suite hands errors that end a thread to this hook, in that thread.
        stock_hook = sys.excepthook

        def hook(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            if threading.current_thread() is self._queue.manager:
                self._death = f"{kind.__name__}: {error}"
            stock_hook(kind, error, trace)

        sys.excepthook = hook

    def local_waiting(self) -> bool:
        return bool(inmain(self._ui.treeview.model().rowCount))

    def local_shots(self) -> list[str]:
        return inmain(self._rows)  # type: ignore[no-any-return]

    def _rows(self) -> list[str]:
        model = self._ui.treeview.model()
        return [str(model.item(row).text()) for row in range(model.rowCount())]

    def paused(self) -> bool:
        return bool(self._queue.manager_paused)

    def pause(self, *, on: bool) -> None:
        self._queue.manager_paused = on

    def closing(self) -> bool:
        return not self._queue.manager_running

    def status(self) -> str:
        return str(self._queue.get_status())

    def facts(self) -> Facts:
        return inmain(self._facts)  # type: ignore[no-any-return]

    def _facts(self) -> Facts:
        tabs = self._tabs()
        dead = frozenset(
            name
            for name, tab in tabs.items()
            if _has_dead_worker(tab) and not _restarting(tab)
        )
        broken = dict.fromkeys(self._application.failed_device_settings, _BROKEN)
        errors = {
            n: _plain(t.error_message) for n, t in tabs.items() if t.error_message
        }
        return Facts(
            paused=self.paused(),
            alive=self._queue.manager.is_alive(),
            status=self.status(),
            faults=broken | errors,
            dead=dead,
            busy=frozenset(n for n, t in tabs.items() if t.mode != MODE_MANUAL),
            waiting=self._ui.treeview.model().rowCount(),
            death=self._death,
            deaf=self._server is not None
            and not self._server.mainloop_thread.is_alive(),
        )

    def settled(self) -> bool:
        return bool(inmain(self._settled))

    def _settled(self) -> bool:
        tabs = self._tabs().values()
        return not any(
            _restarting(tab) or tab.state != "idle" or tab.error_message for tab in tabs
        )

    def restarting(self) -> bool:
        return any(_restarting(tab) for tab in self._tabs().values())

    def click_abort(self) -> None:
        button = self._ui.queue_abort_button
        if inmain(button.isEnabled):
            inmain(button.click)

    def look(self) -> None:
        self._queue.current_queue.put(["shothub", "look"])

    def answer_for(self, names: frozenset[str]) -> None:
        for name in names:
            self._queue.current_queue.put([name, "fail"])

    def mark_dead(self, names: frozenset[str]) -> None:
        for name in names:
            tab = self._application.tablist[name]
            if not tab.error_message:
                tab.error_message = "A worker process of this device has ended."

    def restart(self, names: frozenset[str]) -> None:
        tabs = self._tabs()
        for name in names & set(tabs):
            inmain(self._restart, tabs[name])

    def _restart(self, tab: Any) -> None:
        if not _restarting(tab):
            tab.restart()

    def close(self) -> None:
        """Close BLACS as its window's button does."""
        inmain_later(self._ui.close)

    def start_anew(self) -> None:
        self._blacs["set_relaunch"](True)
        self.close()

    def refusal(self, path: str) -> str:
        try:
            with h5py.File(path, "r") as file:
                devices = frozenset(file.get("devices", ()))
                run = {"data", "front_panel"} & set(file)
                rows: list[object] = file["connection table"][()].tolist()
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            return f"The shot file cannot be read: {error}"
        if run:
            return "The shot file has been run before."
        if harm := self._harm(devices):
            return harm
        if rows == self._fitting:  # BLACS is busy with the shot before: be brief.
            return ""
        try:
            table = ConnectionTable(path, logging_prefix="BLACS")
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            return f"The connection table cannot be read: {error}"
        same, difference = inmain(self._application.connection_table.compare_to, table)
        if not same:
            return f"Its connection table is not BLACS's: {difference}"
        self._fitting = rows
        return ""

    def _harm(self, devices: frozenset[str]) -> str:
        """Tell what a shot with these devices would do to BLACS, unless it is well."""
        if self._queue.master_pseudoclock not in devices:
            return "The shot does not use the master pseudoclock."
        if unknown := devices - set(self._application.tablist):
            return f"BLACS has no device named {', '.join(sorted(unknown))}."
        return ""

    def _tabs(self) -> dict[str, Any]:
        tabs = self._application.tablist.items()
        return {name: tab for name, tab in list(tabs) if hasattr(tab, "workers")}


def never_resume() -> None:
    """Keep BLACS from taking up the queue that it saved when it was last closed.

    What is in there may have run since; whoever still wants it submits it again.
    """
    from blacs.experiment_queue import QueueManager  # noqa: PLC0415 (needs a running Qt)

    stock_restore: Callable[[Any, dict[str, object]], None]
    stock_restore = QueueManager.restore_save_data

    def restore_save_data(queue: Any, data: dict[str, object]) -> None:
        stock_restore(queue, data | {"files_queued": []})

    QueueManager.restore_save_data = restore_save_data


def name_qt_versions() -> None:
    """Give PySide6 the two names that BLACS logs at its start and only PyQt defines."""
    for name in ("PYQT_VERSION_STR", "QT_VERSION_STR"):
        if not hasattr(QtCore, name):
            setattr(QtCore, name, QtCore.qVersion())


def answer_dialogs() -> None:
    """Let questions of BLACS, which nobody sees without a display, answer themselves."""

    def answer(*_: object, **__: object) -> object:
        logger.warning("A dialog was answered with No, as there is no display.")
        return QMessageBox.StandardButton.No

    for method in ("exec", "exec_", "question", "warning", "information", "critical"):
        setattr(QMessageBox, method, staticmethod(answer))


def _has_dead_worker(tab: Any) -> bool:
    if tab.remote_process_client is not None:
        return False  # Its process is on another computer, which the tab watches.
    children = [getattr(worker, "child", None) for worker, _, _ in tab.workers.values()]
    return any(child is not None and child.poll() is not None for child in children)


def _restarting(tab: Any) -> bool:
    thread = getattr(tab, "_restart_thread", None)
    return thread is not None and thread.is_alive()


def _plain(html: str) -> str:
    text = re.sub(r"<[^>]*>", " ", html)
    return " ".join(unescape(text).split())[-_LONGEST_ERROR:]
