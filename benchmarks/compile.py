"""Times the whole gate, warm: compile in the sandbox, decode, validate, rebuild.

For each run a job of one shot and a job of many are compiled; a further shot's time is
the difference by their number. The last line is one JSON object; times in milliseconds.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from shothub.agent.agent import site_of
from shothub.agent.compiler import Compiler
from shothub.agent.main import binds_of
from shothub.agent.prepare import prepare
from shothub.runtime import clock
from shothub.sandbox.host import GuestLimits, Zygote
from shothub.sim.lab_files import make_lab
from shothub.wire.agents import CompileTask

SHOTS = 20


def task(job: str, procedure: str, sha256: str, tof: object) -> CompileTask:
    """Return the order to compile a job that scans ``tof``."""
    return CompileTask(
        job=job,
        key="bench",
        day="2026-01-01",
        kind="procedure",
        source=procedure,
        procedure_sha256=sha256,
        globals={"tof": tof},
        max_shots=SHOTS,
    )


def measure(folder: Path, runs: int) -> dict[str, float]:
    """Return medians over ``runs`` runs on the example lab."""
    make_lab(folder)
    prepared = prepare(folder)
    site = site_of(prepared)
    published = site.procedures["bec_tof"]
    ones: list[float] = []
    manies: list[float] = []
    many = [5e-3 + 1e-3 * i for i in range(SHOTS)]
    with Zygote("compile", binds_of(prepared), GuestLimits()) as guest:
        compiler = Compiler(
            guest=guest, site=site, in_use=lambda _: False, now=clock.now
        )
        for run in range(runs + 1):
            for times, tof in ((ones, 15e-3), (manies, many)):
                order = task(
                    f"job{run}x{len(times)}x{type(tof).__name__}",
                    "bec_tof",
                    published.sha256,
                    tof,
                )
                begun = time.perf_counter()
                product = compiler.compile(order, epoch=1)
                times.append(1e3 * (time.perf_counter() - begun))
                if product.faults:
                    raise SystemExit(f"it did not compile: {product.faults}")
    one, all_of_many = statistics.median(ones[1:]), statistics.median(manies[1:])
    return {
        "first_shot_ms": round(one, 1),
        "next_shot_ms": round((all_of_many - one) / (SHOTS - 1), 2),
        "cold_ms": round(ones[0], 1),
        "runs": runs,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shothub-bench-") as folder:
        Path(folder).chmod(0o755)
        figures = measure(Path(folder) / "lab", options.runs)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
