"""Bytes of a guest's pipe become frames, bounded in number and size."""

from shothub.sandbox.limits import Frame, GuestLimits
from shothub.wire.guests import FRAME

KINDS = frozenset(b"BNSRPAFE")
MAX_HEAD = 4_000_000


class BadFrames(ValueError):
    """The guest sent what is no frame, or more than it may."""


class FrameReader:
    """Cuts a stream into frames; never holds more than one frame beyond what was fed."""

    def __init__(self, limits: GuestLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._frames = 0
        self._bytes = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes and return the frames that are complete now.

        Raises:
            BadFrames: the stream is malformed or too long.
        """
        self._bytes += len(data)
        if self._bytes > self._limits.frame_bytes:
            raise BadFrames(f"more than {self._limits.frame_bytes} bytes of results")
        self._buffer += data
        frames, position = [], 0
        while (size := self._next_size(position)) is not None:
            frames.append(self._frame(position))
            position += size
        del self._buffer[:position]
        return frames

    @property
    def incomplete(self) -> bool:
        """Whether the stream stopped inside a frame."""
        return bool(self._buffer)

    def _next_size(self, position: int) -> int | None:
        """Return the size of the frame at ``position`` if all of it is there."""
        if len(self._buffer) - position < FRAME.size:
            return None
        kind, head, body = FRAME.unpack_from(self._buffer, position)
        if kind[0] not in KINDS or head > MAX_HEAD or body > self._limits.frame_bytes:
            raise BadFrames("what came is no frame")
        size: int = FRAME.size + head + body
        return size if len(self._buffer) - position >= size else None

    def _frame(self, position: int) -> Frame:
        self._frames += 1
        if self._frames > self._limits.frames:
            raise BadFrames(f"more than {self._limits.frames} parts of results")
        kind, head, body = FRAME.unpack_from(self._buffer, position)
        start = position + FRAME.size
        middle, end = start + head, start + head + body
        with memoryview(self._buffer) as view:
            return Frame(kind, bytes(view[start:middle]), bytes(view[middle:end]))
