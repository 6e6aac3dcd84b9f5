"""Hub processes for tests, any number of them on one PostgreSQL database."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

SERVE = (
    "import sys; from pathlib import Path; from shothub.server.main import serve;"
    "sys.exit(serve(port=0, data=Path(sys.argv[1])))"
)
ADMIN = "from shothub.server.admin_cli import admin_app; admin_app()"
CHECK = (
    "import sys; from pathlib import Path; from shothub.server.main import serve;"
    "sys.exit(serve(only_check=True, data=Path(sys.argv[1])))"
)


def environment(database: str) -> dict[str, str]:
    hidden = ("SHOTHUB_", "DJANGO_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    return kept | {"SHOTHUB_DATABASE": database}


def run(code: str, data: Path, database: str, *words: str) -> tuple[int, str]:
    """Run a program of the hub to its end; return its status and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment(database) | {"SHOTHUB_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@dataclass
class HubProcess:
    """One ``shothub server`` on a free port; a context manager."""

    data: Path
    database: str
    url: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def __enter__(self) -> "HubProcess":
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(self.data)],
            env=environment(self.database),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process
        assert self._process.stdout
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(20) == 0
        self._process.stdout.close()

    def run(self, code: str) -> str:
        """Run a program beside the hub and return what it printed."""
        status, printed = run(code, self.data, self.database)
        assert status == 0, printed
        return printed.strip()

    def client(self, token: str) -> httpx.Client:
        """Return a caller with a credential."""
        return httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
