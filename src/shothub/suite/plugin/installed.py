"""The plugin for a BLACS that was not started by the launcher: its labconfig says where."""

from collections.abc import Mapping
from pathlib import Path

from labscript_utils.labconfig import LabConfig

from shothub.suite.plugin import entry
from shothub.suite.plugin.station import Station
from shothub.suite.plugin.watch import Patience


class Plugin(entry.Plugin):
    """shothub's plugin, with the state folder that the labconfig names."""

    def __init__(self, initial_settings: Mapping[str, object]) -> None:
        state = Path(LabConfig().get("shothub", "state"))
        super().__init__(initial_settings, Station(state, Patience()))
