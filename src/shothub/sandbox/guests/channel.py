"""How a guest sends frames."""

import json
import os
from collections.abc import Mapping

from shothub.wire.guests import FRAME

_CHUNK = 1 << 20


class Channel:
    """Writes frames into the pipe to the host."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[bytes] = []
        self._size = 0

    def send(self, kind: bytes, head: Mapping[str, object], body: bytes = b"") -> None:
        """Send a frame, together with others while they are small."""
        text = json.dumps(head, separators=(",", ":")).encode()
        self._waiting += (FRAME.pack(kind, len(text), len(body)), text, body)
        self._size += len(text) + len(body)
        if self._size > _CHUNK:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        data = memoryview(b"".join(self._waiting))
        self._waiting, self._size = [], 0
        while data:
            data = data[os.write(self._descriptor, data[:_CHUNK]) :]
