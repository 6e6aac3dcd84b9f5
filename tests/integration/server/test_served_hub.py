"""The hub as a process: starts, migrates, waits without threads, streams, refuses."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.server.scripted_agent import DESCRIPTION
from tests.postgres import own_database

SERVE = (
    "import sys; from pathlib import Path; from shothub.server.main import serve;"
    "sys.exit(serve(port=0, data=Path(sys.argv[1])))"
)
ADMIN = "from shothub.server.admin_cli import admin_app; admin_app()"
PROCEDURE = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


def environment() -> dict[str, str]:
    hidden, shown = ("SHOTHUB_", "DJANGO_"), "SHOTHUB_DATABASE"
    return {
        k: v for k, v in os.environ.items() if k == shown or not k.startswith(hidden)
    }


def admin(data: Path, *words: str) -> str:
    command = [sys.executable, "-c", ADMIN, *words, "--data", str(data)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Served:
    url: str
    data: Path
    user: httpx.Client
    agent: httpx.Client
    epoch: int

    def poll(self, *, wait: float = 0.0, **capacity: int) -> Any:
        asked = {"epoch": self.epoch, "wait": wait, "capacity": capacity}
        return self.agent.post("/agent/poll", json=asked).raise_for_status().json()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("hub")
    command = [sys.executable, "-c", SERVE, str(data)]
    with (
        own_database(),
        subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        admin(data, "user", "create", "alice", "--password", "correct horse 7 battery")
        admin(data, "apparatus", "create", "sim")
        admin(data, "grant", "alice", "sim", "--scripts")
        user, agent = (
            admin(data, "token", "alice"),
            admin(data, "token", "alice", "--agent-of", "sim"),
        )
        with (
            httpx.Client(base_url=f"{url}/api/v1", timeout=30) as u,
            httpx.Client(base_url=f"{url}/api/v1", timeout=30) as a,
        ):
            u.headers["Authorization"] = f"Bearer {user}"
            a.headers["Authorization"] = f"Bearer {agent}"
            opening = {
                "apparatus": "sim",
                "agent_version": "1",
                "description": DESCRIPTION,
            }
            opened = a.post("/agent/sessions", json=opening).raise_for_status().json()
            yield Served(url, data, u, a, opened["epoch"])
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_the_admin_commands_list_what_they_made(served: Served) -> None:
    users = json.loads(admin(served.data, "user", "list", "--json"))
    assert [user["username"] for user in users] == ["alice"]


def test_a_submission_wakes_the_waiting_agent(served: Served) -> None:
    heard: list[float] = []

    def wait() -> None:
        work = served.poll(wait=20, compile=1)
        heard.append(time.monotonic())
        report = {"epoch": served.epoch, "faults": [{"code": "x", "detail": "y"}]}
        job = work["compile"][0]["job"]
        served.agent.post(f"/agent/jobs/{job}/compiled", json=report)

    thread = threading.Thread(target=wait)
    thread.start()
    threading.Event().wait(0.3)  # the agent is in its long poll by now
    job = served.user.post("/jobs", json=PROCEDURE).raise_for_status().json()
    submitted = time.monotonic()
    thread.join(20)
    assert heard[0] - submitted < 1
    view = served.user.get(f"/jobs/{job['id']}?wait=10&since=2").json()
    assert view["state"] == "failed"


def test_waiting_for_a_job_ends_at_its_change_or_at_the_time(served: Served) -> None:
    job = served.user.post("/jobs", json=PROCEDURE).raise_for_status().json()
    began = time.monotonic()
    same = served.user.get(f"/jobs/{job['id']}?wait=0.2&since={job['rev']}").json()
    assert same["rev"] == job["rev"]
    assert time.monotonic() - began >= 0.2
    cancel = threading.Timer(0.2, served.user.post, [f"/jobs/{job['id']}/cancel"])
    cancel.start()
    changed = served.user.get(f"/jobs/{job['id']}?wait=20&since={job['rev']}").json()
    cancel.join()
    assert changed["rev"] > job["rev"]


def test_many_waiters_leave_the_hub_answering(served: Served) -> None:
    job = served.user.post("/jobs", json=PROCEDURE).raise_for_status().json()
    target = f"/jobs/{job['id']}?wait=20&since={job['rev']}"
    answers: list[int] = []

    def wait() -> None:
        with httpx.Client(base_url=served.user.base_url, timeout=30) as client:
            client.headers.update(served.user.headers)
            answers.append(client.get(target).status_code)

    threads = [threading.Thread(target=wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    threading.Event().wait(0.5)
    began = time.monotonic()
    served.user.get("/me").raise_for_status()
    assert time.monotonic() - began < 2
    served.user.post(f"/jobs/{job['id']}/cancel").raise_for_status()
    for thread in threads:
        thread.join(20)
    assert answers == [200] * 20


def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    body = b'"' + b"x" * 41_000_000 + b'"'
    answer = served.user.post("/jobs", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    script = {"name": "e.py", "text": "x" * 10_000_000}
    request = {"kind": "script", "apparatus": "sim", "script": script}
    answer = served.user.post("/jobs", json=request)
    assert (answer.status_code, answer.json()["code"]) == (422, "string_too_long")


def test_a_request_cut_in_the_middle_does_no_harm(served: Served) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(
            b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        )
    assert served.user.get("/me").status_code == 200


def test_errors_are_problems_on_the_light_path_too(served: Served) -> None:
    for path, status in (("/nothing", 404), ("/jobs/none", 404), ("/jobs/none/x", 404)):
        answer = served.user.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_file_goes_up_and_comes_back(served: Served) -> None:
    job = served.user.post("/jobs", json=PROCEDURE).raise_for_status().json()["id"]
    content = os.urandom(3_000_000)
    digest = hashlib.sha256(content).hexdigest()
    answer = served.agent.put(
        f"/agent/jobs/{job}/files/images/side/0.npy?kind=image&label=side&shot=0",
        content=content,
        headers={"X-Content-SHA256": digest},
    )
    assert answer.status_code == 200, answer.text
    back = served.user.get(f"/jobs/{job}/files/images/side/0.npy")
    assert back.content == content
    again = served.user.get(
        f"/jobs/{job}/files/images/side/0.npy",
        headers={"If-None-Match": back.headers["etag"]},
    )
    assert again.status_code == 304
    archive = served.user.get(f"/jobs/{job}/images/side.npz")
    assert archive.content[:2] == b"PK"
    served.user.post(f"/jobs/{job}/cancel")


def test_a_wrong_configuration_stops_the_start(tmp_path: Path) -> None:
    env = environment() | {"SHOTHUB_THREADS": "none"}
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "threads:" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_operators_token_may_control_an_apparatus_and_a_users_may_not(
    served: Served,
) -> None:
    admin(served.data, "user", "create", "olga", "--password", "operators-word-9")
    admin(served.data, "grant", "olga", "sim", "--operator")
    answers = []
    for words in ([], ["--operator"]):
        token = admin(served.data, "token", "olga", *words)
        answer = httpx.post(
            served.user.base_url.join("/api/v1/apparatus/sim/resume"),
            headers={"Authorization": f"Bearer {token}"},
        )
        answers.append(answer.status_code)
    assert answers == [403, 200]
