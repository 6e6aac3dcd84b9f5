import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import numpy as np
import pytest
from tests.fakes.client_hub import (
    NOON,
    FakeHub,
    course,
    job_view,
    problem,
    table,
)

from shothub.client import Hub
from shothub.client.cli.session import Session
from shothub.command import run
from shothub.domain.tokens import make_token
from shothub.wire.accounts import NewToken
from shothub.wire.apparatus import ApparatusView, ParameterView, ProcedureView
from shothub.wire.jobs import DryRun, JobPage, LogView

TOKEN = make_token("pat", lambda alphabet: alphabet[3])


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def fake() -> FakeHub:
    return FakeHub()


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    return tmp_path / "config" / "profiles.toml"


Shothub = Callable[..., Ended]


@pytest.fixture
def shothub(
    fake: FakeHub, profiles: Path, capsys: pytest.CaptureFixture[str]
) -> Shothub:
    def opened(_url: str | None, _token: str | None, _profile: str | None) -> Hub:
        return fake.hub()

    def call(*arguments: str) -> Ended:
        code = run(arguments, Session(opened, lambda: profiles))
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return call


DONE = {"state": "done", "shots": 3, "shots_done": 2, "shots_failed": 1}


def test_logging_in_checks_the_token_and_saves_it(
    shothub: Shothub, profiles: Path
) -> None:
    ended = shothub("login", "--url", "https://hub.test/", "--token", TOKEN)
    assert ended.code == 0
    assert "alice" in ended.out
    assert TOKEN not in ended.out + ended.err
    assert profiles.stat().st_mode & 0o777 == 0o600
    assert TOKEN in profiles.read_text()


def test_a_token_that_the_hub_refuses_is_not_saved(
    fake: FakeHub, shothub: Shothub, profiles: Path
) -> None:
    fake.troubles.append(problem(401, "unauthorized"))
    ended = shothub("login", "--url", "https://hub.test/", "--token", TOKEN)
    assert ended.code == 4
    assert not profiles.exists()


def test_a_mistyped_token_is_not_even_sent(fake: FakeHub, shothub: Shothub) -> None:
    ended = shothub("login", "--url", "https://hub.test/", "--token", TOKEN[:-1] + "x")
    assert ended.code == 4
    assert "checksum" in ended.err
    assert fake.requests == []


def test_logging_in_over_plain_http_warns(shothub: Shothub) -> None:
    warned = shothub("login", "--url", "http://hub.test", "--token", TOKEN)
    assert "can read your token" in warned.err
    silent = shothub("login", "--url", "http://127.0.0.1:8000", "--token", TOKEN)
    assert "can read your token" not in silent.err


def test_without_a_terminal_nothing_is_asked(
    shothub: Shothub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOTHUB_URL", raising=False)
    ended = shothub("login")
    assert ended.code == 4
    assert "--url" in ended.err


def test_logging_out_removes_the_profile(shothub: Shothub, profiles: Path) -> None:
    shothub("login", "--url", "https://hub.test/", "--token", TOKEN)
    assert shothub("logout").code == 0
    assert TOKEN not in profiles.read_text()
    assert shothub("logout").code == 4


def test_whoami_as_json(shothub: Shothub) -> None:
    assert shothub("whoami", "--json").json["username"] == "alice"


def test_submitting_a_procedure_prints_only_the_id(
    fake: FakeHub, shothub: Shothub
) -> None:
    ended = shothub(
        "submit", "bec_tof", "-g", "tof=linspace:0:1:3", "-g", "n=2", "--tag", "a"
    )
    assert (ended.code, ended.out) == (0, "j1\n")
    (request,) = fake.sent("POST", "/jobs")
    body = json.loads(request.content)
    assert body["globals"] == {"tof": {"values": [0.0, 0.5, 1.0]}, "n": 2}
    assert body["tags"] == ["a"]


def test_submitting_a_script_file(
    fake: FakeHub, shothub: Shothub, tmp_path: Path
) -> None:
    (tmp_path / "exp.py").write_text("start()\n")
    (tmp_path / "g.h5").write_bytes(b"h5")
    ended = shothub(
        "submit", str(tmp_path / "exp.py"), "--globals", str(tmp_path / "g.h5")
    )
    assert ended.code == 0
    (request,) = fake.sent("POST", "/jobs")
    assert json.loads(request.content)["kind"] == "script"


def test_submitting_and_waiting(fake: FakeHub, shothub: Shothub) -> None:
    fake.course = course({}, {"state": "queued", "shots": 3}, DONE)
    ended = shothub("submit", "bec_tof", "--wait")
    assert (ended.code, ended.out) == (0, "j1 done, 2 of 3 shots done, 1 failed\n")
    assert "queued" in ended.err


def test_submitting_as_json_prints_one_document(
    fake: FakeHub, shothub: Shothub
) -> None:
    assert shothub("submit", "bec_tof", "--json").json["id"] == "j1"
    fake.jobs.clear()
    fake.course = course({}, DONE)
    assert shothub("submit", "bec_tof", "--json", "--wait").json["state"] == "done"


@pytest.mark.parametrize(
    "entry", ["tof", "=1", "to f=1", "tof=linspace:1", "tof=[1", "tof=NaN"]
)
def test_a_malformed_global_is_refused(
    fake: FakeHub, shothub: Shothub, entry: str
) -> None:
    ended = shothub("submit", "bec_tof", "-g", entry)
    assert ended.code == 1
    assert "error:" in ended.err
    assert fake.sent("POST", "/jobs") == []


def test_a_global_given_twice_is_refused(shothub: Shothub) -> None:
    assert shothub("submit", "p", "-g", "a=1", "-g", "a=2").code == 1


def test_with_several_apparatus_one_must_be_named(
    fake: FakeHub, shothub: Shothub
) -> None:
    two = [ApparatusView(name="sim"), ApparatusView(name="bec")]
    fake.answers["GET /apparatus"] = two
    ended = shothub("submit", "bec_tof")
    assert ended.code == 1
    assert "sim, bec" in ended.err
    assert shothub("submit", "sim", "bec_tof").code == 0
    assert shothub("submit", "bec_tof", "-a", "sim").code == 0
    assert shothub("submit", "sim", "bec_tof", "-a", "sim").code == 2
    assert shothub("submit", "sim", "bec_tof", "more").code == 2


def test_a_dry_run_tells_the_shots_or_the_faults(
    fake: FakeHub, shothub: Shothub
) -> None:
    fake.answers["POST /jobs"] = DryRun(shots=11)
    assert "11" in shothub("submit", "p", "--dry-run").out
    fault = {"code": "x", "detail": "No.", "where": "globals.tof"}
    fake.answers["POST /jobs"] = DryRun(shots=None, faults=[fault])
    ended = shothub("submit", "p", "--dry-run")
    assert ended.code == 1
    assert "globals.tof" in ended.err


def test_refusals_say_what_where_and_what_to_do(
    fake: FakeHub, shothub: Shothub
) -> None:
    fault = {
        "code": "bad_value",
        "detail": "0.5 s is above the maximum of 0.03 s.",
        "where": "globals.tof",
        "hint": "take less",
    }
    fake.answers["POST /jobs"] = lambda _r: problem(422, "bad_value", faults=[fault])
    ended = shothub("submit", "bec_tof", "-g", "tof=0.5")
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.splitlines() == [
        "error: 0.5 s is above the maximum of 0.03 s.",
        "  where: globals.tof",
        "  hint:  take less",
    ]
    as_json = shothub("submit", "bec_tof", "-g", "tof=0.5", "--json")
    assert as_json.json == {"faults": [fault]}
    assert as_json.err == ""


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (problem(404, "not_found"), 1),
        (problem(409, "conflict"), 1),
        (problem(401, "unauthorized"), 4),
        (problem(403, "missing_scope"), 4),
        (problem(500, "internal_error"), 3),
        (httpx.Response(200, html="hotel"), 3),
    ],
)
def test_exit_codes_tell_what_kind_of_error(
    fake: FakeHub, shothub: Shothub, trouble: httpx.Response, code: int
) -> None:
    fake.troubles.append(trouble)
    ended = shothub("show", "j1")
    assert ended.code == code
    assert "Traceback" not in ended.err


def test_an_unreachable_hub_is_exit_code_3(fake: FakeHub, shothub: Shothub) -> None:
    fake.troubles.extend([httpx.ConnectError("refused")] * 1000)
    assert shothub("whoami").code == 3


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("show",), ("jobs", "--limit", "x"), ("jobs", "-z")]
)
def test_a_wrong_command_line_is_exit_code_2(
    shothub: Shothub, arguments: tuple[str, ...]
) -> None:
    assert shothub(*arguments).code == 2


def test_waiting_for_a_failed_job_is_exit_code_1(
    fake: FakeHub, shothub: Shothub
) -> None:
    fault = {"code": "script_error", "detail": "Boom.", "where": "exp.py:3"}
    fake.course = course({"state": "failed", "faults": [fault]})
    ended = shothub("wait", "j1")
    assert ended.code == 1
    assert "exp.py:3" in ended.err
    as_json = shothub("wait", "j1", "--json")
    assert (as_json.code, as_json.json["state"]) == (1, "failed")


def test_waiting_in_vain_is_exit_code_5(fake: FakeHub, shothub: Shothub) -> None:
    fake.course = course({"state": "queued", "shots": 1, "shots_ahead": 9})
    ended = shothub("wait", "j1", "--timeout", "60")
    assert ended.code == 5
    assert "9 shots ahead" in ended.err


def test_watching_prints_each_change(fake: FakeHub, shothub: Shothub) -> None:
    views: tuple[dict[str, Any], ...] = (
        {},
        {"state": "queued", "shots": 3, "shots_ahead": 2},
        DONE,
    )
    fake.course = course(*views)
    ended = shothub("watch", "j1")
    assert ended.out.splitlines() == [
        "j1 submitted",
        "j1 queued, 2 shots ahead",
        "j1 done, 2 of 3 shots done, 1 failed",
    ]
    fake.course = course(*views)
    lines = shothub("watch", "j1", "--json").out.splitlines()
    assert [json.loads(line)["state"] for line in lines] == [
        "submitted",
        "queued",
        "done",
    ]


def test_jobs_are_listed_with_filters(fake: FakeHub, shothub: Shothub) -> None:
    fake.answers["GET /jobs"] = JobPage(jobs=[job_view(name="[red]x")], total=1)
    ended = shothub("jobs", "--state", "done", "--tag", "a", "-a", "sim")
    assert "[red]x" in ended.out
    params = fake.sent("GET", "/jobs")[0].url.params
    assert (params["state"], params["tag"], params["apparatus"]) == ("done", "a", "sim")
    assert shothub("jobs", "--json").json[0]["id"] == "j1"
    assert shothub("jobs", "--state", "levitating").code == 2


def test_a_job_is_shown_with_its_faults(fake: FakeHub, shothub: Shothub) -> None:
    fault = {"code": "x", "detail": "Boom.", "where": "exp.py:3", "hint": "mend"}
    fake.course = course(
        {"state": "failed", "faults": [fault], "globals": {"tof": [1, 2, 3]}}
    )
    shown = shothub("show", "j1").out
    assert "exp.py:3" in shown
    assert "tof = 1 … 3 (3)" in shown
    assert shothub("show", "j1", "--json").json["faults"][0]["where"] == "exp.py:3"


def test_results_are_a_table_with_units_and_gaps(
    fake: FakeHub, shothub: Shothub
) -> None:
    fake.answers["GET /jobs/j1/results"] = table()
    lines = shothub("results", "j1").out.splitlines()
    assert lines[0].split() == [
        "shot",
        "shot_state",
        "tof",
        "(s)",
        "atom_number.atoms",
        "atom_number.ok",
    ]
    assert lines[2].split() == ["1", "failed", "0.01", "-", "-"]
    assert shothub("results", "j1", "--json").json["rows"][1][1] is None


def test_results_go_into_files(fake: FakeHub, shothub: Shothub, tmp_path: Path) -> None:
    fake.answers["GET /jobs/j1/results"] = table()
    assert shothub("results", "j1", "--csv", str(tmp_path / "r.csv")).code == 0
    rows = (tmp_path / "r.csv").read_text().splitlines()
    assert rows[2] == "1,failed,0.01,,"
    assert shothub("results", "j1", "--parquet", str(tmp_path / "r.pq")).code == 0
    nowhere = shothub("results", "j1", "--csv", str(tmp_path / "no" / "r.csv"))
    assert nowhere.code == 1


def test_images_are_stored_as_numpy_with_gaps(
    fake: FakeHub, shothub: Shothub, tmp_path: Path
) -> None:
    np.save(tmp_path / "1.npy", np.ones((3, 2, 2), np.uint16))
    with ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.write(tmp_path / "1.npy", "1.npy")
    packed = (tmp_path / "x.npz").read_bytes()
    fake.answers["GET /jobs/j1/images/absorption.npz"] = lambda _r: httpx.Response(
        200, content=packed
    )
    fake.course = course({"state": "done", "shots": 2})
    out = tmp_path / "out"
    ended = shothub("images", "j1", "absorption", "-o", str(out))
    assert ended.out.strip() == str(out / "j1_absorption.npy")
    stored = np.load(out / "j1_absorption.npy")
    assert stored.shape == (2, 3, 2, 2)
    assert np.isnan(stored[0]).all()


def test_pictures_and_files_are_stored(
    fake: FakeHub, shothub: Shothub, tmp_path: Path
) -> None:
    fake.add_file("images/absorption/0.png", b"p", kind="preview", label="absorption")
    fake.add_file("figures/fit.png", b"f", kind="figure")
    assert "figures/fit.png" in shothub("files", "j1").out
    listed = shothub("files", "j1", "--json", "--kind", "figure").json
    assert [file["name"] for file in listed] == ["figures/fit.png"]
    shothub("images", "j1", "absorption", "--png", "-o", str(tmp_path))
    assert (tmp_path / "j1/images/absorption/0.png").read_bytes() == b"p"
    shothub("files", "j1", "-d", str(tmp_path), "--kind", "figure")
    assert (tmp_path / "j1/figures/fit.png").read_bytes() == b"f"


def test_images_may_be_stored_under_a_name(
    fake: FakeHub, shothub: Shothub, tmp_path: Path
) -> None:
    np.save(tmp_path / "0.npy", np.ones((3, 2, 2), np.uint16))
    with ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.write(tmp_path / "0.npy", "0.npy")
    packed = (tmp_path / "x.npz").read_bytes()
    fake.answers["GET /jobs/j1/images/absorption.npz"] = lambda _r: httpx.Response(
        200, content=packed
    )
    target = str(tmp_path / "mine.npy")
    assert shothub("images", "j1", "absorption", "--save", target).code == 0
    assert np.load(target).dtype == np.uint16
    nowhere = str(tmp_path / "no" / "mine.npy")
    assert shothub("images", "j1", "absorption", "--save", nowhere).code == 1


def test_the_newest_job_is_called_last(fake: FakeHub, shothub: Shothub) -> None:
    fake.answers["GET /jobs"] = JobPage(jobs=[job_view()], total=1)
    fake.answers["GET /jobs/j1/logs"] = [LogView(stage="compile", text="hi")]
    assert "hi" in shothub("logs", "last").out
    fake.answers["GET /jobs"] = JobPage(jobs=[], total=0)
    assert shothub("logs", "last").code == 1


def test_logs_are_printed(fake: FakeHub, shothub: Shothub) -> None:
    fake.answers["GET /jobs/j1/logs"] = [LogView(stage="compile", text="hi [bold]")]
    assert shothub("logs", "j1").out == "== compile ==\nhi [bold]\n"


def test_cancelling_can_abort_the_running_shot(fake: FakeHub, shothub: Shothub) -> None:
    fake.answers["POST /jobs/j1/cancel"] = job_view(state="cancelling")
    assert shothub("cancel", "--abort", "j1").out == "j1 cancelling\n"
    assert fake.requests[-1].url.params["abort"] == "1"


def test_cancelling_several_jobs(fake: FakeHub, shothub: Shothub) -> None:
    fake.answers["POST /jobs/j1/cancel"] = job_view(state="cancelling")
    assert shothub("cancel", "j1", "j1").out == "j1 cancelling\nj1 cancelling\n"


def test_a_new_token_is_alone_on_stdout(fake: FakeHub, shothub: Shothub) -> None:
    made = NewToken(
        id="x", name="laptop", scopes=[], created=NOON, expires=NOON, token="shb_new"
    )
    fake.answers["POST /tokens"] = made
    assert shothub("token", "create", "laptop").out == "shb_new\n"


def test_an_apparatus_is_shown_with_its_procedures(
    fake: FakeHub, shothub: Shothub
) -> None:
    tof = ParameterView(name="tof", type="float", default=0.015, unit="s", maximum=0.03)
    procedure = ProcedureView(name="bec_tof", title="Time of flight", parameters=[tof])
    fake.answers["GET /apparatus/sim/procedures"] = [procedure]
    shown = shothub("apparatus", "show", "sim", "--procedures").out
    assert "Time of flight" in shown
    assert "0.03" in shown
    document = shothub("apparatus", "show", "sim", "--procedures", "--json").json
    assert document["procedures"][0]["name"] == "bec_tof"
    assert document["apparatus"]["name"] == "sim"
    assert "bec_tof" in shothub("apparatus", "show", "sim").out
    assert shothub("apparatus", "list", "--json").json[0]["name"] == "sim"


COMMANDS = [
    "login logout whoami submit jobs show wait watch results images logs files events",
    "cancel server agent blacs demo sandbox",
]


@pytest.mark.parametrize("name", " ".join(COMMANDS).split())
def test_every_command_helps_with_examples_and_exit_codes(
    shothub: Shothub, name: str
) -> None:
    ended = shothub(name, "--help")
    assert ended.code == 0
    assert "Examples:" in ended.out
    assert f"shothub {name}" in ended.out.split("Examples:")[1]
    assert "Exit codes:" in ended.out


@pytest.mark.parametrize(
    "words",
    [
        ("apparatus", "list"),
        ("apparatus", "show"),
        ("apparatus", "init"),
        ("apparatus", "check"),
        ("token", "create"),
        ("token", "list"),
        ("token", "revoke"),
    ],
)
def test_commands_below_a_word_help_too(
    shothub: Shothub, words: tuple[str, str]
) -> None:
    assert f"shothub {' '.join(words)}" in shothub(*words, "--help").out


def test_a_bug_is_told_without_a_traceback(
    profiles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Hub:
        raise ZeroDivisionError("oops")

    monkeypatch.delenv("SHOTHUB_DEBUG", raising=False)
    session = Session(broken, lambda: profiles)
    assert run(["whoami"], session) == 1
    assert "Traceback" not in capsys.readouterr().err
    monkeypatch.setenv("SHOTHUB_DEBUG", "1")
    assert run(["whoami"], session) == 1
    assert "Traceback" in capsys.readouterr().err
