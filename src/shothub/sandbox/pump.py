"""Takes what a running guest sends, within its limits, until it ends or must be ended."""

import os
import selectors
import signal
from collections.abc import Callable

from shothub.runtime import clock
from shothub.sandbox.framing import BadFrames, FrameReader
from shothub.sandbox.limits import Frame, GuestLimits

_PIECE = 1 << 18


class Pump:
    """Reads the frames and the print of one run.

    Attributes:
        reason: why the run was ended by the host; empty if it ended by itself.
        detail: more on that, in words.
        last: the last frame.
    """

    def __init__(
        self,
        limits: GuestLimits,
        *,
        frames: int,
        output: int,
        sink: Callable[[Frame], None],
    ) -> None:
        self._limits = limits
        self._reader = FrameReader(limits)
        self._frames, self._output, self._sink = frames, output, sink
        self._printed = bytearray()
        self._flood = 0
        self.reason, self.detail = "", ""
        self.last: Frame | None = None

    @property
    def output(self) -> str:
        """What the user's code printed, cut to the limit."""
        text = bytes(self._printed).decode(errors="replace")
        if self._flood > len(self._printed):
            text += f"\n… cut after {self._limits.output} bytes"
        return text

    def run(self, pidfd: int) -> None:
        """Read until both pipes are closed; end the process when it breaks a limit."""
        deadline = clock.monotonic() + self._limits.wall
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._frames, selectors.EVENT_READ, self._take_frames)
                selector.register(self._output, selectors.EVENT_READ, self._take_output)
                while selector.get_map() and not self.reason:
                    self._step(selector, deadline - clock.monotonic())
        finally:
            # Whatever happened, also in the sink: nothing of the run lives on.
            kill(pidfd)

    def _step(self, selector: selectors.BaseSelector, left: float) -> None:
        if left <= 0:
            self.reason = "wall_clock"
            return
        for key, _ in selector.select(left):
            piece = os.read(key.fd, _PIECE)
            if not piece:
                selector.unregister(key.fd)
            else:
                key.data(piece)

    def _take_output(self, piece: bytes) -> None:
        self._flood += len(piece)
        room = self._limits.output - len(self._printed)
        self._printed += piece[: max(0, room)]
        if self._flood > self._limits.flood:
            self.reason = "output"

    def _take_frames(self, piece: bytes) -> None:
        try:
            frames = self._reader.feed(piece)
        except BadFrames as error:
            self.reason, self.detail = "frames", str(error)
            return
        for frame in frames:
            self.last = frame
            self._sink(frame)


def kill(pidfd: int) -> None:
    """End a process at once; one that has ended already is well."""
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return
