"""What the plugin needs of BLACS, and what it is told by it."""

from typing import Protocol

from shothub.suite.plugin.watch import Facts


class NothingToRun(Exception):
    """BLACS has no shot to run now; it sleeps a second and asks again."""


class Listener(Protocol):
    """Who is told what BLACS does."""

    def next_shot(self) -> str | None:
        """Wait for something to run.

        Returns:
            A shot of ours, or None if BLACS is to look into its own queue.

        Raises:
            NothingToRun: BLACS is paused or closing.
        """

    def starting(self) -> None:
        """The pseudoclock is started next; an exception keeps it from being started."""

    def put_back(self, path: str, error: str) -> bool:
        """BLACS puts a shot back into its queue; True keeps it out."""

    def is_busy(self, path: str) -> bool:
        """Tell whether nobody may submit this path now: it waits or runs."""

    def dropped(self, path: str, why: str) -> None:
        """A shot of the operator's own was taken out of BLACS's queue and will not run."""

    def stirred(self, *, by_operator: bool | None = None) -> None:
        """The queue or the pause button changed; the operator set it, if not None."""


class Machine(Protocol):
    """BLACS, from any thread."""

    def local_waiting(self) -> bool:
        """Tell whether the operator has a shot in BLACS's own queue."""

    def local_shots(self) -> list[str]:
        """Return the paths of the operator's shots in BLACS's own queue."""

    def start_anew(self) -> None:
        """Close BLACS as its window's button does, and have it started again."""

    def paused(self) -> bool:
        """Tell whether the pause button is pressed."""

    def pause(self, *, on: bool) -> None:
        """Press or release the pause button."""

    def closing(self) -> bool:
        """Tell whether BLACS is being closed."""

    def facts(self) -> Facts:
        """Return how BLACS is."""

    def settled(self) -> bool:
        """Tell whether no device is starting up or in error."""

    def restarting(self) -> bool:
        """Tell whether a device is being restarted, so that it would miss an order."""

    def click_abort(self) -> None:
        """Press the operator's abort button, if a shot can be aborted."""

    def look(self) -> None:
        """Wake the queue manager in a run: it then looks at the errors of its tabs."""

    def answer_for(self, names: frozenset[str]) -> None:
        """Tell the queue manager that these devices failed, as they cannot themselves."""

    def mark_dead(self, names: frozenset[str]) -> None:
        """Show the death of a worker as an error of its tab, which BLACS looks at."""

    def restart(self, names: frozenset[str]) -> None:
        """Restart the tabs of these devices, as their button does, unless they are."""

    def refusal(self, path: str) -> str:
        """Tell in words why BLACS could not run this shot file; empty if it can."""
