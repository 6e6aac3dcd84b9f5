"""A PostgreSQL server of one's own, from Debian's package: for tests and benchmarks.

It runs in a temporary folder on a free port and never as root; the cluster that the
package makes is neither needed nor touched. It ends with the process that started it,
even if that one is killed. As a program it runs a command on a fresh server:

    python tests/postgres.py [--durable] pytest tests/integration/server

sets ``SHOTHUB_DATABASE`` for the command. Without ``--durable`` the server forgets what
was written last if the machine fails, which is quick; for measurements it must not.
"""

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg

HOST = "127.0.0.1"
USER = "shothub"
_PATIENCE = 60.0
_QUICK = {"fsync": "off", "full_page_writes": "off"}
_ALWAYS = {
    "listen_addresses": HOST,
    "shared_buffers": "128MB",
    "deadlock_timeout": "200ms",
    "log_min_messages": "warning",
}


class NoPostgres(Exception):
    """PostgreSQL's programs are not installed: apt-get install postgresql."""


def programs() -> Path:
    """Return the folder of the newest PostgreSQL's programs.

    Raises:
        NoPostgres: there is none.
    """
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: float(path.parents[1].name),
    )
    if not found:
        raise NoPostgres(NoPostgres.__doc__)
    return found[-1].parent


class Postgres:
    """One server; a context manager.

    Args:
        durable: whether what was committed survives a power cut, as in production.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._settings = {**_ALWAYS, **({} if durable else _QUICK)}
        self._folder = Path(tempfile.mkdtemp(prefix="shothub-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    def __enter__(self) -> "Postgres":
        """Make the cluster and start the server."""
        try:
            self._make_cluster()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_cluster(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self._folder, *_unprivileged())
        initdb = [programs() / "initdb", "-D", self._data, "-U", USER, "-A", "trust"]
        how = ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            [*_as_nobody(), *map(str, initdb), *how],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Start the server, again if it was stopped, and wait until it answers."""
        options = [*("-D", str(self._data)), *("-p", str(self.port))]
        settings = self._settings | {"unix_socket_directories": str(self._folder)}
        for name, value in settings.items():
            options += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_nobody(), str(programs() / "postgres"), *options],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            return True
        return False

    def stop(self) -> None:
        """Stop the server at once, as a crash would; ``start`` recovers it."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_PATIENCE)
        self._process = None

    def log(self) -> str:
        """Return what the server has written."""
        return (self._folder / "log").read_text(errors="replace")

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{USER}@{HOST}:{self.port}/{name}"

    def fresh(self) -> str:
        """Make an empty database and return its address."""
        return fresh_database(self.url("postgres"))


def fresh_database(server: str) -> str:
    """Make an empty database beside the one that is named; return its address."""
    name = f"hub_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return server.rsplit("/", 1)[0] + f"/{name}"


def for_another_hub() -> dict[str, str]:
    """Return the environment that gives a hub process an empty database of its own.

    On SQLite that is none: its database is in its data folder.
    """
    server = os.environ.get("SHOTHUB_DATABASE", "")
    return {"SHOTHUB_DATABASE": fresh_database(server)} if server else {}


@contextmanager
def own_database() -> Iterator[None]:
    """Give the processes started within an empty database of their own."""
    kept = os.environ.get("SHOTHUB_DATABASE", "")
    os.environ.update(for_another_hub())
    try:
        yield
    finally:
        if kept:
            os.environ["SHOTHUB_DATABASE"] = kept


def _as_nobody() -> list[str]:
    """Return the command that drops root, and lets nothing outlive this process."""
    command = ["setpriv", "--pdeathsig", "QUIT"]
    if os.geteuid() == 0:
        uid, gid = _unprivileged()
        command += [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    return [*command, "--"]


def _unprivileged() -> tuple[int, int]:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return found.pw_uid, found.pw_gid
    raise RuntimeError("There is neither a user postgres nor a user nobody.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def main(arguments: Sequence[str]) -> int:
    """Run a command on a fresh server; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of __exit__
    try:
        with Postgres(durable=asked.durable) as server:
            environment = {**os.environ, "SHOTHUB_DATABASE": server.fresh()}
            return subprocess.run(
                asked.command, env=environment, check=False
            ).returncode
    except NoPostgres as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
