"""The rules of tokens, agents and sessions; every route is tried in integration/access."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pydantic import SecretStr
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.runtime import clock
from shothub.server.accounts.models import Token
from shothub.server.accounts.services import authenticate, create_user, mint_token
from shothub.server.refusals import Invalid, Unauthorized

Submit = Callable[..., Any]


def test_an_agent_reaches_its_own_apparatus_only(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    raw = mint_token(user=cast.users["robot"], now=clock.now(), apparatus="other")
    other = type(cast.agent)(Caller(raw), apparatus="other")
    other.open()
    assert other.start(lease).status == 404
    assert other.compiled(job, 1).status == 404
    assert other.upload(job, "a.npy", b"1").status == 404
    attempt = cast.agent.start(lease).ok()["attempt"]
    assert other.finish(attempt).status == 404
    assert other.analysed(attempt).status == 404
    other.apparatus = "sim"
    opening = {"apparatus": "sim", "agent_version": "1", "description": {}}
    answer = other.call("POST", "/agent/sessions", opening)
    assert (answer.status, answer.body["code"]) == (403, "wrong_apparatus")


def test_an_operator_needs_the_grant_for_that_apparatus(cast: Cast) -> None:
    assert cast.olga("POST", "/apparatus/sim/pause").status == 200
    answer = cast.olga("POST", "/apparatus/other/pause")
    assert (answer.status, answer.body["code"]) == (403, "operator_not_granted")


@pytest.mark.parametrize("scopes", [[], ["jobs:submit"], ["metrics:read"]])
def test_every_valid_token_tells_who_one_is(cast: Cast, scopes: list[str]) -> None:
    raw = mint_token(user=cast.users["bob"], now=clock.now(), scopes=scopes)
    me = Caller(raw)("GET", "/me").ok()
    assert me["username"] == "bob"
    assert set(me["scopes"]) <= set(scopes)
    assert cast.agent.call("GET", "/me").ok()["username"] == "robot"


def test_a_token_makes_no_token_that_exceeds_it(cast: Cast) -> None:
    raw = mint_token(
        user=cast.users["alice"],
        now=clock.now(),
        scopes=["tokens:create", "jobs:read"],
        days=10,
    )
    small = Caller(raw)

    def ask(**body: object) -> tuple[int, str]:
        answer = small("POST", "/tokens", {"name": "child", "days": 5} | body)
        return answer.status, answer.body.get("code", "")

    assert ask(scopes=["jobs:submit"]) == (403, "exceeds")
    assert ask(scopes=["jobs:read"], days=11) == (403, "exceeds")
    assert ask(scopes=["everything"]) == (422, "unknown_scope")
    assert ask(scopes=["jobs:read"], days=0) == (422, "out_of_range")
    assert ask(scopes=["agent:run"]) == (403, "exceeds")
    assert ask(scopes=["jobs:read"]) == (201, "")


def test_revoking_a_token_revokes_what_it_made(cast: Cast) -> None:
    asked = {"name": "child", "scopes": ["jobs:read", "tokens:create"], "days": 3}
    child = cast.alice("POST", "/tokens", asked).ok()
    grandchild = Caller(child["token"])("POST", "/tokens", asked | {"days": 2}).ok()
    assert Caller(grandchild["token"])("GET", "/jobs").status == 200
    assert cast.bob("DELETE", f"/tokens/{child['id']}").status == 404
    assert cast.alice("DELETE", f"/tokens/{child['id']}").ok()["revoked"]
    for raw in (child["token"], grandchild["token"]):
        assert Caller(raw)("GET", "/jobs").status == 401
    assert cast.alice("GET", "/jobs").status == 200


def test_listed_tokens_show_no_secret(cast: Cast) -> None:
    [token] = cast.alice("GET", "/tokens").ok()
    assert set(token) == {
        "id", "kind", "name", "scopes", "apparatus", "created", "expires", "revoked",
        "last_used", "last_address",
    }  # fmt: skip


def test_the_database_holds_no_token(cast: Cast) -> None:
    raw = mint_token(user=cast.users["bob"], now=clock.now())
    row = Token.objects.latest("id")
    secret = raw.split("_")[3]
    assert all(secret not in str(value) for value in vars(row).values())
    assert len(bytes(row.digest)) == 32


@pytest.mark.parametrize("how", ["expired", "disabled", "forged"])
def test_a_dead_token_opens_nothing(cast: Cast, how: str) -> None:
    user, now = cast.users["bob"], clock.now()
    raw = mint_token(user=user, now=now, days=1)
    assert authenticate(raw, now=now).username == "bob"
    if how == "disabled":
        user.is_active = False
        user.save()
    if how == "forged":
        Token.objects.update(digest=bytes(32))
    later = now + timedelta(days=2 if how == "expired" else 0)
    with pytest.raises(Unauthorized):
        authenticate(raw, now=later)


def test_an_old_pepper_still_verifies_and_a_lost_one_does_not(
    cast: Cast, configured: Callable[..., None]
) -> None:
    now, old = clock.now(), settings.SHOTHUB.token_peppers
    raw = mint_token(user=cast.users["bob"], now=now)
    configured(token_peppers=[SecretStr("n" * 40), *old])
    assert authenticate(raw, now=now)
    fresh = mint_token(user=cast.users["bob"], now=now)
    assert authenticate(fresh, now=now)
    configured(token_peppers=[SecretStr("m" * 40)])
    for token in (raw, fresh):
        with pytest.raises(Unauthorized):
            authenticate(token, now=now)


def test_the_last_use_is_written_once_a_minute(cast: Cast) -> None:
    now = clock.now()
    raw = mint_token(user=cast.users["bob"], now=now)
    seen = []
    for seconds in (0, 30, 61):
        authenticate(raw, now=now + timedelta(seconds=seconds))
        seen.append(Token.objects.latest("id").last_used)
    assert seen == [now, now, now + timedelta(seconds=61)]


@pytest.mark.parametrize("key", ["../x", "Alice", "", "a b", "9a"])
def test_a_key_is_a_slug(db: None, key: str) -> None:
    with pytest.raises(Invalid):
        create_user(username="someone", password=None, key=key)


def test_a_weak_password_is_refused(db: None) -> None:
    with pytest.raises(Invalid, match="too common"):
        create_user(username="someone", password="password1", key="someone")


def test_pages_reach_the_api_by_session_and_csrf_token(cast: Cast) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.users["alice"])
    assert browser.get("/api/v1/me").json()["username"] == "alice"
    asked = {"name": "x", "scopes": ["jobs:read"], "days": 1}
    refused = browser.post("/api/v1/tokens", asked, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    browser.cookies["csrftoken"] = "a" * 32
    made = browser.post(
        "/api/v1/tokens",
        asked,
        content_type="application/json",
        headers={"X-CSRFToken": "a" * 32},
    )
    assert made.status_code == 201
    cast.users["alice"].is_active = False
    cast.users["alice"].save()
    assert browser.get("/api/v1/me").status_code == 401


def test_metrics_need_their_scope(cast: Cast) -> None:
    client = Client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=cast.alice.headers).status_code == 403
    text = client.get("/metrics", headers=cast.olga.headers).content.decode()
    assert 'shothub_agent_online{apparatus="sim"} 1.0' in text


def test_health_is_open(db: None) -> None:
    assert Client().get("/healthz").json()["status"] == "ok"
