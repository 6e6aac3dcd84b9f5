"""A site for the agent's tests: hub and agent as processes, an apparatus folder, two users."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from shothub.client import Hub, Job, ShothubError
from shothub.domain.states import JOB_ENDS
from shothub.runtime import clock

LAB = Path(__file__).parents[2] / "src" / "shothub" / "sim" / "lab"
ENROL = """
import json, sys
from pathlib import Path
from shothub.runtime import clock
from shothub.server import setup
setup(Path(sys.argv[1]))
from shothub.server.accounts.grant_services import grant
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.services import create_apparatus
now = clock.now()
create_apparatus(name="sim", now=now)
users = {n: create_user(username=n, password=None, key=n) for n in ("alice", "bob", "bot")}
for name in ("alice", "bob"):
    grant(user=users[name], apparatus="sim", scripts=True, hdf5=True, now=now)
tokens = {n: mint_token(user=users[n], now=now, name="test") for n in ("alice", "bob")}
agent = mint_token(user=users["bot"], now=now, name="test", apparatus="sim")
print(json.dumps(tokens | {"agent": agent}))
"""
PATIENCE = 60.0


class AgentSite:
    """Processes and folders; a context manager.

    Attributes:
        line: address by which the agent calls the hub, if it is not the hub's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lab = folder / "lab"
        self.state = self.lab / "state"
        self.tokens: dict[str, str] = {}
        self.line = ""
        self._users: dict[str, Hub] = {}
        self._hub: subprocess.Popen[bytes] | None = None
        self._agent: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def __enter__(self) -> "AgentSite":
        shutil.copytree(LAB, self.lab, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            self.start_hub()
            self.tokens = self._enrol()
        except BaseException:
            self.kill_hub()
            raise
        return self

    def _enrol(self) -> dict[str, str]:
        enrolled = subprocess.run(
            [sys.executable, "-c", ENROL, str(self.folder / "hub")],
            stdout=subprocess.PIPE,
            check=True,
        )
        tokens: dict[str, str] = json.loads(enrolled.stdout.splitlines()[-1])
        return tokens

    def __exit__(self, *_: object) -> None:
        self.stop_agent()
        for hub in self._users.values():
            hub.close()
        self.kill_hub()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def user(self, name: str = "alice") -> Hub:
        if name not in self._users:
            self._users[name] = Hub(self.url, self.tokens[name])
        return self._users[name]

    def start_hub(self) -> None:
        data = str(self.folder / "hub")
        words = ["server", "--data", data, "--port", str(self.port)]
        self._hub = self._start("hub", *words)
        until("the hub answers", self._hub_answers)

    def kill_hub(self) -> None:
        if self._hub:
            self._hub.kill()
            self._hub.wait()

    def _hub_answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def launch_agent(self, token: str = "") -> subprocess.Popen[bytes]:
        return self.launch_agent_by("--token", token or self.tokens["agent"])

    def launch_agent_by(self, *access: str) -> subprocess.Popen[bytes]:
        """Start an agent that proves itself by these options."""
        words = ["agent", "--apparatus", str(self.lab), "--hub", self.line or self.url]
        return self._start("agent", *words, *access)

    def start_agent(self, *access: str) -> None:
        self._agent = self.launch_agent_by(*access) if access else self.launch_agent()
        until("the agent is connected", self._machine_is_there)

    def kill_agent(self) -> None:
        """Kill the agent without warning."""
        if self._agent:
            self._agent.kill()
            self._agent.wait()

    def stop_agent(self) -> int | None:
        """End the agent politely; return its exit code."""
        if self._agent is None or self._agent.poll() is not None:
            return None
        self._agent.send_signal(signal.SIGTERM)
        return self._agent.wait(30)

    def _machine_is_there(self) -> bool:
        if self._agent and self._agent.poll() is not None:
            raise AssertionError(f"the agent ended:\n{self.log('agent')}")
        return self.log("agent").count("session ") > 0 and self.blacs() != "absent"

    def blacs(self) -> str:
        try:
            return self.user().apparatus("sim").refresh().view.status.blacs
        except ShothubError:
            return "absent"

    def admin(self, *words: str) -> str:
        """Run a command of the hub's admin; return what it printed."""
        command = [sys.executable, "-m", "shothub", "admin", *words]
        command += ["--data", str(self.folder / "hub")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def hold(self) -> str:
        return self.user().apparatus("sim").refresh().view.status.hold

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "shothub", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def submit(self, points: int = 2, user: str = "alice") -> Job:
        tof = [5e-3 + 1e-3 * i for i in range(points)]
        return (
            self.user(user)
            .apparatus("sim")
            .run(procedure="bec_tof", globals={"tof": tof})
        )

    def finished(self, job: Job) -> Job:
        until(f"job {job.id} has ended", lambda: job.refresh().state in JOB_ENDS)
        return job


def until(what: str, ready: "object", seconds: float = PATIENCE) -> None:
    """Wait for a process of its own, which can only be asked."""
    deadline = clock.monotonic() + seconds
    while not ready():  # type: ignore[operator]
        if clock.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        clock.pause(0.05)
