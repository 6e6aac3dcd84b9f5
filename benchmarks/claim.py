"""Times leases while many shots wait: 100,000 on SQLite, 500,000 on PostgreSQL.

Fifty users, half of them in five groups, with jobs of fifty shots each. A lease is one poll
of an agent for one shot, from the lock of the apparatus to the commit, with every write on
disk; between two leases the shot is started and ended, so that tags move and turns change.
PostgreSQL is a server of its own for the run; without its programs SQLite alone is
measured. The last line is one JSON object: ``p50_ms`` and ``p99_ms`` are those of the
larger queue, the others carry the name of their database.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from shothub.server.main import migrate, prepare

ROOT = Path(__file__).resolve().parents[1]
SIZES = {"sqlite": 100_000, "postgresql": 500_000}


def measure(shots: int, data: Path) -> dict[str, float]:
    """Set a hub up in this process and measure there."""
    prepare(data)
    migrate()
    figures: dict[str, float] = import_module("_claims").measure(shots)
    return figures


def run_apart(backend: str, words: Sequence[str]) -> dict[str, float] | None:
    """Measure on one database in a process of its own; None if it is not there.

    Args:
        backend: ``sqlite`` or ``postgresql``.
        words: the program that measures and prints, with its arguments.
    """
    command = [sys.executable, *words]
    if backend == "postgresql":
        launcher = str(ROOT / "tests" / "postgres.py")
        command = [sys.executable, launcher, "--durable", *command]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SHOTHUB_")}
    with tempfile.TemporaryDirectory(prefix="shothub-bench-") as folder:
        done = subprocess.run(
            command,
            env=kept | {"SHOTHUB_DATA": folder},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode and "not installed" in done.stdout:
        return None
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        sys.stderr.write(f"{backend} was not measured\n")
        return None
    figures: dict[str, float] = json.loads(lines[-1])
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=tuple(SIZES), help="one database alone")
    options = parser.parse_args(arguments)
    if options.here:
        data = Path(os.environ["SHOTHUB_DATA"])
        sys.stdout.write(f"{json.dumps(measure(options.here, data))}\n")
        return
    figures: dict[str, float | int] = {}
    for backend, shots in SIZES.items():
        if options.only in {None, backend}:
            found = run_apart(backend, [__file__, "--here", str(shots)])
            for name, value in (found or {}).items():
                figures[f"{backend}_{name}"] = value
            if found:
                figures |= {
                    "p50_ms": found["lease_p50_ms"],
                    "p99_ms": found["lease_p99_ms"],
                    "shots": shots,
                }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
