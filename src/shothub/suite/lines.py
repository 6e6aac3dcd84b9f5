"""Lines of JSON over a socket whose two ends have proved that they share a secret."""

import hmac
import json
import socket
from contextlib import suppress
from hashlib import sha256
from threading import Lock
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from shothub.wire.plugin import Answer, Challenge, Welcome

LONGEST_LINE = 256 * 1024
GREETING_SECONDS = 5.0

M = TypeVar("M", bound=BaseModel)


class BadPeer(Exception):
    """The other end did not prove that it knows the secret, or it sent garbage."""


class LineStream:
    """Lines over a connected socket; one thread reads, any thread writes."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()
        self._writing = Lock()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> bytes | None:
        """Return the next line without its end, or None at the end of the stream.

        Raises:
            BadPeer: the line is longer than LONGEST_LINE.
            OSError: the connection broke.
        """
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise BadPeer("a line without an end")
            if not (chunk := self._socket.recv(65536)):
                return None
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def expect(self, kind: type[M]) -> M:
        """Return the next line read as a message of this kind.

        Raises:
            BadPeer: it is none.
        """
        line = self.read()
        if line is None:
            raise BadPeer("the connection ended")
        try:
            return kind.model_validate_json(line)
        except ValidationError as error:
            raise BadPeer(f"no {kind.__name__}") from error

    def write(self, message: BaseModel) -> None:
        """Send one message.

        Raises:
            OSError: the connection broke.
        """
        text = json.dumps(message.model_dump(mode="json"), separators=(",", ":"))
        with self._writing:
            self._socket.sendall(text.encode() + b"\n")

    def patience(self, seconds: float | None) -> None:
        """Let reads and writes fail after this long; None: never."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """End the connection; a read under way returns None or fails."""
        with suppress(OSError):  # The other end may have been faster.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def greet_as_plugin(stream: LineStream, secret: bytes, nonce: str) -> None:
    """Let the other end in if it knows the secret; ``nonce`` is used this once.

    Raises:
        BadPeer: it does not.
        OSError: the connection broke or the other end kept silent.
    """
    stream.patience(GREETING_SECONDS)
    stream.write(Challenge(nonce=nonce))
    answer = stream.expect(Answer)
    if not hmac.compare_digest(
        answer.proof, _proof(secret, "agent", nonce, answer.nonce)
    ):
        raise BadPeer("a wrong proof")
    stream.write(Welcome(proof=_proof(secret, "plugin", nonce, answer.nonce)))
    stream.patience(None)


def greet_as_agent(stream: LineStream, secret: bytes, nonce: str) -> None:
    """Prove to the plugin that we know the secret, and have it prove the same.

    Raises:
        BadPeer: it is not our plugin.
        OSError: the connection broke or the other end kept silent.
    """
    stream.patience(GREETING_SECONDS)
    challenge = stream.expect(Challenge)
    proof = _proof(secret, "agent", challenge.nonce, nonce)
    stream.write(Answer(nonce=nonce, proof=proof))
    welcome = stream.expect(Welcome)
    if not hmac.compare_digest(
        welcome.proof, _proof(secret, "plugin", challenge.nonce, nonce)
    ):
        raise BadPeer("a wrong proof")
    stream.patience(None)


def _proof(
    secret: bytes, role: Literal["agent", "plugin"], theirs: str, ours: str
) -> str:
    text = f"shothub plugin channel 1\n{role}\n{theirs}\n{ours}"
    return hmac.new(secret, text.encode(), sha256).hexdigest()
