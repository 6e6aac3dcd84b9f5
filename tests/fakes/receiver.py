"""A receiver of webhooks: a real HTTP server that answers as a test tells it."""

import json
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What came, and what is answered.

    Attributes:
        answers: status codes to answer with, in order; then 200 for ever.
        drip: seconds between two bytes of an endless answer; 0 for a plain one.
    """

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    drip: float = 0.0
    changed: threading.Condition = field(default_factory=threading.Condition)
    closed: threading.Event = field(default_factory=threading.Event)

    def url(self, host: str = "localhost", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/hook?from=shothub"

    def wait_for(self, number: int, seconds: float = 90.0) -> list[Received]:
        with self.changed:
            arrived = self.changed.wait_for(
                lambda: len(self.received) >= number, seconds
            )
            assert arrived, f"{len(self.received)} of {number} came"
            return list(self.received)


@contextmanager
def receiving(trust: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(size)
            kept = {name.lower(): value for name, value in self.headers.items()}
            with receiver.changed:
                receiver.received.append(Received(self.path, kept, body))
                status = receiver.answers.popleft() if receiver.answers else 200
                receiver.changed.notify_all()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://localhost:{receiver.port}/else")
            if receiver.drip:
                self.end_headers()
                self._drip()
            else:
                self.send_header("Content-Length", "0")
                self.end_headers()

        def _drip(self) -> None:
            try:
                while not receiver.closed.wait(receiver.drip):
                    self.wfile.write(b"x")
                    self.wfile.flush()
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if trust is not None:
        server.socket = trust.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closed.set()
        server.shutdown()
        server.server_close()
        thread.join()
