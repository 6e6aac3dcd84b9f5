"""The hub as a process: what was committed is delivered, whatever ends the process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.mail_server import mail_server
from tests.fakes.receiver import Receiver, receiving
from tests.integration.server.scripted_agent import DESCRIPTION
from tests.integration.server.test_served_hub import (
    PROCEDURE,
    SERVE,
    admin,
    environment,
)
from tests.postgres import own_database


@contextmanager
def hub(data: Path, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    known = environment() | {"SHOTHUB_PRIVATE_WEBHOOK_HOSTS": '["localhost"]'} | more
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(data)],
        env=known,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().split()[-1]
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                assert process.wait(20) == 0


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    with own_database():
        yield tmp_path / "hub"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def people(data: Path) -> tuple[str, str]:
    """Make a user and an agent; return their tokens."""
    words = ("--password", "correct horse 7 battery", "--email", "alice@example.org")
    admin(data, "user", "create", "alice", *words)
    admin(data, "apparatus", "create", "sim")
    return admin(data, "token", "alice"), admin(
        data, "token", "alice", "--agent-of", "sim"
    )


def client(url: str, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=30)


def fail_a_job(url: str, user: str, agent: str) -> str:
    """Submit a job and, as its agent, say that it does not compile."""
    with client(url, user) as alice, client(url, agent) as robot:
        opening = {
            "apparatus": "sim",
            "agent_version": "1",
            "description": DESCRIPTION,
        }
        epoch = robot.post("/agent/sessions", json=opening).json()["epoch"]
        job = alice.post("/jobs", json=PROCEDURE).raise_for_status().json()["id"]
        asked = {"epoch": epoch, "capacity": {"compile": 1}}
        robot.post("/agent/poll", json=asked).raise_for_status()
        report = {"epoch": epoch, "faults": [{"code": "x", "detail": "No stop()."}]}
        robot.post(f"/agent/jobs/{job}/compiled", json=report).raise_for_status()
    return str(job)


def register(url: str, token: str, receiver: Receiver) -> int:
    with client(url, token) as alice:
        asked = {"url": receiver.url(), "events": ["failed"]}
        made: Any = alice.post("/webhooks", json=asked).raise_for_status().json()
    return int(made["id"])


def test_what_a_killed_hub_had_not_delivered_is_delivered_by_the_next(
    data: Path, receiver: Receiver
) -> None:
    receiver.answers.append(500)  # the first try fails, so that the message waits
    with hub(data) as (process, url):
        user, agent = people(data)
        hook = register(url, user, receiver)
        job = fail_a_job(url, user, agent)
        (first,) = receiver.wait_for(1)
        with client(url, user) as alice:
            while not alice.get(f"/webhooks/{hook}/deliveries").json()[0]["error"]:
                pass  # until the failure is stored: what is in hand is claimed a while
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)
    with hub(data) as (_, url):
        _, again = receiver.wait_for(2)
        assert again.headers["webhook-id"] == first.headers["webhook-id"]
        assert again.json()["data"]["job"] == job
        assert again.json()["data"]["reason"] == "No stop()."
        with client(url, user) as alice:
            (shown,) = alice.get(f"/webhooks/{hook}/deliveries").json()
        assert shown["tries"] == 2


def test_a_job_that_fails_is_mailed_at_once(data: Path) -> None:
    with mail_server() as server:
        mail = {
            "SHOTHUB_SMTP_HOST": "127.0.0.1",
            "SHOTHUB_SMTP_PORT": str(server.port),
            "SHOTHUB_SMTP_TLS": "none",
            "SHOTHUB_SMTP_FROM": "shots@example.org",
            "SHOTHUB_PUBLIC_URL": "https://shots.example.org",
            "SHOTHUB_BEHIND_TLS": "true",
        }
        with hub(data, **mail) as (_, url):
            user, agent = people(data)
            job = fail_a_job(url, user, agent)
            (message,) = server.wait_for(1)
        assert message["To"] == "alice@example.org"
        assert job in message["Subject"]
        assert f"https://shots.example.org/jobs/{job}" in message.get_content()


def test_two_hubs_on_one_database_deliver_each_message_once(
    data: Path, receiver: Receiver
) -> None:
    with hub(data) as (_, url):
        user, agent = people(data)
        register(url, user, receiver)
        with hub(data):
            jobs = [fail_a_job(url, user, agent) for _ in range(8)]
            came = receiver.wait_for(8)
            with client(url, user) as alice:
                alice.get("/me").raise_for_status()
        assert sorted(r.json()["data"]["job"] for r in came) == sorted(jobs)
        assert len(receiver.received) == 8
        assert len({json.loads(r.body)["id"] for r in receiver.received}) == 8
