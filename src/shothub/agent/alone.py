"""One agent for each state folder: an OS lock that is held as long as the agent lives."""

import fcntl
import os
from pathlib import Path

from shothub.domain.faults import Fault


class AnotherAgent(Exception):
    """Another agent already works in this state folder."""

    def __init__(self, folder: Path, owner: str) -> None:
        who = f" (process {owner})" if owner else ""
        self.fault = Fault(
            code="another_agent",
            detail=f"Another agent{who} already works in {folder}.",
            where=str(folder / "agent.lock"),
            hint="end that one first; each apparatus has one agent",
        )
        super().__init__(str(self.fault))


def hold_folder(folder: Path) -> int:
    """Return the descriptor that holds the folder's lock until it is closed.

    Raises:
        AnotherAgent: another process holds it.
    """
    lock = os.open(folder / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode("ascii", "replace").strip()
        os.close(lock)
        raise AnotherAgent(folder, owner) from None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def require_free(folder: Path) -> None:
    """Refuse at once, before anything slow is begun, where another agent works.

    Raises:
        AnotherAgent: another process holds the folder.
    """
    os.close(hold_folder(folder))
