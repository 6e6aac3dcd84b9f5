"""The plugin as BLACS loads it: an object with the methods that BLACS calls."""

import functools
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qtutils.qt.QtCore import QTimer

from shothub.runtime.clock import now
from shothub.suite.endpoint import make_secret, plugin_folder, write_endpoint
from shothub.suite.plugin.decisions import Desk
from shothub.suite.plugin.door import Door
from shothub.suite.plugin.inside import Inside, never_resume
from shothub.suite.plugin.journal import Journal
from shothub.suite.plugin.service import Service
from shothub.suite.plugin.watch import Patience
from shothub.wire.plugin import Endpoint

logger = logging.getLogger("BLACS.shothub")


class Plugin:
    """shothub's plugin.

    BLACS's own lyse submission and repeat modes leave shots of ours alone: the agent
    analyses them, and nothing runs twice.

    Args:
        initial_settings: what ``get_save_data`` returned when BLACS was last closed.
        state: state folder of the apparatus.
        patience: of the watchdog.
    """

    def __init__(
        self, initial_settings: Mapping[str, object], *, state: Path, patience: Patience
    ) -> None:
        never_resume()
        self._operators_pause = initial_settings.get("operators_pause") is True
        self._patience = patience
        self._boot = secrets.token_hex(8)
        self._folder = plugin_folder(state)
        secret = make_secret(self._folder)
        self._journal = Journal(self._folder / "journal.jsonl")
        self._door = Door(
            secret=secret,
            nonce=functools.partial(secrets.token_hex, 32),
            on_order=lambda order: self._working.obey(order),
            on_arrival=lambda: self._working.arrived(),
            on_leave=lambda: self._working.left(),
        )
        self._desk = Desk(boot=self._boot, ledger=self._journal, tell=self._door.tell)
        self._desk.read(self._journal.entries(), now())
        self._service: Service | None = None
        self._inside: Inside | None = None

    def plugin_setup_complete(self, BLACS: Mapping[str, Any]) -> None:  # noqa: N803
        self._inside = Inside(BLACS)
        self._service = Service(
            inside=self._inside,
            desk=self._desk,
            tell=self._door.tell,
            boot=self._boot,
            now=now,
            patience=self._patience,
        )
        paused = self._inside.paused()
        self._service.operators_pause = paused and self._operators_pause
        if paused and not self._operators_pause:
            self._inside.pause(False)
        self._inside.join(self._service)
        # Only when BLACS's main loop runs may shots be handed out and agents come in.
        QTimer.singleShot(0, self._open)

    def get_callbacks(self) -> dict[str, Callable[[str], object]]:
        if self._service is None:
            return {}
        service = self._service
        return {
            "pre_transition_to_buffered": service.programming,
            "science_over": service.science_over,
            "analysis_cancel_send": service.was_ours,
            "shot_complete": service.completed,
            "shot_ignore_repeat": service.was_ours,
        }

    def get_save_data(self) -> dict[str, object]:
        return {
            "operators_pause": bool(self._service and self._service.operators_pause)
        }

    def close(self) -> None:
        if self._service:
            self._service.close()
        self._door.close()

    def get_menu_class(self) -> None:
        return None

    def get_notification_classes(self) -> list[type]:
        return []

    def get_setting_classes(self) -> list[type]:
        return []

    def set_menu_instance(self, menu: object) -> None:
        pass

    def set_notification_instances(self, notifications: object) -> None:
        pass

    def shut_blacs(self) -> None:
        """Close BLACS as its window's button does; from any thread."""
        if self._inside:
            self._inside.close()

    @property
    def _working(self) -> Service:
        if self._service is None:
            raise RuntimeError("the door was opened before BLACS was ready")
        return self._service

    def _open(self) -> None:
        self._working.start()
        self._door.open()
        write_endpoint(
            self._folder,
            Endpoint(port=self._door.port, boot=self._boot, pid=os.getpid()),
        )
        logger.info("shothub's plugin listens on port %d", self._door.port)
