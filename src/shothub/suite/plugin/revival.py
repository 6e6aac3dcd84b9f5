"""Whether BLACS may be started anew by itself when the thread of its queue has ended.

A thread that ended takes nothing more, whoever submits, until BLACS is started again.
That is what a person would do; it is done for him where BLACS was started by ``shothub
blacs``, not too often, and only while the disk has room for what BLACS saves in closing.
"""

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

MOST = 3
WITHIN = timedelta(hours=1)
ROOM = 5_000_000
"""Bytes that must be free in the state folder."""

BY_HAND = "It was not started by `shothub blacs`, so a person must do that."
OFTEN = f"That happened {MOST} times within an hour, so a person must look at it first."
NO_ROOM = "That waits until the disk of the state folder has room again."
AT_ONCE = "It is being started anew."


class Revival:
    """Decides whether BLACS is started anew, and says so.

    Args:
        state: state folder of the apparatus.
        able: whether BLACS was started by something that can start it again.
        earlier: when it was, lately.
        now: tells the time.
    """

    def __init__(
        self,
        state: Path,
        *,
        able: bool = False,
        earlier: Sequence[datetime] = (),
        now: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._able = able
        self._now = now
        self._under_way = False
        self.earlier = [moment for moment in earlier if now() - moment < WITHIN]

    @property
    def words(self) -> str:
        """What will be done, for people."""
        if self._under_way:
            return AT_ONCE
        if not self._able:
            return BY_HAND
        if len(self.earlier) >= MOST:
            return OFTEN
        return AT_ONCE if self._room() else NO_ROOM

    def due(self) -> bool:
        """Tell whether to start BLACS anew now; true once."""
        if self._under_way or self.words != AT_ONCE:
            return False
        self._under_way = True
        self.earlier.append(self._now())
        return True

    def _room(self) -> bool:
        return shutil.disk_usage(self._state).free >= ROOM
