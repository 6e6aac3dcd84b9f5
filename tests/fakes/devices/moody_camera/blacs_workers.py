"""The moody camera's worker."""

import os
from pathlib import Path
from typing import Any

from shothub.sim.devices.blacs_workers import SimulatedCameraWorker

VARIABLE = "MOODY_CAMERA"
"""Names the file with the mood: ``fail <step>`` or ``die <step>``, once; a log is beside."""


class MoodyCameraWorker(SimulatedCameraWorker):
    """Does what the file says, then the file is gone."""

    shot = ""

    def transition_to_buffered(self, *arguments: Any) -> dict[str, Any]:
        self.shot = str(arguments[1])
        self._feel("programming")
        return super().transition_to_buffered(*arguments)

    def transition_to_manual(self) -> bool:
        self._feel("saving")
        return super().transition_to_manual()

    def _feel(self, step: str) -> None:
        file = Path(os.environ[VARIABLE])
        with file.with_suffix(".log").open("a") as log:
            log.write(f"{step} {self.shot}\n")
        mood = file.read_text() if file.exists() else ""
        if not mood.endswith(step):
            return
        file.unlink()
        if mood.startswith("die"):
            os._exit(1)
        raise RuntimeError(f"the moody camera does not like {step}")
