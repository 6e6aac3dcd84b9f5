"""One apparatus of the harness: a machine and its agent, and how they are killed."""

import random
import signal
import sqlite3
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.scenario.kills import agent, machine
from tests.scenario.kills.lab import make_apparatus, prepared
from tests.scenario.kills.processes import Forked

from shothub.agent.main import FENCED

STATES = ("state", "state-b")
"""The folders of two agents for one machine, as if on two computers."""


class AgentFailed(AssertionError):
    """An agent ended by itself, though nobody fenced it."""


class ApparatusProcesses:
    """The processes of one apparatus.

    Attributes:
        oracle: the machine's append-only log of all that it ran.
        unexpected: how often an agent ended by itself because it was fenced.
    """

    def __init__(
        self, context: ForkServerContext, folder: Path, name: str, url: str, token: str
    ) -> None:
        self.name = name
        self.folder = make_apparatus(folder / name, name)
        self.oracle = self.folder / "oracle.jsonl"
        self._context = context
        self._words = (url, token)
        self._log = folder
        self._machine: Forked | None = None
        self._agents: dict[str, Forked] = {}
        self._stopped: set[str] = set()
        self._read, self._runs = 0, 0
        self.state = STATES[0]
        for state in STATES:
            prepared(self.folder, state)
        plugin = self.folder / STATES[0] / "plugin"
        plugin.mkdir()
        (self.folder / STATES[1] / "plugin").symlink_to(plugin)

    def start(self) -> None:
        """Start machine and agent, whichever is not there."""
        self.start_machine()
        self.start_agent()

    def start_machine(self) -> None:
        if self._machine is None or not self._machine.alive:
            log = self._log / f"{self.name}.machine.log"
            words = (self.folder / STATES[0], self.oracle)
            self._machine = Forked(self._context, log, machine.main, *words)

    def start_agent(self) -> None:
        now = self._agents.get(self.state)
        if now is None or not now.alive:
            log = self._log / f"{self.name}.agent.log"
            words = (self.folder, self.state, *self._words)
            self._agents[self.state] = Forked(self._context, log, agent.main, *words)

    def kill_machine(self) -> None:
        if self._machine:
            self._machine.kill()

    def kill_agent(self) -> None:
        self._agents[self.state].kill()

    def pause(self, what: str, *, on: bool) -> None:
        """Stop machine or agent as a computer that sleeps does, or let it go on."""
        process = self._machine if what == "machine" else self._agents[self.state]
        if process:
            process.signal(signal.SIGSTOP if on else signal.SIGCONT)

    def take_over(self) -> None:
        """Stop the agent as if its computer hung, and start another in its place."""
        old = self.state
        self._agents[old].signal(signal.SIGSTOP)
        self._stopped.add(old)
        self.state = STATES[1 - STATES.index(old)]
        self.start_agent()

    def wake_zombies(self) -> None:
        """Let the agents go on that were taken over."""
        for state in self._stopped:
            self._agents[state].signal(signal.SIGCONT)
        self._stopped.clear()

    @property
    def runs(self) -> int:
        """How many shots the machine has begun."""
        if self.oracle.exists():
            with self.oracle.open("rb") as stream:
                stream.seek(self._read)
                new = stream.read()
            self._read, self._runs = (
                self._read + len(new),
                self._runs + new.count(b"\n"),
            )
        return self._runs

    @property
    def has_zombie(self) -> bool:
        return any(
            process.alive
            for state, process in self._agents.items()
            if state != self.state
        )

    def look_after(self) -> None:
        """Start what is not there; the agent that was not fenced is the present one.

        Raises:
            AgentFailed: an agent ended with an exit code that fencing does not explain.
        """
        for state, process in self._agents.items():
            if process.exit_code not in (None, FENCED, -signal.SIGKILL):
                log = self._log / f"{self.name}.agent.log"
                raise AgentFailed(f"exit code {process.exit_code} ({state}): see {log}")
        alive = [state for state, process in self._agents.items() if process.alive]
        if alive and self.state not in alive and not self._stopped:
            self.state = alive[0]
        self.start()

    def end_agents(self) -> None:
        """End all agents politely: what they had begun to deliver is delivered."""
        self.wake_zombies()
        for process in self._agents.values():
            process.signal(signal.SIGTERM)
        for process in self._agents.values():
            if not process.wait(30):
                process.kill()

    def swap_agents(self) -> None:
        """Let the other one of the two agents speak."""
        self.end_agents()
        self._agents.clear()
        self.state = STATES[1 - STATES.index(self.state)]
        self.start_agent()

    def undelivered(self, state: str) -> int:
        """Return how much the agent of a state folder has still to deliver."""
        journal = self.folder / state / "agent.sqlite3"
        if not journal.exists():
            return 0
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
            rows = db.execute(
                "SELECT (SELECT count(*) FROM outbox WHERE refused = ''), (SELECT"
                " count(*) FROM attempts WHERE outcome = 'done' AND analysed = 0)"
            ).fetchone()
        return int(rows[0]) + int(rows[1])

    def refused(self) -> list[str]:
        """Return what the hub refused for good, but for tasks that it gave out again."""
        found: list[str] = []
        for state in STATES:
            journal = self.folder / state / "agent.sqlite3"
            if journal.exists():
                with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
                    query = (
                        "SELECT route, refused FROM outbox WHERE refused != '' AND NOT"
                        " (route LIKE 'jobs/%/analysed' AND refused LIKE '%(fenced%')"
                    )
                    found += [f"{route}: {why}" for route, why in db.execute(query)]
        return found

    def end(self) -> None:
        """End everything at once."""
        self.wake_zombies()
        for process in self._agents.values():
            process.kill()
        self.kill_machine()


def choose(weights: dict[str, float], chance: random.Random) -> str:
    """Return one of the names, by weight."""
    return chance.choices(list(weights), list(weights.values()))[0]
