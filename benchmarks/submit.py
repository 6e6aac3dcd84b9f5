"""Times submissions: until START, until results, and how many a hub takes a second.

Latencies are measured on an idle apparatus of stock dummy devices with the stock BLACS,
warm, one job of one shot after another. ``roundtrip_overhead`` is the time from the
submission to the table of results in the SDK, less the time from START to the end of
the shot in BLACS. The same is measured within a session, as a closed loop would submit.
Throughput is measured on one server process without an apparatus at
work: one job per request, and batches of 100; the bounds on one user's waiting jobs are
lifted for it. The last line is one JSON object.
"""

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

from _dummy_lab import make_dummy_lab

from shothub.client import Apparatus, Turn
from shothub.demo.stage import Member, Stage
from shothub.runtime import clock

BATCH = 100
UNBOUNDED = {
    "SHOTHUB_MAX_PENDING_JOBS": "1000000",
    "SHOTHUB_MAX_PENDING_SHOTS": "10000000",
    "SHOTHUB_REQUESTS_PER_TOKEN": "0",
    "SHOTHUB_REQUESTS_PER_USER": "0",
}
SECONDS = 0.1


def latencies(
    apparatus: Apparatus | Turn, runs: int
) -> tuple[list[float], list[float]]:
    """Return milliseconds from submission to START, and of overhead to the results."""
    starts, overheads = [], []
    for run in range(runs + 2):
        submitted, begun = clock.now(), time.perf_counter()
        job = apparatus.run(procedure="ramp", globals={"seconds": SECONDS})
        job.wait(progress=False)
        job.results()
        total = time.perf_counter() - begun
        [shot] = job.shots()
        if shot.ended is None:
            raise SystemExit(f"job {job.id} did not run: {job.view}")
        start = next(e.at for e in job.events() if e.what == "shot.started")
        if run >= 2:  # two to warm up
            starts.append(1e3 * (start - submitted).total_seconds())
            machine = (shot.ended - start).total_seconds()
            overheads.append(1e3 * (total - machine))
    return starts, overheads


def body() -> dict[str, object]:
    """Return a job request as JSON."""
    return {
        "kind": "procedure",
        "apparatus": "dummy",
        "procedure": "ramp",
        "globals": {"seconds": 1.0, "point": [1, 2, 3]},
    }


class Load:
    """Clients that submit as fast as they can for a time."""

    def __init__(self, member: Member, payload: bytes, jobs: int) -> None:
        self._member = member
        self._payload = payload
        self._jobs = jobs
        self.done = 0
        self._lock = threading.Lock()

    def rate(self, clients: int, seconds: float) -> float:
        """Return accepted submissions per second."""
        deadline = time.perf_counter() + seconds
        threads = [
            threading.Thread(target=self._submit_until, args=(deadline,))
            for _ in range(clients)
        ]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.done / (time.perf_counter() - begun)

    def _submit_until(self, deadline: float) -> None:
        host = self._member.url.removeprefix("http://")
        connection = HTTPConnection(host)
        headers = {
            "Authorization": f"Bearer {self._member.token}",
            "Content-Type": "application/json",
        }
        while time.perf_counter() < deadline:
            headers["Idempotency-Key"] = str(uuid4())
            connection.request("POST", "/api/v1/jobs", self._payload, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 201:
                raise SystemExit(f"refused: {answer.status} {text[:300]!r}")
            with self._lock:
                self.done += self._jobs
        connection.close()


def throughput(stage: Stage, seconds: float) -> dict[str, float]:
    """Return submissions per second, by way of submitting."""
    one = json.dumps(body()).encode()
    many = json.dumps([body()] * BATCH).encode()
    users = list(stage.members.values())
    return {
        "submissions_per_s": round(Load(users[0], one, 1).rate(4, seconds)),
        "submissions_per_s_one_client": round(Load(users[1], one, 1).rate(1, seconds)),
        "batch_submissions_per_s": round(Load(users[2], many, BATCH).rate(1, seconds)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--roundtrip", action="store_true", help="latencies alone")
    options = parser.parse_args()
    names = ["user0", "user1", "user2", "user3"]
    figures: dict[str, float] = {}
    os.environ.update(UNBOUNDED)  # for the hub, which the stage starts
    with tempfile.TemporaryDirectory(prefix="shothub-bench-") as folder:
        Path(folder).chmod(0o755)
        with Stage(
            Path(folder), make_dummy_lab, names=names, apparatus="dummy"
        ) as stage:
            apparatus = stage.members["user3"].hub().apparatus("dummy")
            starts, overheads = latencies(apparatus, options.runs)
            figures["submit_to_start_p50_ms"] = round(statistics.median(starts), 1)
            figures["submit_to_start_max_ms"] = round(max(starts), 1)
            figures["roundtrip_overhead_p50_ms"] = round(
                statistics.median(overheads), 1
            )
            with apparatus.session(minutes=15, progress=False) as turn:
                starts, overheads = latencies(turn, options.runs)
            figures["session_start_p50_ms"] = round(statistics.median(starts), 1)
            figures["session_roundtrip_overhead_p50_ms"] = round(
                statistics.median(overheads), 1
            )
            if not options.roundtrip:
                stage.stop_machine()
                figures |= throughput(stage, options.seconds)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
