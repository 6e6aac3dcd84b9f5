"""The operator's pause on disk, so that it ends when he says so, however BLACS ends.

BLACS itself saves its pause button when it is closed: after a crash it would come up as it
was at some earlier close.
"""

import logging
import os
from pathlib import Path

NOTE = "operators_pause"
"""The file's name in the plugin's folder."""

logger = logging.getLogger("BLACS.shothub")


class PauseNote:
    """A file that exists as long as the operator's pause lasts.

    Attributes:
        left: whether the pause was left by an earlier run of BLACS.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.left = file.exists()

    def write(self, *, on: bool) -> None:
        """Note that the operator paused, or went on."""
        self.left = False
        try:
            if on:
                self._make()
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            # The pause itself holds; only the next start of BLACS may not know of it.
            logger.warning("The operator's pause is not noted: %s", error)

    def _make(self) -> None:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
