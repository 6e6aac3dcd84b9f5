"""What keeps shots or compilations from starting, looked at before every decision."""

from collections.abc import Callable
from pathlib import Path

from shothub.agent.events import HoldChanged
from shothub.agent.site import Site, changed_words, disk_free

OPERATORS_HOLD = "hold"
"""File in the state folder by which a person at the lab latches a hold; its text says why."""


LOOK_SECONDS = 1.0
"""How often the lab's own files are looked at."""


class Holds:
    """Looks at the disk, at the lab's files and at the operator's.

    Args:
        site: the apparatus.
        table: the compiled connection table.
        no_compile: why users' code cannot be run here, if it cannot.
        clock: monotonic seconds.
        jumps: why the computer's clock cannot be believed, if it cannot.
    """

    def __init__(
        self,
        *,
        site: Site,
        table: Path,
        no_compile: str = "",
        clock: Callable[[], float],
        jumps: Callable[[], str],
    ) -> None:
        self._jumps = jumps
        self._site = site
        self._table = table
        self._no_compile = no_compile
        self._clock = clock
        self._looked = -LOOK_SECONDS
        self._changed = ""

    def __call__(self) -> tuple[HoldChanged, int | None]:
        """Return what holds, and the free bytes of the shot storage."""
        free = min(disk_free(self._site.storage), disk_free(self._site.state))
        common = self._common(free)
        jumped = self._jumps()
        starts = self._operators() or common or jumped
        return HoldChanged(starts=starts, compiles=common or self._compiles()), free

    def _compiles(self) -> str:
        # The compiler looks for itself before and after each job; this is for people.
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            self._changed = self._site.changed()
        return self._no_compile or (self._changed and changed_words(self._changed))

    def _operators(self) -> str:
        file = self._site.state / OPERATORS_HOLD
        try:
            reason = file.read_text("utf-8", errors="replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            # A hold that cannot be read holds all the same.
            return f"The file {file} cannot be read: {error.strerror}."
        return reason or "The operator holds this apparatus."

    def _common(self, free: int) -> str:
        if free < self._site.minimum_free_bytes:
            return (
                f"The disk of the shots has {free:,} bytes left; the lab keeps"
                f" {self._site.minimum_free_bytes:,} free."
            )
        if not self._table.exists():
            return f"The compiled connection table {self._table} is missing."
        return ""
