"""The moody device's tab."""

from pathlib import Path

from blacs.device_base_class import DeviceTab
from user_devices.hand import reach_in


class MoodyTab(DeviceTab):
    """No outputs, one worker; ``fail tab`` keeps it from starting."""

    def initialise_GUI(self) -> None:  # noqa: N802 (BLACS's name)
        mood = Path(self._properties()["mood_file"])
        reach_in(mood.with_suffix(".hand"))
        if mood.read_text() == "fail tab":
            raise RuntimeError("the moody device does not like its tab")

    def initialise_workers(self) -> None:
        worker = "user_devices.moody.blacs_workers.MoodyWorker"
        self.create_worker("main_worker", worker, dict(self._properties()))
        self.primary_worker = "main_worker"

    def _properties(self) -> dict[str, str]:
        table = self.settings["connection_table"]
        found: dict[str, str] = table.find_by_name(self.device_name).properties
        return found
