"""A hub in memory for the agent's tests: answers as scripted, remembers what it was told."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shothub.agent.hub import Fenced, HubError, NotAllowed, Refused, Unreachable
from shothub.wire.agents import (
    Accepted,
    Compiled,
    OpenSession,
    Poll,
    SessionOpened,
    Start,
    Started,
    UnderWay,
    Work,
)
from shothub.wire.problems import Problem


def problem(status: int, code: str) -> Problem:
    return Problem(type="t", title="t", status=status, code=code, detail="no")


UNREACHABLE = Unreachable("cut")
FENCED = Fenced(problem(409, "fenced"))
REFUSED = Refused(problem(409, "conflict"))
TOO_LARGE = Refused(problem(413, "too_large"))
DENIED = NotAllowed(problem(401, "bad_token"))


@dataclass
class FakeHub:
    """Each call takes the next of its ``troubles``, and succeeds when there is none."""

    troubles: dict[str, list[HubError | None]] = field(default_factory=dict)
    works: list[Work] = field(default_factory=list)
    under_way: list[UnderWay] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    compilations: dict[str, Compiled] = field(default_factory=dict)
    asked: list[tuple[int, int]] = field(default_factory=list)
    epoch: int = 0
    attempts: int = 100
    on_call: Callable[[str], None] = lambda _: None
    closed: threading.Event = field(default_factory=threading.Event)

    def _call(self, name: str) -> None:
        self.on_call(name)
        waiting = self.troubles.get(name)
        if waiting and (trouble := waiting.pop(0)):
            raise trouble

    def open_session(self, hello: OpenSession) -> SessionOpened:
        self._call("open_session")
        self.epoch += 1
        return SessionOpened(
            epoch=self.epoch,
            apparatus=hello.apparatus,
            lease_seconds=120.0,
            started=[each.attempt for each in self.under_way],
            under_way=self.under_way,
        )

    def poll(self, poll: Poll) -> Work:
        self._call("poll")
        if self.works:
            return self.works.pop(0)
        self.closed.wait(min(poll.wait, 0.2))
        return Work()

    def start(self, shot: int, start: Start) -> Started:
        self.asked.append((shot, start.fence))
        self._call("start")
        self.attempts += 1
        return Started(attempt=self.attempts, number=1)

    def compiled(self, job: str, compiled: Compiled) -> Accepted:
        self._call("compiled")
        self.compilations[job] = compiled
        return Accepted()

    def report(self, route: str, body: str) -> None:
        self._call("report")
        self.told.append((route, body))

    def upload(self, route: str, params: dict[str, str], file: Path) -> None:
        self._call("upload")
        self.told.append((route, params["sha256"]))
        self.uploads[route] = file.read_bytes()

    def close(self) -> None:
        self.closed.set()
