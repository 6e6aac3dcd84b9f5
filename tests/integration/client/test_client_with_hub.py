"""The client and the command against the real hub, with an agent that a test plays."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.integration.server.scripted_agent import Answer, Caller, ScriptedAgent
from tests.postgres import for_another_hub

from shothub import Hub, linspace
from shothub.client import (
    Conflict,
    Forbidden,
    Job,
    JobCancelled,
    JobFailed,
    Manner,
    NotFound,
    Refused,
    Unauthorized,
)

ENROL = """
import json, sys
from pathlib import Path
from shothub.server import main
main.prepare(Path(sys.argv[1]))
main.migrate()
from shothub.runtime import clock
from shothub.server.accounts.grant_services import grant
from shothub.server.accounts.group_services import create_group, set_member
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.services import create_apparatus
now = clock.now()
create_apparatus(name="sim", now=now)
users = {n: create_user(username=n, password=None, key=n) for n in ("alice", "bob", "robot")}
grant(user=users["alice"], apparatus="sim", scripts=True, now=now)
atoms = create_group(name="atoms", now=now)
for name in ("alice", "bob"):
    set_member(atoms, users[name], is_default=False, now=now)
tokens = {n: mint_token(user=u, now=now, name=n) for n, u in users.items()}
tokens["reader"] = mint_token(user=users["alice"], now=now, scopes=["apparatus:read"])
tokens["agent"] = mint_token(user=users["robot"], now=now, apparatus="sim")
print(json.dumps(tokens))
"""


class HttpCaller(Caller):
    """Calls a hub over the network."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30.0
        )

    def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.http.request(
            method,
            f"/api/v1{path}",
            content=b"" if body is None else content,
            headers={"Content-Type": "application/json", **given},
        )
        is_json = "json" in answer.headers.get("content-type", "")
        return Answer(answer.status_code, answer.json() if is_json else answer.content)


@dataclass
class Place:
    """A running hub and the tokens of its users."""

    url: str
    tokens: dict[str, str] = field(repr=False)

    def hub(self, name: str) -> Hub:
        return Hub(self.url, self.tokens[name], manner=Manner(patience=5.0))

    def shothub(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "SHOTHUB_URL": self.url,
            "SHOTHUB_TOKEN": self.tokens[name],
        }
        return subprocess.run(
            [sys.executable, "-m", "shothub", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("hub")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SHOTHUB_")}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    environment |= for_another_hub()
    said = subprocess.run(
        [sys.executable, "-c", ENROL, str(data)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    command = [sys.executable, "-m", "shothub", "server", "--data", str(data)]
    with subprocess.Popen(
        [*command, "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        yield Place(url, json.loads(said.stdout.splitlines()[-1]))
        server.terminate()


@pytest.fixture(scope="module")
def agent(place: Place) -> Iterator[ScriptedAgent]:
    caller = HttpCaller(place.url, place.tokens["agent"])
    agent = ScriptedAgent(caller)
    agent.open()
    yield agent
    caller.http.close()


def npy(value: int) -> bytes:
    out = io.BytesIO()
    np.save(out, np.full((3, 4, 5), value, np.uint16))
    return out.getvalue()


def run_all(agent: ScriptedAgent, job: Job, shots: int, missing: int = -1) -> None:
    """Play the agent: compile and run every shot, let one of them fail."""
    agent.compile_one(shots)
    for index in range(shots):
        [lease] = agent.lease()
        attempt = int(agent.start(lease).ok()["attempt"])
        if index == missing:
            agent.finish(attempt, "failed").ok()
            continue
        name = f"images/absorption/{index}.npy"
        agent.upload(job.id, name, npy(index), shot=index).ok()
        agent.finish(attempt).ok()
        agent.analysed(attempt, atoms=1000.0 + index).ok()
    agent.end_job(temperature=1e-7)


def test_a_scan_comes_back_with_its_gap(place: Place, agent: ScriptedAgent) -> None:
    job = (
        place.hub("alice")
        .apparatus("sim")
        .run(
            procedure="bec_tof",
            globals={"tof": linspace(0.005, 0.015, 3)},
            name="scan",
            tags=["demo"],
        )
    )
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(job.wait, 60, progress=False)
        run_all(agent, job, 3, missing=1)
        assert waiting.result().state == "done"
    assert (job.view.shots_done, job.view.shots_failed) == (2, 1)

    frame = job.results()
    assert list(frame["shot_state"]) == ["done", "failed", "done"]
    assert frame["tof"].tolist() == [0.005, 0.01, 0.015]
    assert frame["atom_number.atoms"].fillna(-1).tolist() == [1000.0, -1, 1002.0]
    assert frame.attrs["units"]["tof"] == "s"
    assert job.multishot()["tof_temperature"]["temperature"] == 1e-7

    pixels = job.images("absorption")
    assert pixels.shape == (3, 3, 4, 5)
    assert np.ma.getmaskarray(pixels)[:, 0, 0, 0].tolist() == [False, True, False]
    assert pixels[2].mean() == 2

    events = [event.what for event in job.events()]
    assert (events[0], events[-1]) == ("job.submitted", "job.done")
    assert [str(shot.state) for shot in job.shots()] == ["done", "failed", "done"]
    again = place.hub("alice").jobs(tag="demo")
    assert job.id in {found.id for found in again}


def test_files_are_downloaded_with_their_digests(
    place: Place, agent: ScriptedAgent, tmp_path: Path
) -> None:
    job = place.hub("alice").apparatus("sim").run(procedure="bec_tof")
    run_all(agent, job, 1)
    folder = job.download(tmp_path)
    assert (folder / "images/absorption/0.npy").read_bytes() == npy(0)


def test_nobody_sees_the_jobs_of_others(place: Place, agent: ScriptedAgent) -> None:
    job = place.hub("alice").apparatus("sim").run(procedure="bec_tof")
    with pytest.raises(NotFound):
        place.hub("bob").job(job.id)
    ended = place.shothub("bob", "show", job.id)
    assert (ended.returncode, ended.stdout) == (1, "")
    job.cancel()
    with pytest.raises(JobCancelled):
        job.wait(10, progress=False)
    assert agent.epoch == 1


def test_cancelling_twice_is_no_error_and_a_done_job_is_a_conflict(
    place: Place, agent: ScriptedAgent
) -> None:
    machine = place.hub("alice").apparatus("sim")
    job = machine.run(procedure="bec_tof")
    assert job.cancel().cancel().state == "cancelled"
    done = machine.run(procedure="bec_tof")
    run_all(agent, done, 1)
    with pytest.raises(Conflict):
        done.cancel()


def test_a_compile_error_is_told_with_its_place(
    place: Place, agent: ScriptedAgent, tmp_path: Path
) -> None:
    script = tmp_path / "mine.py"
    script.write_text("start()\nboom()\n")
    job = place.hub("alice").apparatus("sim").run(script=script)
    fault = {"code": "script_error", "detail": "NameError: boom", "where": "mine.py:2"}
    agent.compile_one(0, faults=[fault])
    with pytest.raises(JobFailed, match=r"mine\.py:2"):
        job.wait(10, progress=False)
    ended = place.shothub("alice", "wait", job.id)
    assert ended.returncode == 1
    assert "where: mine.py:2" in ended.stderr


@pytest.mark.parametrize(
    ("given", "place_of_fault"),
    [({"tof": 5.0}, "globals.tof"), ({"tofu": 1}, "globals.tofu")],
)
def test_bad_globals_are_refused_with_their_place(
    place: Place, agent: ScriptedAgent, given: dict[str, float], place_of_fault: str
) -> None:
    machine = place.hub("alice").apparatus("sim")
    with pytest.raises(Refused) as caught:
        machine.run(procedure="bec_tof", globals=given)
    assert place_of_fault in caught.value.faults[0].where
    tried = machine.run(procedure="bec_tof", globals=given, dry_run=True)
    assert tried.faults
    assert agent.epoch == 1


def test_a_dry_run_counts_shots(place: Place, agent: ScriptedAgent) -> None:
    machine = place.hub("alice").apparatus("sim")
    tried = machine.run(
        procedure="bec_tof",
        globals={"tof": linspace(0.005, 0.01, 4), "atoms": [1, 2]},
        dry_run=True,
    )
    assert tried.shots == 8
    assert agent.epoch == 1


def test_a_batch_is_all_or_nothing(place: Place, agent: ScriptedAgent) -> None:
    hub = place.hub("bob")
    machine = hub.apparatus("sim")
    good = machine.request(procedure="bec_tof")
    bad = machine.request(procedure="bec_tof", globals={"tof": 9.0})
    with pytest.raises(Refused):
        hub.submit([good, bad])
    assert hub.jobs() == []
    jobs = hub.submit([good, good])
    assert len({job.id for job in jobs}) == 2
    for job in jobs:
        job.cancel()
    assert agent.epoch == 1


def test_an_apparatus_tells_what_it_offers(place: Place, agent: ScriptedAgent) -> None:
    machine = place.hub("alice").apparatus("sim")
    assert machine.view.online
    assert [p.name for p in machine.procedures()] == ["bec_tof"]
    assert machine.describe("bec_tof").parameters[0].unit == "s"
    assert machine.connection_table() == "start()"
    assert machine.queue().entries == []
    assert machine.api() == []
    assert machine.outputs() == []
    assert "bec_tof" in machine._repr_html_()
    with pytest.raises(NotFound):
        machine.describe("nothing")
    assert agent.epoch == 1


def test_tokens_are_made_listed_and_revoked(place: Place) -> None:
    hub = place.hub("alice")
    made = hub.tokens.create("laptop", ["apparatus:read", "jobs:read"], days=1)
    assert Hub(place.url, made.token).me().scopes == ["apparatus:read", "jobs:read"]
    hub.tokens.revoke(made.id)
    with pytest.raises(Unauthorized):
        Hub(place.url, made.token).me()
    assert made.id in {token.id for token in hub.tokens.list()}


def test_a_missing_scope_is_named(place: Place, agent: ScriptedAgent) -> None:
    machine = place.hub("reader").apparatus("sim")
    with pytest.raises(Forbidden) as caught:
        machine.run(procedure="bec_tof")
    assert caught.value.scope == "jobs:submit"
    assert agent.epoch == 1


def test_the_command_submits_waits_and_shows(
    place: Place, agent: ScriptedAgent, tmp_path: Path
) -> None:
    ended = place.shothub("alice", "submit", "sim", "bec_tof", "-g", "tof=[0.005,0.01]")
    assert ended.returncode == 0
    job = place.hub("alice").job(ended.stdout.strip())
    run_all(agent, job, 2)
    waited = place.shothub("alice", "wait", job.id, "--json")
    assert json.loads(waited.stdout)["state"] == "done"
    shown = place.shothub("alice", "results", job.id)
    assert "atom_number.atoms" in shown.stdout
    stored = place.shothub("alice", "images", job.id, "-o", str(tmp_path))
    assert np.load(stored.stdout.strip()).shape == (2, 3, 4, 5)
    listed = place.shothub("alice", "files", job.id, "--json")
    assert len(json.loads(listed.stdout)) == 2


def test_logging_in_on_an_empty_home(place: Place, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }

    def shothub(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "shothub", *arguments],
            env=environment,
            input=f"{place.tokens['alice']}\n",
            capture_output=True,
            text=True,
            check=False,
        )

    before = shothub("whoami")
    assert before.returncode == 4
    assert "shothub login" in before.stderr
    assert shothub("login", "--url", place.url, "--token", "-").returncode == 0
    assert json.loads(shothub("whoami", "--json").stdout)["username"] == "alice"
    (file,) = (tmp_path / "config").rglob("*.toml")
    assert file.stat().st_mode & 0o777 == 0o600
    assert shothub("logout").returncode == 0
    assert shothub("whoami").returncode == 4
