"""Login by device code: let in at the browser, once, by whom it is, or not at all."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.domain.devices import LASTS
from shothub.runtime import clock
from shothub.server.accounts import devices
from shothub.server.accounts.models import DeviceLogin, Token
from shothub.server.audit.models import Entry
from shothub.wire.accounts import DeviceRequest

ASKED = {"client": "shothub on alices-laptop", "scopes": ["jobs:read", "jobs:submit"]}


@pytest.fixture
def alice(cast: Cast) -> Client:
    browser = Client()
    browser.force_login(cast.users["alice"])
    return browser


@pytest.fixture
def begun(cast: Cast) -> dict[str, Any]:
    started: dict[str, Any] = cast.stranger("POST", "/device/code", ASKED).ok()
    return started


def fetch(cast: Cast, begun: dict[str, Any]) -> tuple[int, str]:
    body = {"device_code": begun["device_code"]}
    answer = cast.stranger("POST", "/device/token", body)
    return answer.status, answer.body.get("token") or answer.body["code"]


def say(browser: Client, begun: dict[str, Any], answer: str) -> int:
    said = {"code": begun["user_code"], "answer": answer}
    return int(browser.post("/device", said).status_code)


def test_a_program_is_let_in_by_a_person_in_the_browser(
    cast: Cast, alice: Client, begun: dict[str, Any]
) -> None:
    page = alice.get(begun["verification_uri_complete"]).content.decode()
    assert begun["user_code"] in page
    assert "shothub on alices-laptop" in page
    assert "submit jobs" in page
    assert say(alice, begun, "allow") == 200
    status, token = fetch(cast, begun)
    assert status == 201
    me = Caller(token)("GET", "/me").ok()
    assert (me["username"], me["scopes"]) == ("alice", ["jobs:read", "jobs:submit"])
    kept = Token.objects.latest("id")
    assert (kept.kind, kept.name) == ("cli", ASKED["client"])


def test_the_token_is_given_out_once(
    cast: Cast, alice: Client, begun: dict[str, Any]
) -> None:
    say(alice, begun, "allow")
    assert fetch(cast, begun)[0] == 201
    assert fetch(cast, begun) == (404, "expired_token")


def test_nobody_is_in_before_he_was_let_in(cast: Cast, begun: dict[str, Any]) -> None:
    assert fetch(cast, begun) == (409, "authorization_pending")
    assert fetch(cast, begun) == (429, "slow_down")
    assert not Token.objects.filter(kind="cli").exists()


def test_who_was_turned_away_is_told_so(
    cast: Cast, alice: Client, begun: dict[str, Any]
) -> None:
    assert say(alice, begun, "deny") == 200
    assert fetch(cast, begun) == (403, "access_denied")
    assert say(alice, begun, "allow") == 404


def test_a_person_decides_once_and_the_first_one_counts(
    cast: Cast, alice: Client, begun: dict[str, Any]
) -> None:
    bob = Client()
    bob.force_login(cast.users["bob"])
    assert say(alice, begun, "allow") == 200
    assert say(bob, begun, "allow") == 404
    _, token = fetch(cast, begun)
    assert Caller(token)("GET", "/me").ok()["username"] == "alice"


def started(now: datetime, **more: Any) -> Any:
    asked = DeviceRequest.model_validate(ASKED | more)
    return devices.ask(asked, page="https://hub/device", address="", now=now)


def test_after_ten_minutes_it_is_too_late_for_both(cast: Cast, alice: Client) -> None:
    now = clock.now()
    begun = vars(started(now - LASTS))
    assert say(alice, begun, "allow") == 404
    assert fetch(cast, begun) == (404, "expired_token")


def test_the_page_asks_to_log_in_and_comes_back(begun: dict[str, Any]) -> None:
    answer = Client().get(begun["verification_uri_complete"])
    assert answer.status_code == 302
    assert begun["user_code"] in answer.headers["Location"]


def test_a_program_gets_no_more_than_its_person_has(cast: Cast, alice: Client) -> None:
    wanted = {"scopes": ["jobs:read", "queue:manage", "agent:run"]}
    begun = cast.stranger("POST", "/device/code", ASKED | wanted).ok()
    page = alice.get(f"/device?code={begun['user_code']}").content.decode()
    assert "you may not do that" in page
    say(alice, begun, "allow")
    _, token = fetch(cast, begun)
    assert Caller(token)("GET", "/me").ok()["scopes"] == ["jobs:read"]


def test_a_program_may_ask_for_less_than_every_apparatus(
    cast: Cast, alice: Client
) -> None:
    wanted = {"scopes": ["apparatus:read"], "apparatus": ["sim"]}
    begun = cast.stranger("POST", "/device/code", ASKED | wanted).ok()
    say(alice, begun, "allow")
    _, token = fetch(cast, begun)
    assert [a["name"] for a in Caller(token)("GET", "/apparatus").ok()] == ["sim"]


def test_whoever_may_not_use_the_hub_any_more_lets_nobody_in(
    cast: Cast, alice: Client, begun: dict[str, Any]
) -> None:
    say(alice, begun, "allow")
    user = cast.users["alice"]
    user.state = "suspended"
    user.save()
    assert fetch(cast, begun) == (403, "access_denied")
    assert not Token.objects.filter(kind="cli").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"client": ""},
        {"client": "x" * 121},
        {"client": "a\x00b"},
        {"client": "a\nb"},
        {"apparatus": ["\x00"]},
        {"scopes": ["everything"]},
        {"apparatus": ["nowhere"]},
        {"days": 0},
        {"days": 1e9},
        {"more": 1},
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    cast: Cast, wrong: dict[str, object]
) -> None:
    answer = cast.stranger("POST", "/device/code", ASKED | wrong)
    assert answer.status == 422
    assert answer.body["where"]
    assert not DeviceLogin.objects.exists()


@pytest.mark.parametrize("code", ["", "shb_dev_x", "shb_dev_" + "a" * 60, "²", "\x00"])
def test_a_code_that_is_none_is_refused(cast: Cast, code: str) -> None:
    answer = cast.stranger("POST", "/device/token", {"device_code": code})
    assert (answer.status, answer.body["code"]) == (404, "expired_token")


def test_a_device_code_is_no_credential(cast: Cast, begun: dict[str, Any]) -> None:
    assert Caller(begun["device_code"])("GET", "/me").status == 401


def test_the_database_holds_no_device_code(cast: Cast, begun: dict[str, Any]) -> None:
    secret = begun["device_code"].split("_")[3]
    row = DeviceLogin.objects.get()
    assert all(secret not in str(value) for value in vars(row).values())


def test_one_address_cannot_fill_the_hall(cast: Cast) -> None:
    answers = [cast.stranger("POST", "/device/code", ASKED) for _ in range(21)]
    assert [a.status for a in answers] == [200] * 20 + [429]


def test_no_secret_of_a_login_is_in_an_address(begun: dict[str, Any]) -> None:
    assert "shb_" not in begun["verification_uri_complete"]
    assert re.fullmatch(
        r".*/device\?code=[A-Z]{4}-[A-Z]{4}", begun["verification_uri_complete"]
    )


def test_old_logins_are_forgotten(cast: Cast) -> None:
    now = clock.now()
    started(now - timedelta(days=2))
    started(now)
    devices.forget(now)
    assert DeviceLogin.objects.count() == 1


def test_both_answers_of_the_person_are_on_the_record(
    cast: Cast, alice: Client, begun: dict[str, Any]
) -> None:
    say(alice, begun, "allow")
    fetch(cast, begun)
    second = cast.stranger("POST", "/device/code", ASKED).ok()
    say(alice, second, "deny")
    acts = Entry.objects.filter(subject=cast.users["alice"].pk).values_list(
        "what", flat=True
    )
    for act in ("device.allowed", "token.created", "device.denied"):
        assert act in list(acts)


def test_a_person_without_csrf_token_lets_nobody_in(
    cast: Cast, begun: dict[str, Any]
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.users["alice"])
    assert say(browser, begun, "allow") == 403
    assert fetch(cast, begun)[1] == "authorization_pending"


Configured = Callable[..., None]


def test_a_login_lives_no_longer_than_the_hub_allows(
    cast: Cast, alice: Client, configured: Configured
) -> None:
    configured(max_token_days=7)
    begun = cast.stranger("POST", "/device/code", ASKED).ok()
    say(alice, begun, "allow")
    fetch(cast, begun)
    token = Token.objects.latest("id")
    assert token.expires - token.created == timedelta(days=7)


def test_a_program_is_sent_to_where_people_reach_the_hub(
    cast: Cast, configured: Configured
) -> None:
    configured(public_url="https://shots.example.org")
    begun = cast.stranger("POST", "/device/code", ASKED).ok()
    assert begun["verification_uri"] == "https://shots.example.org/device"
