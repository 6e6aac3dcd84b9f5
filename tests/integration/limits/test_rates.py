"""Who asks too often is told when to ask again: users, tokens, addresses, strangers."""

import threading
from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.runtime import clock
from shothub.server.accounts import group_services
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.rates import in_turn
from shothub.server.accounts.services import mint_token
from shothub.server.limits import slow_down
from shothub.server.refusals import TooMany

At = Callable[[Caller, str], Caller]
Configured = Callable[..., None]
HERE, THERE = "203.0.113.9", "203.0.113.10"
BAD = "shb_pat_aaaaaaaaaa_nothing"


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets that fill up while a test runs would make it a matter of luck."""
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)


def statuses(caller: Caller, number: int, path: str = "/apparatus") -> list[int]:
    return [caller("GET", path).status for _ in range(number)]


def test_a_user_has_a_rate_over_all_his_tokens(
    cast: Cast, configured: Configured
) -> None:
    configured(requests_per_user=4)
    other = Caller(mint_token(user=cast.users["alice"], now=clock.now()))
    assert statuses(cast.alice, 3) == [200, 200, 200]
    assert statuses(other, 2) == [200, 429]
    assert statuses(cast.bob, 4) == [200] * 4


def test_a_token_has_a_rate_of_its_own(cast: Cast, configured: Configured) -> None:
    configured(requests_per_token=2)
    other = Caller(mint_token(user=cast.users["alice"], now=clock.now()))
    assert statuses(cast.alice, 3) == [200, 200, 429]
    assert statuses(other, 2) == [200, 200]


def test_a_refusal_says_when_to_come_back(cast: Cast, configured: Configured) -> None:
    configured(requests_per_token=2)
    statuses(cast.alice, 2)
    answer = cast.alice.client.get("/api/v1/apparatus", headers=cast.alice.headers)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "31"
    assert answer.json()["code"] == "too_many_requests"


def test_a_quota_replaces_the_rate_of_users(cast: Cast, configured: Configured) -> None:
    configured(requests_per_user=2)
    limits = {"requests": 5}
    group_services.set_quota(user=cast.users["bob"], limits=limits, now=clock.now())
    assert statuses(cast.bob, 6) == [200] * 5 + [429]


def test_agents_are_not_counted(cast: Cast, configured: Configured) -> None:
    configured(requests_per_user=1, requests_per_token=1)
    assert all(cast.agent.poll().status == 200 for _ in range(5))


def test_dear_requests_count_for_more(cast: Cast, configured: Configured) -> None:
    configured(requests_per_user=12)
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    job = cast.alice("POST", "/jobs", body).ok()["id"]
    assert statuses(cast.alice, 3, f"/jobs/{job}/results") == [200, 200, 429]


def test_an_address_has_a_rate_whoever_asks(
    cast: Cast, configured: Configured, at: At
) -> None:
    configured(requests_per_address=3)
    assert statuses(at(cast.alice, HERE), 2) == [200, 200]
    assert statuses(at(cast.bob, HERE), 2) == [200, 429]
    assert statuses(at(cast.bob, THERE), 1) == [200]
    page = Client(REMOTE_ADDR=HERE).get("/login", follow=True)
    assert page.status_code == 429
    assert "Not so fast" in page.content.decode()


def test_an_address_of_ipv6_is_a_network_of_64_bits(
    cast: Cast, configured: Configured, at: At
) -> None:
    configured(requests_per_address=2)
    assert statuses(at(cast.alice, "2001:db8::1"), 2) == [200, 200]
    assert statuses(at(cast.alice, "2001:db8::2"), 1) == [429]
    assert statuses(at(cast.alice, "2001:db8:0:1::1"), 1) == [200]


def test_this_machine_itself_is_not_counted(
    cast: Cast, configured: Configured, at: At
) -> None:
    configured(requests_per_address=1, bad_credentials_per_address=1)
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert statuses(at(cast.alice, address), 3) == [200] * 3


def test_behind_a_proxy_its_users_are_counted_apart(
    cast: Cast, configured: Configured
) -> None:
    configured(requests_per_address=1, behind_tls=True)
    seen = [
        cast.alice("GET", "/apparatus", X_Forwarded_For=f"198.51.100.1, {address}")
        for address in (HERE, THERE, HERE)
    ]
    assert [answer.status for answer in seen] == [200, 200, 429]


def test_credentials_cannot_be_tried_for_ever(
    cast: Cast, configured: Configured, at: At
) -> None:
    configured(bad_credentials_per_address=3)
    guesser, stranger = at(Caller(BAD), HERE), at(cast.stranger, HERE)
    assert statuses(guesser, 2) == [401, 401]
    assert statuses(stranger, 2) == [401, 429]
    assert statuses(at(cast.alice, HERE), 1) == [200], "others behind the same address"
    assert statuses(at(Caller(BAD), THERE), 1) == [401]


def test_logins_cannot_be_tried_for_ever(cast: Cast, configured: Configured) -> None:
    configured(forms_per_address=3)
    client = Client(REMOTE_ADDR=HERE)
    guess = {"login": "alice", "username": "alice", "password": "guess"}
    tried = [client.post("/login", guess, follow=True) for _ in range(4)]
    assert tried[-1].status_code == 429
    assert tried[-1].headers["Retry-After"] == "21"
    assert all(answer.status_code != 429 for answer in tried[:3])
    assert client.get("/login", follow=True).status_code == 200
    client.force_login(cast.users["alice"])
    assert client.post("/logout").status_code != 429


def test_guessing_at_one_account_is_answered_with_429_too(cast: Cast) -> None:
    """Whatever the addresses: django-allauth counts what fails for an account."""
    form = {"login": "alice", "password": "guess"}
    tried = [
        Client(REMOTE_ADDR=f"203.0.113.{n}").post("/login", form) for n in range(1, 7)
    ]
    assert [answer.status_code for answer in tried] == [200] * 5 + [429]
    assert tried[-1].headers["Retry-After"] == "300"


def test_what_django_allauth_refuses_says_how_long_to_wait() -> None:
    answer = slow_down(RequestFactory().get("/"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "300")
    assert "Not so fast" in answer.content.decode()


def test_those_who_want_to_be_let_in_are_counted(
    cast: Cast, configured: Configured, at: At
) -> None:
    configured(open_requests_per_address=2)
    stranger, body = at(cast.stranger, HERE), {"code": "shb_none"}
    tried = [stranger("POST", "/agent/enrol", body).status for _ in range(3)]
    assert (tried[0] < 429, tried[2]) == (True, 429)


def test_pages_count_as_requests_do(cast: Cast, configured: Configured) -> None:
    configured(requests_per_user=2)
    client = Client()
    client.force_login(cast.users["alice"])
    assert [client.get("/").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/").headers["Retry-After"]


def test_only_so_many_dear_requests_of_a_user_run_at_once(
    configured: Configured,
) -> None:
    configured(heavy_at_once=2)
    alice, bob = (Principal(user=n, username="x", key="x") for n in (1, 2))
    inside, leave = threading.Barrier(3), threading.Event()

    def occupy() -> None:
        with in_turn(alice):
            inside.wait(10)
            leave.wait(10)

    threads = [threading.Thread(target=occupy) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    with pytest.raises(TooMany, match="under way"), in_turn(alice):
        pass
    with in_turn(bob):
        pass
    leave.set()
    for thread in threads:
        thread.join()
    with in_turn(alice):
        pass
