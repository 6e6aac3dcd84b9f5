"""What the agent needs of the parts around it; tests put fakes in their places."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from shothub.sandbox.limits import Frame, GuestEnd
from shothub.wire.agents import (
    Accepted,
    Compiled,
    OpenSession,
    Poll,
    SessionOpened,
    Start,
    Started,
    Work,
)
from shothub.wire.guests import AnalyseOrder, CompileOrder
from shothub.wire.plugin import Order


class HubPort(Protocol):
    """The hub; every method raises ``agent.hub.HubError``."""

    def open_session(self, hello: OpenSession) -> SessionOpened: ...

    def poll(self, poll: Poll) -> Work: ...

    def start(self, shot: int, start: Start) -> Started: ...

    def compiled(self, job: str, compiled: Compiled) -> Accepted: ...

    def report(self, route: str, body: str) -> None: ...

    def upload(self, route: str, params: dict[str, str], file: Path) -> None: ...

    def close(self) -> None: ...


class PluginPort(Protocol):
    """The plugin inside BLACS."""

    def start(self) -> None: ...

    def send(self, order: Order) -> None: ...

    def close(self) -> None: ...


class GuestPort(Protocol):
    """A warm process of the sandbox; one run at a time, the next one waits."""

    def run(
        self,
        order: CompileOrder | AnalyseOrder,
        *,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Callable[[Frame], None],
    ) -> GuestEnd: ...

    def close(self) -> None: ...
