"""The moody device's worker."""

import os
import time
from pathlib import Path
from typing import Any

from blacs.tab_base_classes import Worker


class MoodyWorker(Worker):
    """Does what the file says: ``fail <step>``, ``die <step>`` or ``sleep <step>``.

    What it did is in the log beside that file: a line for each shot and step.
    """

    mood_file: str
    shot = ""

    def init(self) -> None:
        Path(self.mood_file).with_suffix(".pid").write_text(str(os.getpid()))
        self._feel("init")

    def program_manual(self, values: dict[str, Any]) -> dict[str, Any]:
        return {}

    def transition_to_buffered(
        self, _name: str, path: str, *_: object
    ) -> dict[str, Any]:
        self.shot = path
        self._feel("programming")
        return {}

    def transition_to_manual(self) -> bool:
        self._feel("saving")
        return True

    def abort_buffered(self) -> bool:
        return True

    def abort_transition_to_buffered(self) -> bool:
        return True

    def shutdown(self) -> None:
        pass

    def _feel(self, step: str) -> None:
        with Path(self.mood_file).with_suffix(".log").open("a") as log:
            log.write(f"{step} {self.shot}\n")
        mood = Path(self.mood_file).read_text()
        if mood == f"fail {step}":
            raise RuntimeError(f"the moody device does not like {step}")
        if mood == f"die {step}":
            os._exit(1)
        if mood == f"sleep {step}":
            time.sleep(3.0)
