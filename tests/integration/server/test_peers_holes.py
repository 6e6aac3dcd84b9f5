"""Holes that were found in other systems of this kind, tried on this one."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import BASE, Caller

from shothub.domain.tokens import USER_SCOPES
from shothub.runtime import clock
from shothub.server.accounts.models import Token
from shothub.server.accounts.people_services import invite
from shothub.server.accounts.services import mint_token, revoke_tree
from shothub.server.apparatus.credentials import agent_code_of_the_hub
from shothub.server.jobs.models import Job

Submit = Callable[..., Any]
OF_A_JOB = ("", "/shots", "/events", "/logs", "/results", "/images", "/files")
SECRET = "said by the secret sequence"


def test_a_token_of_a_disabled_user_is_dead_on_every_call(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    assert cast.alice("GET", f"/jobs/{job}").status == 200
    cast.users["alice"].is_active = False
    cast.users["alice"].save()
    for path in ("/me", "/jobs", *(f"/jobs/{job}{part}" for part in OF_A_JOB)):
        assert cast.alice("GET", path).status == 401, path
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    assert cast.alice("POST", "/jobs", body).status == 401
    assert Job.objects.count() == 1


def test_a_revoked_token_is_dead_at_once(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    raw = mint_token(user=cast.users["alice"], now=clock.now())
    caller = Caller(raw)
    paths = ("/me", "/jobs", *(f"/jobs/{job}{part}" for part in OF_A_JOB))
    assert {caller("GET", path).status for path in paths} == {200}
    cast.alice("DELETE", f"/tokens/{raw.split('_')[2]}").ok()
    assert {caller("GET", path).status for path in paths} == {401}
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    asked = {"name": "x", "scopes": ["jobs:read"], "days": 1}
    assert caller("POST", "/jobs", body).status == 401
    assert caller("POST", "/tokens", asked).status == 401
    assert Job.objects.count() == 1
    assert cast.alice("GET", "/jobs").status == 200  # the one that revoked it


def test_a_revoked_agents_token_is_dead_at_once(cast: Cast, submit: Submit) -> None:
    submit()
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    revoke_tree(Token.objects.get(kind="agt").pk, now=clock.now())
    assert cast.agent.start(lease).status == 401
    assert cast.agent.poll().status == 401


def test_a_job_id_is_no_key(cast: Cast, submit: Submit) -> None:
    """Whoever knows the id of another's job learns nothing and changes nothing."""
    job = submit(name="my secret")["id"]
    cast.agent.compile_one(log=SECRET)
    cast.agent.upload(job, "images/absorption/0.npy", b"1").ok()
    paths = [*OF_A_JOB, "/files/images/absorption/0.npy", "/images/absorption.npz"]
    for path in (*paths, "/stream"):
        answer = cast.bob("GET", f"/jobs/{job}{path}")
        assert answer.status == 404, path
        assert "secret" not in str(answer.body)
    for method, path in (
        ("POST", "/cancel"),
        ("DELETE", ""),
        ("POST", "/hold"),
        ("POST", "/release"),
    ):
        assert cast.bob(method, f"/jobs/{job}{path}").status == 404, path
    assert cast.alice("GET", f"/jobs/{job}").ok()["state"] == "queued"
    for path in paths:  # the control
        assert cast.alice("GET", f"/jobs/{job}{path}").status == 200, path


@pytest.mark.parametrize(
    "part", ["", "/live", "/outcome", "/record", "/files/images/absorption/0.npy"]
)
def test_a_job_id_is_no_key_to_its_pages(cast: Cast, submit: Submit, part: str) -> None:
    job = submit(name="my secret")["id"]
    cast.agent.compile_one(log=SECRET)
    cast.agent.upload(job, "images/absorption/0.npy", b"1").ok()
    alice, bob = Client(), Client()
    alice.force_login(cast.users["alice"])
    bob.force_login(cast.users["bob"])
    hidden = bob.get(f"/jobs/{job}{part}")
    assert hidden.status_code == 404
    assert b"secret" not in hidden.content
    assert Client().get(f"/jobs/{job}{part}").status_code == 302
    shown = alice.get(f"/jobs/{job}{part}")
    assert shown.status_code == 200
    shown.close()


def test_job_ids_cannot_be_guessed(cast: Cast, submit: Submit) -> None:
    ids = [submit()["id"] for _ in range(4)]
    for ident in ids:
        assert re.fullmatch(r"[a-z0-9]{12}", ident)
        assert "alice" not in ident
    for here, there in pairwise(ids):
        same = sum(a == b for a, b in zip(here, there, strict=True))
        assert same < 9  # by chance in one of 10^12


@pytest.mark.parametrize(
    "job",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/x",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "..%5c..%5cx",
        "%00",
        "a" * 3000,
        "²",
    ],
)
@pytest.mark.parametrize("part", ["", "/results", "/files/x"])
def test_no_path_in_place_of_a_job_id(cast: Cast, job: str, part: str) -> None:
    assert cast.alice("GET", f"/jobs/{job}{part}").status == 404


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "%2e%2e/x", "a/../../x", "a%00b", "..", "a//b"]
)
def test_no_file_leaves_its_job(
    cast: Cast, submit: Submit, folder_of_files: Path, name: str
) -> None:
    job = submit()["id"]
    cast.agent.compile_one()
    before = set(_files(folder_of_files.parent))
    answer = cast.agent.upload(job, name, b"1")
    fresh = set(_files(folder_of_files.parent)) - before
    assert answer.status < 500
    assert all(folder_of_files in file.parents for file in fresh)
    assert cast.alice("GET", f"/jobs/{job}/files/{name}").status in {200, 404}
    assert cast.alice("GET", f"/jobs/{job}/files/../../db.sqlite3").status == 404


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


POISON: list[Any] = [
    [1, 2, 3],
    {"experiment_0": 5},
    [["rlx"]],
    {"experiment_²": {}},
    {f"experiment_{n:02}": {} for n in range(40)},
    {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof", "globals": 5},
    b'{"kind": "procedure", "globals": {"tof": NaN}}',
    b'{"kind": "procedure", "globals": {"tof": 1e400}}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"\xff\xfe",
    b"",
]


@pytest.mark.parametrize("body", POISON, ids=[str(n) for n in range(len(POISON))])
def test_a_poisoned_job_is_refused_and_harms_nobody(
    cast: Cast, submit: Submit, body: object
) -> None:
    answer = cast.alice("POST", "/jobs", body)
    assert answer.status in {400, 413, 422}
    assert Job.objects.count() == 0
    job = submit(cast.bob)["id"]
    assert cast.agent.compile_one() == job
    cast.agent.run_one(atoms=1.0)
    cast.agent.end_job()
    assert cast.bob("GET", f"/jobs/{job}").ok()["state"] == "done"


def test_what_one_job_said_is_never_in_anothers(cast: Cast, submit: Submit) -> None:
    submit()
    fault = {"code": "failed", "detail": SECRET}
    cast.agent.compile_one(shots=0, faults=[fault], log=SECRET)
    bobs = submit(cast.bob)["id"]
    cast.agent.compile_one()
    for part in OF_A_JOB:
        answer = cast.bob("GET", f"/jobs/{bobs}{part}")
        assert SECRET not in str(answer.ok()), part


def test_nobody_submits_in_anothers_name(cast: Cast) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    for field in ("owner", "owner_id", "user", "key", "username"):
        answer = cast.alice("POST", "/jobs", body | {field: "bob"})
        assert (answer.status, answer.body["where"]) == (422, f"body.{field}")
    assert Job.objects.count() == 0


def test_an_idempotency_key_is_ones_own(cast: Cast) -> None:
    """The same key of another user gives another job, not a look at the first one."""
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    alices = cast.alice("POST", "/jobs", body, Idempotency_Key="k").ok()
    bobs = cast.bob("POST", "/jobs", body, Idempotency_Key="k").ok()
    assert (alices["owner"], bobs["owner"]) == ("alice", "bob")
    assert alices["id"] != bobs["id"]


@pytest.mark.parametrize("name", ["token", "api_key", "access_token", "key"])
def test_no_token_in_a_query_or_a_cookie(cast: Cast, name: str) -> None:
    """There it would be written into logs, histories and referrers."""
    raw = mint_token(user=cast.users["alice"], now=clock.now())
    assert Client().get(f"{BASE}/jobs?{name}={raw}").status_code == 401
    browser = Client()
    browser.cookies[name] = raw
    assert browser.get(f"{BASE}/jobs").status_code == 401
    header = {"Authorization": f"Bearer {raw}"}
    assert Client().get(f"{BASE}/jobs", headers=header).status_code == 200


def test_the_database_holds_no_secret_of_a_token(
    cast: Cast, submit: Submit, configured: Callable[..., None]
) -> None:
    """Nor of what stands for one: codes of agents, programs and guests, links to jobs."""
    configured(sign_up="invited")
    job = submit()["id"]
    child = {"name": "x", "scopes": ["jobs:read"], "days": 1}
    hook = {"url": "https://example.org/hook", "events": ["done"]}
    enrolment = agent_code_of_the_hub("sim", minutes=10, now=clock.now()).code
    enrolled = cast.stranger("POST", "/agent/enrol", {"code": enrolment}).ok()["token"]
    program = cast.stranger("POST", "/device/code", {"client": "a program"}).ok()
    key = cast.alice("POST", "/webhooks", hook).ok()["secret"]
    link = cast.alice("POST", f"/jobs/{job}/shares", {"days": 1}).ok()["link"]
    secrets = {
        "Alice's token": _secret(cast.alice.headers["Authorization"]),
        "Bob's token": _secret(cast.bob.headers["Authorization"]),
        "the agent's token": _secret(cast.agent.call.headers["Authorization"]),
        "a child": _secret(cast.alice("POST", "/tokens", child).ok()["token"]),
        "a code of enrolment": _secret(enrolment),
        "an enrolled token": _secret(enrolled),
        "a rotated token": _secret(
            Caller(enrolled)("POST", "/agent/token").ok()["token"]
        ),
        "a device code": _secret(program["device_code"]),
        "an invitation": invite(by=None, now=clock.now()),
        "a link": link.removeprefix("/shared/")[10:],
        "the key of a webhook": key.removeprefix("whsec_"),
    }
    assert all(len(secret) > 12 for secret in secrets.values())
    assert _kept(secrets) == []
    Token.objects.filter(name="x").update(name=secrets["a child"])
    assert _kept(secrets) == ["a child"]  # the control


def _secret(text: str) -> str:
    """Return the secret part of a token or of a code."""
    return text.split("_")[-1]


def _kept(secrets: dict[str, str]) -> list[str]:
    """Return what of these can be read in the database."""
    kept = "\n".join(_everything())
    return [name for name, secret in secrets.items() if secret in kept]


def _everything() -> Iterator[str]:
    """Return every value of every row of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (a table's name)
            for row in cursor.fetchall():
                yield from (
                    bytes(value).decode("latin-1")
                    if isinstance(value, bytes | memoryview)
                    else str(value)
                    for value in row
                )


def test_a_key_mints_no_stronger_key(cast: Cast) -> None:
    """Not in scopes, not in time; and it dies with the one that made it."""
    raw = mint_token(
        user=cast.users["alice"], now=clock.now(), scopes=["tokens:create"], days=1
    )
    small = Caller(raw)
    for scope in sorted(USER_SCOPES - {"tokens:create"}):
        asked = {"name": "x", "scopes": [scope], "days": 1}
        answer = small("POST", "/tokens", asked)
        assert (answer.status, answer.body["code"]) == (403, "exceeds"), scope
    asked = {"name": "x", "scopes": ["tokens:create"]}
    answer = small("POST", "/tokens", asked | {"days": 30})
    assert (answer.status, answer.body["code"]) == (403, "exceeds")


def test_a_key_for_one_apparatus_mints_none_for_another(cast: Cast) -> None:
    raw = mint_token(user=cast.users["alice"], now=clock.now(), only_on=["sim"])
    asked = {"name": "x", "scopes": ["jobs:read"], "days": 1}
    answer = Caller(raw)("POST", "/tokens", asked | {"apparatus": ["sim", "other"]})
    assert (answer.status, answer.body["code"]) == (403, "exceeds")
    assert Caller(raw)("POST", "/tokens", asked).ok()["apparatus"] == ["sim"]


def test_what_a_key_mints_dies_with_it(cast: Cast) -> None:
    raw = mint_token(user=cast.users["alice"], now=clock.now())
    asked = {"name": "x", "scopes": ["jobs:read", "tokens:create"]}
    child = Caller(raw)("POST", "/tokens", asked | {"days": 2}).ok()["token"]
    grandchild = Caller(child)("POST", "/tokens", asked | {"days": 1}).ok()["token"]
    family = Caller(child), Caller(grandchild)
    assert {each("GET", "/jobs").status for each in family} == {200}
    Caller(raw)("DELETE", "/me/token").ok()
    assert {each("GET", "/jobs").status for each in family} == {401}


def test_an_agents_key_mints_none_of_a_users(cast: Cast) -> None:
    asked = {"name": "x", "scopes": ["jobs:read"], "days": 1}
    answer = cast.agent.call("POST", "/tokens", asked)
    assert (answer.status, answer.body["code"]) == (403, "missing_scope")


def test_an_admins_token_makes_no_agent(cast: Cast) -> None:
    """What an agent may do no user's token may; so none makes an agent either."""
    cast.users["olga"].is_staff = True
    cast.users["olga"].save()
    answer = cast.olga("POST", "/apparatus/sim/agent-code")
    assert (answer.status, answer.body["code"]) == (403, "not_by_token")


def test_strangers_learn_nothing(cast: Cast) -> None:
    for path in ("/apparatus", "/jobs", "/me", "/reservations", "/groups"):
        assert cast.stranger("GET", path).status == 401
    health = Client().get("/healthz").json()
    assert set(health) == {"status", "version"}
    assert Client().get("/metrics").status_code == 401


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/x",
        "http://localhost/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x",
        "file:///etc/passwd",
        "gopher://example.org/",
    ],
)
def test_the_hub_calls_no_address_inside_for_a_user(cast: Cast, url: str) -> None:
    answer = cast.alice("POST", "/webhooks", {"url": url, "events": ["done"]})
    assert answer.status == 422


def test_the_hub_answers_to_its_own_names_only(cast: Cast) -> None:
    assert settings.DEBUG is False
    assert "*" not in settings.ALLOWED_HOSTS
    evil = Client().get(f"{BASE}/me", headers={"Host": "evil.example"})
    assert evil.status_code == 400


def test_an_errors_status_is_in_its_status_line(cast: Cast) -> None:
    for method, path, status in (
        ("PATCH", "/jobs", 405),
        ("GET", "/nothing", 404),
        ("GET", "/jobs/", 404),
        ("GET", "//jobs", 404),
    ):
        assert cast.alice(method, path).status == status, path
