"""The moody camera's tab: the product's own, with another worker."""

import os
from pathlib import Path

from user_devices.hand import reach_in

from shothub.sim.devices.blacs_tabs import SimulatedCameraTab


class MoodyCameraTab(SimulatedCameraTab):
    """A camera whose worker has moods; ``fail tab``, once, keeps the tab from starting."""

    def initialise_workers(self) -> None:
        mood = Path(os.environ["MOODY_CAMERA"])
        reach_in(mood.with_suffix(".hand"))
        if mood.exists() and mood.read_text() == "fail tab":
            mood.unlink()
            raise RuntimeError("the moody camera does not like its tab")
        table = self.settings["connection_table"]
        properties = table.find_by_name(self.device_name).properties
        worker = "user_devices.moody_camera.blacs_workers.MoodyCameraWorker"
        self.create_worker("main_worker", worker, {"camera_properties": properties})
        self.primary_worker = "main_worker"
