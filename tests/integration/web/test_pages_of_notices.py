"""Pages of notifications, webhooks and the feed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast

Configured = Callable[..., None]
HOOK = {"url": "https://example.org/hook", "events": ["done", "unknown"]}


@pytest.fixture
def olga(browser: Callable[[str], Client]) -> Client:
    return browser("olga")


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_choice_of_mails_is_kept(alice: Client) -> None:
    before = text_of(alice, "/notifications")
    assert 'name="email" value="done">' in before
    assert 'name="email" value="failed" checked>' in before
    alice.post("/notifications", {"email": ["done"]})
    after = text_of(alice, "/notifications?saved=1")
    assert 'name="email" value="done" checked>' in after
    assert 'name="email" value="failed">' in after
    assert "Your choice is stored" in after


def test_a_hub_without_a_mail_server_says_so(alice: Client) -> None:
    assert "This hub sends no mail" in text_of(alice, "/notifications")


def test_a_hub_with_one_says_where_mails_go(
    cast: Cast, alice: Client, settings: Any
) -> None:
    settings.SHOTHUB = settings.SHOTHUB.model_copy(update={"smtp_host": "mail.test"})
    assert "knows no e-mail address of yours" in text_of(alice, "/notifications")
    cast.users["alice"].email = "alice@example.org"
    cast.users["alice"].save()
    assert "To alice@example.org, at most" in text_of(alice, "/notifications")


def test_a_webhooks_secret_is_shown_once(alice: Client) -> None:
    made = alice.post("/webhooks", HOOK)
    text = made.content.decode()
    assert "whsec_" in text
    assert "no-store" in made.headers["Cache-Control"]
    assert "whsec_" not in text_of(alice, "/notifications")
    assert "https://example.org/hook" in text_of(alice, "/notifications")


def test_a_bad_address_is_refused_beside_its_form(alice: Client) -> None:
    answer = alice.post("/webhooks", HOOK | {"url": "https://127.0.0.1/hook"})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "private address" in text
    assert 'value="https://127.0.0.1/hook"' in text
    assert 'name="events" value="failed">' in text


def test_a_webhook_is_tried_and_deleted_by_its_owner_only(
    alice: Client, bob: Client
) -> None:
    found = re.search(
        r'"/webhooks/(\d+)"', alice.post("/webhooks", HOOK).content.decode()
    )
    assert found is not None
    page = f"/webhooks/{found[1]}"
    for path in ("test", "delete", "resume"):
        assert bob.post(f"{page}/{path}").status_code == 404
    assert bob.get(page).status_code == 404
    assert alice.post(f"{page}/test").status_code == 302
    assert "A test message" in text_of(alice, page)
    alice.post(f"{page}/delete")
    assert alice.get(page).status_code == 404


def test_the_feed_is_for_operators(cast: Cast, alice: Client, olga: Client) -> None:
    assert alice.get("/events").status_code == 403
    text = text_of(olga, "/events?apparatus=sim")
    assert "apparatus.session" in text
    assert "/api/v1/events/stream?since=" in text
    assert olga.get("/events?apparatus=other").status_code == 403


def test_operators_choose_among_what_concerns_the_staff(
    alice: Client, olga: Client
) -> None:
    assert 'value="hold"' in text_of(olga, "/notifications")
    assert 'value="hold"' not in text_of(alice, "/notifications")
