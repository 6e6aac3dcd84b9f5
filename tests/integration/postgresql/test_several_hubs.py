"""Several hubs on one PostgreSQL database, and what happens when that goes away."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.integration.postgresql.hub_process import ADMIN, CHECK, HubProcess, run
from tests.integration.server.scripted_agent import DESCRIPTION
from tests.postgres import Postgres

PROCEDURE = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
ENROL = """
from shothub.server import main
main.prepare(None)
from shothub.runtime import clock
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.services import create_apparatus
now = clock.now()
create_apparatus(name="sim", now=now)
alice = create_user(username="alice", password=None, key="alice")
print(mint_token(user=alice, now=now), mint_token(user=alice, now=now, apparatus="sim"))
"""
SHOT = {"index": 0, "globals": {"tof": 0.005}, "duration": 1.0}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


class Agent:
    """Speaks for the apparatus through one of the hubs."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        opening = {"apparatus": "sim", "agent_version": "1", "description": DESCRIPTION}
        opened = self.http.post("/agent/sessions", json=opening)
        self.epoch = opened.raise_for_status().json()["epoch"]

    def poll(self, *, wait: float = 0.0, **capacity: int) -> Any:
        asked = {"epoch": self.epoch, "wait": wait, "capacity": capacity}
        return self.http.post("/agent/poll", json=asked).raise_for_status().json()

    def post(self, path: str, **body: object) -> Any:
        body |= {"epoch": self.epoch}
        return self.http.post(f"/agent{path}", json=body).raise_for_status().json()

    def run_job(self) -> None:
        """Take the job that comes through its states, waiting for each."""
        [task] = self.poll(wait=20, compile=1)["compile"]
        self.post(f"/jobs/{task['job']}/compiled", shots=[SHOT])
        [lease] = self.poll(wait=20, shots=1)["shots"]
        started = self.post(f"/shots/{lease['shot']}/start", fence=lease["fence"])
        self.post(f"/attempts/{started['attempt']}/finish", outcome="done")
        self.post(f"/attempts/{started['attempt']}/analysis", routines=[])
        [task] = self.poll(wait=20, analyse=1)["analyse"]
        self.post(f"/jobs/{task['job']}/analysed", routines=[])


class Pair:
    """Two hubs on one database: the user calls one, the agent the other."""

    def __init__(self, folder: Path, database: str) -> None:
        self.first = HubProcess(folder / "data", database)
        self.second = HubProcess(folder / "data", database)

    def __enter__(self) -> "Pair":
        self._stack = ExitStack()
        with ThreadPoolExecutor(2) as pool:  # both migrate an empty database
            hubs = (self.first, self.second)
            list(pool.map(self._stack.enter_context, hubs))
        printed = self.first.run(ENROL).split()
        user, agent = self.first.client(printed[0]), self.second.client(printed[1])
        self.user = self._stack.enter_context(user)
        self.agent = Agent(self._stack.enter_context(agent))
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


@pytest.fixture(scope="module")
def pair(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("hubs"), postgres.fresh()) as pair:
        yield pair


def submit(pair: Pair) -> Any:
    return pair.user.post("/jobs", json=PROCEDURE).raise_for_status().json()


def watch(pair: Pair, job: str) -> list[str]:
    """Return every state that a long poll sees until the job has ended."""
    seen, rev = [""], 0
    while seen[-1] not in {"done", "failed"}:
        view = pair.user.get(f"/jobs/{job}?wait=20&since={rev}").json()
        rev = view["rev"]
        seen += [view["state"]] if view["state"] != seen[-1] else []
    return seen[1:]


def test_a_job_runs_with_its_user_on_one_hub_and_the_agent_on_another(
    pair: Pair,
) -> None:
    with ThreadPoolExecutor(1) as pool:
        agent = pool.submit(pair.agent.run_job)
        began = time.monotonic()
        seen = watch(pair, submit(pair)["id"])
        agent.result(20)
    assert seen[-1] == "done"
    assert time.monotonic() - began < 10  # woken: each wait alone may take 20 s


def test_a_change_on_one_hub_wakes_who_waits_on_the_other(pair: Pair) -> None:
    job = submit(pair)
    pair.agent.poll(compile=1)
    times: list[float] = []

    def wait() -> None:
        rev = pair.user.get(f"/jobs/{job['id']}").json()["rev"]
        pair.user.get(f"/jobs/{job['id']}?wait=20&since={rev}").raise_for_status()
        times.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    threading.Event().wait(0.5)  # he waits by now
    faults = [{"code": "x", "detail": "y"}]
    pair.agent.post(f"/jobs/{job['id']}/compiled", faults=faults)
    told = time.monotonic()
    thread.join(20)
    assert times[0] - told < 1


def test_a_restart_of_the_database_is_a_503_and_heals(
    postgres: Postgres, pair: Pair
) -> None:
    job = submit(pair)["id"]
    postgres.stop()
    for answer in (
        pair.user.get("/jobs"),
        pair.user.post("/jobs", json=PROCEDURE),
        pair.user.get(f"/jobs/{job}?wait=5&since=99"),
        pair.agent.http.post("/agent/poll", json={"epoch": pair.agent.epoch}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["Retry-After"]) > 0
    base = pair.first.url
    assert httpx.get(f"{base}/healthz").status_code == 503
    page = httpx.get(base, cookies={"sessionid": "x" * 32}, follow_redirects=True)
    assert page.status_code in {200, 503}
    assert "Traceback" not in page.text
    postgres.start()
    deadline = time.monotonic() + 10
    while pair.user.get("/jobs").status_code != 200:
        assert time.monotonic() < deadline
    for _ in range(12):  # every thread of both hubs has found its connection again
        assert pair.user.get(f"/jobs/{job}").status_code == 200
        pair.agent.poll()
    assert httpx.get(f"{base}/healthz").status_code == 200
    pair.agent.poll(compile=1)
    pair.agent.post(f"/jobs/{job}/compiled", shots=[SHOT])
    pair.user.post(f"/jobs/{job}/cancel").raise_for_status()


def test_waiters_are_woken_again_after_a_restart_of_the_database(
    postgres: Postgres, pair: Pair
) -> None:
    job = submit(pair)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(
            pair.user.get, f"/jobs/{job['id']}?wait=25&since={job['rev']}"
        )
        threading.Event().wait(0.3)
        postgres.stop()
        postgres.start()
        with psycopg.connect(pair.first.database, autocommit=True) as looker:
            sql = b"SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            deadline = time.monotonic() + 15
            while (looker.execute(sql).fetchone() or [0])[0] < 2:
                assert time.monotonic() < deadline
        began = time.monotonic()
        pair.user.post(f"/jobs/{job['id']}/cancel").raise_for_status()
        view = waits.result(20).json()
    assert view["state"] == "cancelled"
    assert time.monotonic() - began < 2


def test_a_process_that_hangs_with_the_apparatus_locked_does_not_stop_the_hub(
    pair: Pair,
) -> None:
    with psycopg.connect(pair.first.database) as hangs:
        hangs.execute("SELECT 1 FROM apparatus_apparatus FOR UPDATE")
        with ThreadPoolExecutor(1) as pool:
            polls = pool.submit(pair.agent.poll)
            threading.Event().wait(0.3)
            assert pair.user.get("/jobs").status_code == 200  # reading goes on
            assert not polls.done()
            hangs.rollback()
            polls.result(20)


def test_the_check_says_what_is_wrong_with_the_database(
    postgres: Postgres, tmp_path: Path
) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'"
        )
    cases = {
        "postgresql://a:hidden@127.0.0.1:1/b": "Connection refused",
        postgres.url("nowhere"): 'database "nowhere" does not exist',
        postgres.url("latin"): "is encoded in LATIN1; UTF8 is needed",
        "mysql://a:hidden@b/c": "does not begin with postgresql://",
        "postgresql://a@b:99999/c": "port",
        "postgresql://a@b": "name of the database is missing",
    }
    for address, says in cases.items():
        status, printed = run(CHECK, tmp_path, address, str(tmp_path))
        assert status == 2
        assert says in printed
        assert "Traceback" not in printed
        assert "hidden" not in printed
    status, printed = run(ADMIN, tmp_path, postgres.url("nowhere"), "user", "list")
    assert (status, "Traceback" in printed) == (1, False)


def test_the_check_is_content_with_a_good_one_but_says_what_may_be_lost(
    postgres: Postgres, tmp_path: Path
) -> None:
    status, printed = run(CHECK, tmp_path, postgres.fresh(), str(tmp_path))
    assert status == 0
    assert "All is well" in printed
    assert "fsync=off" in printed  # this server is one for tests
