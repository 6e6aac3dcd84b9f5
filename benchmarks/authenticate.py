"""Times how long the hub takes to find out whom a token stands for, on both databases.

A thousand users with five tokens each, half of them in groups that hold grants. A token's
first use in a minute is written down, which is measured apart (``first_use``): it waits for
the disk. ``p50_ms`` and ``p99_ms`` are those of every other use, the slower database's;
``refused`` and ``mistyped`` are of tokens that open nothing. The last line is one JSON object.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from claim import run_apart

from shothub.server.main import migrate, prepare

BACKENDS = ("sqlite", "postgresql")


def measure(data: Path) -> dict[str, float]:
    """Set a hub up in this process and measure there."""
    prepare(data)
    migrate()
    figures: dict[str, float] = import_module("_credentials").measure()
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=BACKENDS, help="one database alone")
    options = parser.parse_args(arguments)
    if options.here:
        figures = measure(Path(os.environ["SHOTHUB_DATA"]))
        sys.stdout.write(f"{json.dumps(figures)}\n")
        return
    chosen = [b for b in BACKENDS if options.only in {None, b}]
    measured = {b: run_apart(b, [__file__, "--here"]) for b in chosen}
    found = {b: figures for b, figures in measured.items() if figures}
    said = {
        f"{b}_{name}": v for b, figures in found.items() for name, v in figures.items()
    }
    for name in ("p50_ms", "p99_ms"):
        said[name] = max(figures[name] for figures in found.values())
    print(json.dumps(said))


if __name__ == "__main__":
    main()
