"""Compares several users' shots through the hub with the same shots given to stock BLACS.

Both run on one BLACS in one run, in turns. The cycle of a shot is the difference of two
successive ``run time`` stamps, which BLACS itself writes when the machine starts. The
last line is one JSON object: ``ratio`` = shots per hour through the hub over shots per
hour of BLACS fed directly (all shots queued beforehand, through its own port).
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import h5py
from _dummy_lab import make_dummy_lab

from shothub.demo.stage import Stage
from shothub.runtime import clock
from shothub.suite.profile import suite_environment

AS_RUNMANAGER = """\
import sys
from labscript_utils.labconfig import LabConfig
from labscript_utils.ls_zprocess import zmq_get
from labscript_utils.shared_drive import path_to_agnostic

port = int(LabConfig().get("ports", "BLACS"))
for path in sys.argv[1:]:
    reply = zmq_get(port, "localhost", path_to_agnostic(path), timeout=30)
    if "added successfully" not in reply:
        sys.exit(reply)
"""
PATIENCE = 300.0
_STAMP = "%Y%m%dT%H%M%S.%f"


def run_times(files: Sequence[Path]) -> list[float]:
    """Return when BLACS started each shot, seconds, sorted; waits until all have run."""
    times: dict[Path, float] = {}
    deadline = clock.monotonic() + PATIENCE
    while len(times) < len(files):
        if clock.monotonic() > deadline:
            raise SystemExit(f"{len(times)} of {len(files)} shots ran in {PATIENCE} s")
        for path in set(files) - set(times):
            try:
                # A reader's lock would end the thread of BLACS's queue.
                with h5py.File(path, "r", locking=False) as file:
                    stamp = file.attrs["run time"]
            except (OSError, KeyError):
                continue
            times[path] = datetime.strptime(stamp, _STAMP).timestamp()  # noqa: DTZ007
        clock.pause(0.2)
    return sorted(times.values())


def cycles(times: Sequence[float]) -> list[float]:
    """Return the seconds between successive starts."""
    return [b - a for a, b in pairwise(times)]


def through_hub(stage: Stage, users: int, shots: int, seconds: float) -> list[float]:
    """Return the cycles of ``shots`` shots shared by ``users`` users."""
    jobs = []
    for name in list(stage.members)[:users]:
        apparatus = stage.members[name].hub().apparatus("dummy")
        points = list(range(shots // users))
        jobs.append(
            apparatus.run(
                procedure="ramp", globals={"seconds": seconds, "point": points}
            )
        )
    for job in jobs:
        job.wait(progress=False)
    files = [f for j in jobs for f in (stage.lab / "shots").rglob(f"{j.id}_*.h5")]
    return cycles(run_times(files))


def directly(stage: Stage, shots: int) -> list[float]:
    """Return the cycles of copies of earlier shots, given to BLACS's own port."""
    done = sorted((stage.lab / "shots").rglob("*_0*.h5"))[0]
    folder = stage.folder / f"direct{clock.monotonic():.0f}"
    folder.mkdir()
    files = []
    for index in range(shots):
        path = folder / f"direct_{index:03d}.h5"
        shutil.copy(done, path)
        with h5py.File(path, "r+") as file:
            for group in ("data", "front_panel", "images"):
                if group in file:
                    del file[group]
            # A shot of the operator's own: of the hub's, BLACS would run a copy.
            for name in ("run time", "job_id"):
                file.attrs.pop(name, None)
        files.append(path)
    subprocess.run(
        [sys.executable, "-c", AS_RUNMANAGER, *map(str, files)],
        env=suite_environment(stage.lab / "state" / "profile"),
        check=True,
    )
    return cycles(run_times(files))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    names = [f"user{i}" for i in range(8)]
    with tempfile.TemporaryDirectory(prefix="shothub-bench-") as folder:
        Path(folder).chmod(0o755)
        stage = Stage(Path(folder), make_dummy_lab, names=names, apparatus="dummy")
        with stage:
            through_hub(stage, 2, 4, options.seconds)
            measured: dict[str, list[float]] = {"direct": [], "two": [], "eight": []}
            for _ in range(2):
                half = options.shots // 2
                measured["direct"] += directly(stage, half)
                measured["two"] += through_hub(stage, 2, half, options.seconds)
                measured["eight"] += through_hub(stage, 8, 8, options.seconds)
    cycle = {name: statistics.median(values) for name, values in measured.items()}
    mean = {name: statistics.mean(values) for name, values in measured.items()}
    figures = {
        "ratio": round(cycle["direct"] / cycle["two"], 4),
        "ratio_eight_users": round(cycle["direct"] / cycle["eight"], 4),
        "ratio_of_means": round(mean["direct"] / mean["two"], 4),
        "cycle_direct_s": round(cycle["direct"], 4),
        "cycle_two_users_s": round(cycle["two"], 4),
        "cycle_eight_users_s": round(cycle["eight"], 4),
        "shots_per_hour": round(3600 / cycle["two"]),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
