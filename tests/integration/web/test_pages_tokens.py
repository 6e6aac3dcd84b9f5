"""Tokens through pages: shown once, revoked for good."""

import re

from django.test import Client
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
