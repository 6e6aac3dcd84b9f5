"""Whatever is sent to a hub, and wherever a token stands in it: none comes into its logs."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.integration.server.test_served_hub import SERVE, admin, environment
from tests.log_watch import leaks, leaks_of_files
from tests.postgres import own_database

from shothub.domain.tokens import DEVICE, ENROLMENT, make_token

WRONG = {kind: make_token(kind, random.Random(1).choice) for kind in ("pat", "agt")}
CODES = {
    kind: make_token(kind, random.Random(2).choice) for kind in (DEVICE, ENROLMENT)
}
TALKATIVE = {"SHOTHUB_LOG_LEVEL": "DEBUG"}


@dataclass
class Hub:
    url: str
    log: Path
    data: Path
    token: str

    def send(self, method: str, path: str, **more: object) -> None:
        httpx.request(method, f"{self.url}{path}", timeout=30, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("talkative")
    log, data = folder / "hub.log", folder / "data"
    with (
        own_database(),
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, str(data)],
            env=environment() | TALKATIVE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        ) as process,
    ):
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        admin(data, "user", "create", "alice", "--password", "correct horse 7 battery")
        admin(data, "apparatus", "create", "sim")
        yield Hub(url, log, data, admin(data, "token", "alice"))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def secrets_of(hub: Hub) -> list[str]:
    return [hub.token, hub.token[:-1] + "x", *WRONG.values(), *CODES.values()]


def test_a_hub_logs_no_token_wherever_it_stands(hub: Hub) -> None:
    for raw in secrets_of(hub):
        bearer = {"Authorization": f"Bearer {raw}"}
        hub.send("GET", "/api/v1/me", headers=bearer)
        hub.send("GET", "/api/v1/me", headers={"Authorization": f"Basic {raw}"})
        hub.send("GET", "/api/v1/me", headers={"Authorization": raw})
        hub.send("GET", f"/api/v1/me?token={raw}", headers=bearer)
        hub.send("GET", f"/api/v1/jobs/{raw}", headers=bearer)
        hub.send("DELETE", f"/api/v1/tokens/{raw}", headers=bearer)
        hub.send("GET", f"/{raw}")
        hub.send("GET", f"/static/{raw}.css")
        hub.send("POST", f"/api/v1/{raw}", headers=bearer, json={"token": raw})
        hub.send("POST", "/api/v1/jobs", headers=bearer, json={"kind": raw})
        hub.send("POST", "/api/v1/jobs", headers=bearer, content=b"{" + raw.encode())
        hub.send("POST", "/api/v1/device/token", json={"device_code": raw})
        hub.send("POST", "/api/v1/agent/enrol", json={"code": raw})
        hub.send("POST", "/api/v1/device/code", json={"client": raw})
        hub.send("POST", "/login", data={"username": raw, "password": raw})
        hub.send("GET", "/jobs", cookies={"sessionid": raw})
        hub.send("GET", "/api/v1/me", headers={"X-Request-ID": raw, "User-Agent": raw})
        hub.send("GET", "/api/v1/me", headers={"Host": raw})
    text = hub.log.read_text()
    assert "serving" in text
    assert leaks(text) == []


def test_a_hub_logs_no_token_that_it_makes(hub: Hub) -> None:
    code = admin(hub.data, "agent", "code", "sim").splitlines()[0]
    enrolled = httpx.post(
        f"{hub.url}/api/v1/agent/enrol", json={"code": code}, timeout=30
    )
    token = enrolled.raise_for_status().json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    rotated = httpx.post(f"{hub.url}/api/v1/agent/token", headers=bearer, timeout=30)
    assert rotated.status_code == 201
    assert leaks(hub.log.read_text()) == []
    listed = admin(hub.data, "agent", "list", "sim")
    assert len(listed.splitlines()) == 2
    assert leaks(listed) == []
    admin(hub.data, "revoke", token.split("_")[2])
    for raw in (token, rotated.json()["token"]):
        bearer = {"Authorization": f"Bearer {raw}"}
        answer = httpx.get(f"{hub.url}/api/v1/me", headers=bearer, timeout=30)
        assert answer.status_code == 401


def test_a_token_is_taken_from_its_header_alone(hub: Hub) -> None:
    assert httpx.get(f"{hub.url}/api/v1/me?token={hub.token}").status_code == 401
    cookies = {"token": hub.token, "sessionid": hub.token}
    with httpx.Client(cookies=cookies) as client:
        assert client.get(f"{hub.url}/api/v1/me").status_code == 401
    answer = httpx.get(
        f"{hub.url}/api/v1/me", headers={"Authorization": f"Bearer {hub.token}"}
    )
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


def test_the_admin_makes_a_token_for_one_apparatus(hub: Hub) -> None:
    raw = admin(hub.data, "token", "alice", "--only-on", "sim")
    bearer = {"Authorization": f"Bearer {raw}"}
    me = httpx.get(f"{hub.url}/api/v1/me", headers=bearer, timeout=30).json()
    assert me["only_on"] == ["sim"]
    for option in ("--only-on", "--agent-of"):
        with pytest.raises(AssertionError, match="no apparatus 'nowhere'"):
            admin(hub.data, "token", "alice", option, "nowhere")


def test_the_watch_finds_a_token_in_a_log_file(tmp_path: Path) -> None:
    """The control: a hub that logged a token would be noticed at the end of the run."""
    (tmp_path / "hub").mkdir()
    log = tmp_path / "hub" / "hub.txt"
    log.write_text(f"GET /api/v1/jobs/{WRONG['pat']} 404\n")
    assert list(leaks_of_files(tmp_path)) == []  # no log by its name
    log = log.rename(log.with_name("not-a.log"))
    assert len(list(leaks_of_files(tmp_path))) == 1
    log.unlink()
