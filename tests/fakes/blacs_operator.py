"""What a person does at BLACS's window, by way of the hand in one of its tabs."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shothub.runtime import clock

PATIENCE = 60.0


class Operator:
    """A person in front of BLACS.

    Args:
        file: where the hand in BLACS says on which port it listens.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def do(self, expression: str) -> Any:
        """Evaluate an expression over BLACS's ``app`` in its main thread.

        A BLACS that is just starting is waited for: until its tab listens, the file names
        the port of the one before.
        """
        deadline = clock.monotonic() + PATIENCE
        while True:
            try:
                return self._do(expression)
            except ConnectionRefusedError:
                if clock.monotonic() > deadline:
                    raise
                clock.pause(0.1)

    def _do(self, expression: str) -> Any:
        port = int(self._file.read_text())
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as talk,
            talk.makefile("rw") as stream,
        ):
            stream.write(expression + "\n")
            stream.flush()
            answer = json.loads(stream.readline())
        assert "error" not in answer, answer
        return answer["value"]

    def wait(self, what: str, ready: Callable[[], object]) -> None:
        """Wait until it is so."""
        deadline = clock.monotonic() + PATIENCE
        while not ready():
            if clock.monotonic() > deadline:
                sees = self.sees() if self.is_there() else "BLACS is not there"
                raise AssertionError(f"not in time: {what}; {sees}")
            clock.pause(0.05)

    def is_there(self) -> bool:
        """Tell whether BLACS's window is open."""
        try:
            return bool(self._do("app is not None and app.ui.isVisible()"))
        except (OSError, ValueError):
            return False

    def sees(self) -> dict[str, Any]:
        """Return what the window shows."""
        return {
            "status": self.do("app.queue.get_status()"),
            "paused": self.do("app.queue.manager_paused"),
            "alive": self.do("app.queue.manager.is_alive()"),
            "rows": self.rows(),
        }

    def rows(self) -> list[str]:
        """Return the paths in BLACS's queue."""
        model = "app.queue._model"
        rows = f"[{model}.item(i).text() for i in range({model}.rowCount())]"
        return list(self.do(rows))

    def abort(self) -> None:
        """Press the abort button, once it can be pressed."""
        button = "app.queue._ui.queue_abort_button"
        self.wait("the abort button", lambda: self.do(f"{button}.isEnabled()"))
        self.do(f"{button}.click()")

    def pause(self, *, on: bool) -> None:
        """Press the pause button if it is not so yet."""
        button = "app.queue._ui.queue_pause_button"
        if self.do(f"{button}.isChecked()") != on:
            self.do(f"{button}.click()")

    def repeat(self, *, on: bool) -> None:
        """Press the repeat button if it is not so yet."""
        button = "app.queue._ui.queue_repeat_button"
        if self.do(f"{button}.isChecked()") != on:
            self.do(f"{button}.click()")

    def clear(self) -> None:
        """Empty BLACS's queue."""
        self.do("app.queue._toggle_clear()")

    def restart_tab(self, name: str) -> None:
        """Press the restart button of a device's tab."""
        self.do(f"app.tablist[{name!r}]._ui.button_restart.click()")

    def mode(self, name: str) -> int:
        """Return the mode of a device's tab: 1 is manual, 8 is buffered."""
        return int(self.do(f"app.tablist[{name!r}].mode"))

    def restart_blacs(self) -> None:
        """Do what BLACS's restart menu does once the table is compiled."""
        blacs = "app.plugins['connection_table'].BLACS"
        # Later, so that we are answered even if BLACS crashes in closing.
        close = f"__import__('qtutils').inmain_later({blacs}['ui'].close)"
        self.do(f"({blacs}['set_relaunch'](True), {close}, None)[2]")
