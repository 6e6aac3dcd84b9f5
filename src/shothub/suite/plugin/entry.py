"""The plugin as BLACS loads it: an object with the methods that BLACS calls."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from qtutils.qt.QtCore import QTimer

from shothub.suite.plugin.inside import Inside, never_resume
from shothub.suite.plugin.service import Service
from shothub.suite.plugin.station import Station


class Plugin:
    """shothub's plugin.

    BLACS's own lyse submission and repeat modes leave shots of ours alone: the agent
    analyses them, and nothing runs twice.

    Args:
        initial_settings: what ``get_save_data`` returned when BLACS was last closed; not
            looked at, as it is not of the last run if that one crashed.
        station: all of the plugin but BLACS.
        relaunch: told whether BLACS is to start again when it has been closed, in place
            of BLACS's own way, which leaves a process that nobody waits for.
    """

    def __init__(
        self,
        initial_settings: Mapping[str, object],
        station: Station,
        relaunch: Callable[[bool], None] | None = None,
    ) -> None:
        self._relaunch = relaunch
        never_resume()
        self._station = station
        self._service: Service | None = None
        self._inside: Inside | None = None

    def plugin_setup_complete(self, BLACS: MutableMapping[str, Any]) -> None:  # noqa: N803
        if self._relaunch:
            BLACS["set_relaunch"] = self._relaunch
        self._inside = Inside(BLACS)
        self._service = self._station.attach(self._inside)
        self._inside.pause(on=self._service.operators_pause)
        self._inside.join(self._service)
        # Only when BLACS's main loop runs may shots be handed out and agents come in.
        QTimer.singleShot(0, self._station.open)

    def get_callbacks(self) -> dict[str, Callable[[str], object]]:
        if self._service is None:
            return {}
        return {
            "pre_transition_to_buffered": self._service.programming,
            "science_over": self._service.science_over,
            "analysis_cancel_send": self._service.was_ours,
            "shot_complete": self._service.completed,
            "shot_ignore_repeat": self._service.was_ours,
        }

    def get_save_data(self) -> dict[str, object]:
        return {}

    def close(self) -> None:
        self._station.close()

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
