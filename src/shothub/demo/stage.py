"""The demo's stage: a folder with a lab, a hub, an agent and the stock BLACS, running."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shothub.agent import prepare
from shothub.client import Hub
from shothub.client.errors import ShothubError
from shothub.demo.processes import Program, start
from shothub.runtime import clock
from shothub.suite.blacs import StockBlacs, start_blacs
from shothub.suite.profile import suite_environment

Say = Callable[[str], None]
HOST = "127.0.0.1"
_PATIENCE = 120.0


class NotReady(Exception):
    """A program of the demo did not come up; the message says which and why."""


@dataclass(frozen=True)
class Member:
    """A user of the demo with what he needs to log in, by browser and by program."""

    name: str
    password: str
    token: str
    url: str

    def hub(self) -> Hub:
        """Return the SDK, logged in as this user."""
        return Hub(self.url, self.token)


@dataclass
class Stage:
    """Everything of the demo, in one folder; a context manager.

    Attributes:
        folder: where all of it lives; used again if it exists.
        make_lab: writes the apparatus folder, if there is none.
        names: the users; all may write scripts and download HDF5 files.
        apparatus: name of the apparatus, as in its ``apparatus.toml``.
        port: of the hub; 0 for a free one.
        say: tells the person in front what happens.
    """

    folder: Path
    make_lab: Callable[[Path], None]
    names: Sequence[str] = ("alice", "bob")
    apparatus: str = "sim"
    port: int = 0
    say: Say = lambda _: None
    members: dict[str, Member] = field(default_factory=dict)
    programs: list[Program] = field(default_factory=list)
    blacs: StockBlacs | None = None

    @property
    def lab(self) -> Path:
        """The apparatus folder."""
        return self.folder / "apparatus"

    @property
    def url(self) -> str:
        """Address of the hub."""
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> "Stage":
        """Start everything and wait until the machine is idle."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stop()

    def _start(self) -> None:
        self.port = self.port or _free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.lab.exists():
            self.say("Writing the example lab …")
            self.make_lab(self.lab)
        self.say("Starting the hub …")
        self.start_hub()
        self._enrol()
        self.say("Compiling the connection table …")
        prepared = prepare.prepare(self.lab)
        self.say("Starting the stock BLACS …")
        self.start_blacs(prepared.state)
        self.say("Starting the agent …")
        self.start_agent()
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until the hub sees the agent and a BLACS that does nothing.

        Raises:
            NotReady: that takes too long.
        """
        self._until("agent and BLACS", self._machine_is_idle)

    def start_hub(self) -> None:
        self._run(
            "hub",
            "server",
            "--data",
            str(self.folder / "hub"),
            "--host",
            HOST,
            "--port",
            str(self.port),
        )
        self._until("hub", self._hub_answers)

    def start_agent(self) -> Program:
        """Start the agent, again if it was stopped."""
        return self._run(
            "agent",
            "agent",
            "--apparatus",
            str(self.lab),
            "--hub",
            self.url,
            "--token-file",
            str(self.folder / "agent.token"),
        )

    def start_blacs(self, state: Path) -> None:
        """Start the stock BLACS with the plugin, without a screen."""
        environment = suite_environment(state / "profile", offscreen=True)
        self.blacs = start_blacs(state, environment, offscreen=True)

    def keep_blacs(self) -> None:
        """Start BLACS again if it has ended; the agent finds it by itself.

        Raises:
            BlacsFailed: it does not start.
        """
        if self.blacs and not self.blacs.running:
            self.say("BLACS has ended; starting it again …")
            self.blacs.kill()  # what it left of its workers
            self.blacs.start()

    def _run(self, name: str, *arguments: str) -> Program:
        log = self.folder / "logs" / f"{name}.log"
        program = start(name, ("shothub", *arguments), log=log)
        self.programs.append(program)
        return program

    def _enrol(self) -> None:
        """Make the apparatus, the users and their tokens at the hub."""
        ended = subprocess.run(  # noqa: S603  (our own program)
            [
                *(sys.executable, "-m", "shothub.demo.enrolment"),
                *("--data", str(self.folder / "hub"), "--apparatus", self.apparatus),
                *self.names,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise NotReady(f"The users could not be made:\n{ended.stderr}")
        made = json.loads(ended.stdout)
        _write_secret(self.folder / "agent.token", made["agent"])
        self.members = {
            name: Member(name, password, token, self.url)
            for name, (password, token) in made["members"].items()
        }

    def _until(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = clock.monotonic() + _PATIENCE
        while not ready():
            self.check()
            if clock.monotonic() > deadline:
                raise NotReady(
                    f"The {what} did not come up within {_PATIENCE:.0f} s; see"
                    f" {self.folder / 'logs'}"
                )
            clock.pause(0.1)

    def check(self) -> None:
        """Raise ProgramEnded if one of the programs does not run any more."""
        for program in self.programs:
            program.check()

    def _hub_answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex((HOST, self.port)) == 0

    def _machine_is_idle(self) -> bool:
        try:
            machine = next(iter(self.members.values())).hub().apparatus(self.apparatus)
        except ShothubError:
            return False
        view = machine.view
        return view.online and view.status.blacs == "idle"

    def stop(self) -> None:
        """Stop all programs: the agent first, the hub last."""
        self.stop_machine()
        for program in self.programs:
            program.stop()
        self.programs.clear()

    def stop_machine(self) -> None:
        """Stop the agent and BLACS; the hub goes on."""
        for program in [p for p in self.programs if p.name == "agent"]:
            program.stop()
            self.programs.remove(program)
        if self.blacs:
            self.blacs.stop()
            self.blacs = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _write_secret(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
