"""A mail server that keeps what it is sent: enough of SMTP for Python's client."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """What came, and who is refused.

    Attributes:
        refused: addresses that are answered with 550.
        busy: how many conversations to answer with 421 at once.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    busy: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, number: int, seconds: float = 90.0) -> list[EmailMessage]:
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(self.mails) >= number, seconds)
            assert arrived, f"{len(self.mails)} of {number} came"
            return list(self.mails)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server on a free port of this machine."""
    server = MailServer()

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if server.busy:
                server.busy -= 1
                self._say("421 busy, come back later")
                return
            self._say("220 mail.test ready")
            while line := self.rfile.readline():
                word = line.decode().strip().upper()
                if word.startswith("RCPT TO:"):
                    address = line.decode().partition("<")[2].partition(">")[0]
                    bad = address in server.refused
                    self._say("550 no such user" if bad else "250 fine")
                elif word == "DATA":
                    self._say("354 go on")
                    self._keep()
                    self._say("250 kept")
                elif word == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 fine")

        def _keep(self) -> None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b".") if line[:2] == b".." else line)
            mail = message_from_bytes(b"".join(lines), policy=policy.default)
            with server.changed:
                server.mails.append(mail)
                server.changed.notify_all()

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Listener(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Listener(("127.0.0.1", 0), Conversation) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(
            target=listener.serve_forever, args=(0.05,), daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
