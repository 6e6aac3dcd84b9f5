"""An unused uid for each warm process, when the host is root."""

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass

UIDS = range(61001, 61065)


class NoUidLeft(RuntimeError):
    """All uids that are set aside for guests are in use."""


@dataclass(frozen=True)
class Claim:
    """A uid that no other warm process on this machine has while this is held."""

    uid: int | None
    lock: socket.socket | None = None

    def release(self) -> None:
        """Give the uid back."""
        if self.lock is not None:
            self.lock.close()


def claim_uid(candidates: Iterable[int] = UIDS) -> Claim:
    """Claim a uid; when the host is an ordinary user, who may not choose, claim none.

    The lock is an abstract socket's name: the kernel frees it when its holder dies.

    Raises:
        NoUidLeft: all are taken.
    """
    if os.getuid() != 0:
        return Claim(None)
    for uid in candidates:
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0shothub-guest-uid-{uid}")
        except OSError:
            lock.close()
            continue
        return Claim(uid, lock)
    raise NoUidLeft
