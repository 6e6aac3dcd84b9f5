"""A user gets all that is stored about him, and nothing of anybody else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.runtime import clock
from shothub.server.accounts.services import mint_token
from shothub.server.audit.models import Entry
from shothub.server.results.personal_kinds import KINDS, LEFT_OUT

SECRETS = {
    "password",
    "digest",
    "pepper",
    "secret",
    "token",
    "token_secret",
    "session_key",
    "data",
}
BODY = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


@pytest.fixture
def exported(cast: Cast) -> Callable[[Caller], Any]:
    def export(caller: Caller) -> Any:
        return caller("GET", "/me/export").ok()

    return export


def test_every_table_that_knows_of_users_is_told_of() -> None:
    user = get_user_model()
    known = {kind.model for kind in KINDS} | set(LEFT_OUT)
    for model in apps.get_models():
        refers = [
            f.name for f in model._meta.concrete_fields if f.related_model is user
        ]
        if refers:
            assert model._meta.label in known, f"{model._meta.label}: {refers}"
            [kind] = [k for k in KINDS if k.model == model._meta.label]
            assert set(refers) <= set(kind.whose), f"{kind.name}: {refers}"


def test_no_secret_is_among_the_columns() -> None:
    for kind in KINDS:
        assert not SECRETS & set(kind.columns), kind.name


def test_it_holds_what_one_did_and_is_json(
    cast: Cast, exported: Callable[[Caller], Any]
) -> None:
    job = cast.alice("POST", "/jobs", BODY | {"name": "größte Wolke"}).ok()["id"]
    cast.agent.compile_one(shots=1)
    cast.agent.run_one(atoms=5.0, fraction=0.5)
    cast.agent.upload(job, "figures/fit.png", b"picture", kind="figure").ok()
    told = exported(cast.alice)
    assert set(told) == {"about", "user", "made"} | {kind.name for kind in KINDS}
    assert [row["username"] for row in told["account"]] == ["alice"]
    assert [row["name"] for row in told["jobs"]] == ["größte Wolke"]
    assert told["files"][0]["name"] == "figures/fit.png"
    assert any("atoms" in row["values"] for row in told["results"])
    assert told["shots"][0]["job_id"] == job
    assert told["tokens"][0]["name"] == "alice"


def test_it_holds_nothing_of_others_and_no_secret(
    cast: Cast, exported: Callable[[Caller], Any]
) -> None:
    cast.bob("POST", "/jobs", BODY | {"name": "a secret of Bob"}).ok()
    text = json.dumps(exported(cast.alice))
    assert "Bob" not in text
    assert "bob" not in text
    for caller in (cast.alice, cast.bob):
        assert caller.headers["Authorization"].rpartition("_")[2] not in text
    assert "a secret of Bob" in json.dumps(exported(cast.bob))


def test_an_export_is_on_the_record(
    cast: Cast, exported: Callable[[Caller], Any]
) -> None:
    told = exported(cast.alice)
    [entry] = Entry.objects.filter(what="user.exported")
    assert entry.subject_name == "alice"
    assert [row["what"] for row in told["record"]][-1] == "user.exported"


@pytest.mark.parametrize("scope", ["jobs:read", "tokens:read"])
def test_a_token_that_may_read_a_part_gets_nothing(cast: Cast, scope: str) -> None:
    scopes = {"jobs:read", "results:read", "tokens:read"} - {scope}
    raw = mint_token(user=cast.users["alice"], now=clock.now(), scopes=scopes)
    answer = Caller(raw)("GET", "/me/export")
    assert (answer.status, answer.body["code"]) == (403, "missing_scope")
    assert scope in answer.body["detail"]
