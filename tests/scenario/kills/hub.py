"""The hub of the harness: its process, its database, and all that it has in the end."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from tests.postgres import for_another_hub
from tests.scenario.kills.processes import start_python

from shothub.runtime import clock

ROOT = Path(__file__).parents[3]
PATIENCE = 600.0
_SERVE = {True: "shothub", False: "tests.scenario.kills.unfenced"}
_ENROL = """
import json, sys
from pathlib import Path
from shothub.runtime import clock
from shothub.server import setup
setup(Path(sys.argv[1]))
from shothub.server.accounts.grant_services import grant
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.services import create_apparatus
now = clock.now()
users, machines = json.loads(sys.argv[2]), json.loads(sys.argv[3])
robot = create_user(username="robot", password=None, key="robot")
operator = create_user(username="operator", password=None, key="operator")
scopes = ["apparatus:read", "apparatus:control"]
tokens = {"operator": mint_token(user=operator, now=now, name="o", scopes=scopes)}
for name in machines:
    create_apparatus(name=name, now=now)
    grant(user=operator, apparatus=name, operator=True, now=now)
    tokens[name] = mint_token(user=robot, now=now, name=name, apparatus=name)
for name in users:
    user = create_user(username=name, password=None, key=name)
    tokens[name] = mint_token(user=user, now=now, name=name)
print(json.dumps(tokens))
"""
_BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_DUMP = """
import json, sys
from pathlib import Path
from shothub.server import setup
setup(Path(sys.argv[1]))
from shothub.server.jobs.models import Attempt, Job, Shot
from shothub.server.results.models import File, RoutineRun
counters = ("waiting", "leased", "started_now", "shots_done", "shots_failed",
            "shots_unknown", "pending", "shots")
tables = {
    "jobs": Job.objects.values("id", "name", "state", "owner__key", "apparatus__name",
                               "globals", "cancelled", *counters),
    "shots": Shot.objects.values("id", "job", "index", "state", "globals", "reason"),
    "attempts": Attempt.objects.values("id", "shot", "number", "outcome", "reason", "late"),
    "runs": RoutineRun.objects.values("job", "shot", "routine", "state", "values", "reason"),
    "files": File.objects.values("job", "shot", "name", "kind", "sha256"),
}
for name, rows in tables.items():
    for row in rows.order_by("pk").iterator():
        print(json.dumps({"table": name, **row}))
"""


class HubProcess:
    """The hub: started, killed, started again on the same data and port."""

    def __init__(self, folder: Path, *, fenced: bool) -> None:
        self.data = folder / "hub"
        self.log = folder / "hub.log"
        self._fenced = fenced
        roots = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        database = for_another_hub()
        self._database = database.get("SHOTHUB_DATABASE", "")
        self._environment = {"PYTHONPATH": os.pathsep.join(roots), **database}
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def start(self) -> None:
        """Start it; it answers some seconds later."""
        where = ("--data", str(self.data), "--port", str(self.port))
        words = ("-m", _SERVE[self._fenced], "server", *where)
        self._process = start_python(self.log, *words, environment=self._environment)

    def wait_until_it_answers(self) -> None:
        deadline = clock.monotonic() + PATIENCE
        while not self._answers():
            if not self.alive or clock.monotonic() > deadline:
                raise AssertionError(f"the hub does not answer: see {self.log}")
            clock.pause(0.05)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    @property
    def on_postgresql(self) -> bool:
        """Tell whether its database is a server whose processes can be killed."""
        return bool(self._database)

    def kill_backend(self, chance: random.Random) -> None:
        """Kill one of the processes of PostgreSQL that serve the hub; all of them end."""
        with psycopg.connect(self._database) as connection:
            rows = connection.execute(_BACKENDS).fetchall()
        if rows:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(rows)[0], signal.SIGKILL)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def enrol(self, users: Sequence[str], machines: Sequence[str]) -> dict[str, str]:
        """Make users, an operator and apparatus; return their tokens by name."""
        words = (json.dumps(list(users)), json.dumps(list(machines)))
        tokens: dict[str, str] = json.loads(self._run(_ENROL, *words).splitlines()[-1])
        return tokens

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of the tables that the audit reads."""
        tables: dict[str, list[dict[str, Any]]] = {}
        for line in self._run(_DUMP).splitlines():
            row = json.loads(line)
            tables.setdefault(row.pop("table"), []).append(row)
        return tables

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, str(self.data), *words],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            env={**os.environ, **self._environment},
        )
        return done.stdout
