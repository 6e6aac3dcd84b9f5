"""Tokens through pages: shown once, revoked for good."""

import re

from django.test import Client
from pytest_django import Settings
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

NEW = {"name": "laptop", "days": "30", "scopes": ["jobs:read", "apparatus:read"]}


def made(client: Client) -> str:
    text = client.post("/tokens", NEW).content.decode()
    found = re.search(r"shb_pat_\w+", text)
    assert found is not None
    return found[0]


def test_a_new_token_is_shown_once_and_works(alice: Client) -> None:
    token = made(alice)
    assert Caller(token)("GET", "/jobs").status == 200
    assert Caller(token)("GET", "/tokens").status == 403
    assert token not in alice.get("/tokens").content.decode()


def test_the_page_with_the_secret_is_kept_by_no_cache(alice: Client) -> None:
    assert "no-store" in alice.post("/tokens", NEW).headers["Cache-Control"]


def test_the_page_says_how_to_log_in_with_it(alice: Client) -> None:
    text = alice.post("/tokens", NEW).content.decode()
    assert "shothub login --url http://testserver --token shb_pat_" in text


def test_a_revoked_token_works_no_more(alice: Client) -> None:
    token = made(alice)
    alice.post(f"/tokens/{token.split('_')[2]}/revoke")
    assert Caller(token)("GET", "/jobs").status == 401
    assert "revoked" in alice.get("/tokens").content.decode()


def test_another_ones_token_cannot_be_revoked(alice: Client, bob: Client) -> None:
    token = made(alice)
    assert bob.post(f"/tokens/{token.split('_')[2]}/revoke").status_code == 404
    assert Caller(token)("GET", "/jobs").status == 200


def test_a_token_that_makes_no_sense_is_refused(cast: Cast, alice: Client) -> None:
    cases: list[dict[str, object]] = [
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "x" * 121},
        {"apparatus": ["../x"]},
        {"days": "0"},
        {"days": "many"},
        {"days": "9999999"},
        {"scopes": []},
        {"scopes": ["agent:run"]},
        {"scopes": ["apparatus:control"]},
    ]
    for wrong in cases:
        response = alice.post("/tokens", NEW | wrong)
        assert response.status_code == 422
        assert "shb_pat_" not in response.content.decode()


def test_a_token_can_be_made_for_one_apparatus(cast: Cast, alice: Client) -> None:
    page = alice.get("/tokens").content.decode()
    assert 'name="apparatus" value="sim"' in page
    text = alice.post("/tokens", NEW | {"apparatus": ["sim"]}).content.decode()
    found = re.search(r"shb_pat_\w+", text)
    assert found is not None
    names = [a["name"] for a in Caller(found[0])("GET", "/apparatus").ok()]
    assert names == ["sim"]
    wrong = alice.post("/tokens", NEW | {"apparatus": ["nowhere"]})
    assert wrong.status_code == 422
    assert "no apparatus" in wrong.content.decode()


def test_the_page_says_when_and_from_where_a_token_was_used(alice: Client) -> None:
    token = made(alice)
    assert "never" in alice.get("/tokens").content.decode()
    Caller(token)("GET", "/jobs").ok()
    assert "from 127.0.0.1" in alice.get("/tokens").content.decode()


def test_the_page_of_tokens_leads_to_where_codes_are_entered(alice: Client) -> None:
    assert 'href="/device"' in alice.get("/tokens").content.decode()
    page = alice.get("/device")
    assert page.status_code == 200
    assert "The code that the program shows" in page.content.decode()


def test_a_code_that_nobody_waits_under_is_told_with_what_to_do(alice: Client) -> None:
    page = alice.get("/device?code=BCDF-GHJK")
    assert page.status_code == 404
    assert "letter by letter" in page.content.decode()
    strange = alice.get("/device", {"code": "<script>alert(1)</script>"})
    assert "<script>alert" not in strange.content.decode()


def test_whoever_tries_many_codes_is_told_to_wait(
    alice: Client, settings: Settings
) -> None:
    few = settings.SHOTHUB.model_copy(update={"bad_credentials_per_address": 5})
    settings.SHOTHUB = few
    page, there = "/device?code=BCDF-GHJK", "203.0.113.77"
    tries = [alice.get(page, REMOTE_ADDR=there) for _ in range(8)]
    assert tries[0].status_code == 404
    assert tries[-1].status_code == 429
