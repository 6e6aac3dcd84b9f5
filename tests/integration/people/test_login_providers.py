"""Signing up and logging in by a real OpenID Connect provider, an institution's."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from tests.fakes import oidc_provider
from tests.integration.people.conftest import PASSWORD
from tests.integration.server.hub_cast import Cast

from shothub.domain.people import SignUp
from shothub.runtime import clock
from shothub.server.accounts import people_services
from shothub.server.accounts.models import User
from shothub.server.accounts.services import set_password
from shothub.server.audit.models import Entry

CALLBACK = "/account/oidc/uni/login/callback/"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider."""
    script = str(Path(oidc_provider.__file__))
    command = [sys.executable, script, f"http://testserver{CALLBACK}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def open_hub(
    provider: str, settings: object, configured: Callable[..., None]
) -> Callable[..., None]:
    """Let the hub know the provider, and open it for sign-up in a mode."""

    def open_for(mode: str, address: str = provider, **more: object) -> None:
        configured(sign_up=SignUp(mode), smtp_host="mail.test", **more)
        app = {
            "provider_id": "uni",
            "name": "University",
            "client_id": oidc_provider.CLIENT,
            "secret": oidc_provider.SECRET,
            "settings": {"server_url": address},
        }
        known = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
        settings.SOCIALACCOUNT_PROVIDERS = known  # type: ignore[attr-defined]

    return open_for


def begin(client: Client, **query: str) -> str:
    """Press the button; return where the hub sends the browser."""
    page = client.post("/account/oidc/uni/login/", query_params=query)
    assert page.status_code == 200
    return str(page.context["goal"])


def at_the_provider(goal: str, name: str = "nina") -> str:
    """Log in there; return where the provider sends the browser."""
    with httpx.Client(follow_redirects=False, timeout=30) as browser:
        to_login = browser.get(goal).headers["Location"]
        page = urlsplit(goal)._replace(path="", query="").geturl()
        form = browser.get(f"{page}{to_login}")
        csrf = form.text.partition('name="csrfmiddlewaretoken" value="')[2]
        said = {
            "login": name,
            "password": oidc_provider.PASSWORD,
            "csrfmiddlewaretoken": csrf.partition('"')[0],
        }
        browser.post(f"{page}{to_login}", data=said)
        back = browser.get(goal).headers["Location"]
    assert back.startswith(f"http://testserver{CALLBACK}")
    return back.removeprefix("http://testserver")


def log_in(client: Client, name: str = "nina", **query: str) -> str:
    """Go there and back; return the page that the hub shows then."""
    back = at_the_provider(begin(client, **query), name)
    return client.get(back, follow=True).content.decode()


def sign_up(client: Client, name: str = "nina", **more: str) -> str:
    log_in(client, name)
    form = {"username": name, "email": f"{name}@uni.example"} | more
    page = client.post("/account/others/sign-up", form, follow=True)
    return page.content.decode()


def is_in(client: Client) -> bool:
    return bool(client.get("/tokens").status_code == 200)


def test_the_provider_is_asked_safely(open_hub: Callable[..., None], db: None) -> None:
    open_hub("open")
    asked = parse_qs(urlsplit(begin(Client())).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 16
    assert asked["redirect_uri"] == [f"http://testserver{CALLBACK}"]


def test_who_is_confirmed_by_the_provider_needs_no_mail(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("open")
    client = Client()
    page = log_in(client)
    assert "University tells us who you are" in page
    assert 'value="nina@uni.example"' in page
    assert "Welcome, nina" in sign_up(client)
    user = User.objects.get(username="nina")
    assert (user.state, user.key) == ("active", "nina")
    assert not user.has_usable_password()
    assert not mail.outbox

    again = Client()
    log_in(again)
    assert is_in(again)
    assert User.objects.filter(username="nina").count() == 1


def test_who_is_not_confirmed_by_the_provider_confirms_here(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("open")
    client = Client()
    assert "Look into your mail" in sign_up(client, "mallory")
    assert User.objects.get(username="mallory").state == "pending"
    assert len(mail.outbox) == 1


def test_an_address_that_is_only_typed_lets_nobody_in(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("domain", sign_up_domains=["lab.example"])
    client = Client()
    assert "own domains" in sign_up(client)
    sign_up(client, email="nina@lab.example")
    assert User.objects.get(username="nina").state == "pending"
    assert not is_in(client)


def test_a_provider_opens_no_closed_hub(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("closed")
    assert "No sign-up here" in log_in(Client())
    assert not SocialAccount.objects.exists()


def test_an_invitation_counts_with_a_provider_too(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("invited")
    client = Client()
    assert "needs an invitation" in sign_up(client)
    code = people_services.invite(by=None, now=_now())
    assert "Welcome, nina" in sign_up(client, invitation=code)


def _now() -> datetime:

    return clock.now()


def test_the_lab_decides_about_members_of_an_institution_too(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("approval")
    assert "have been asked to let you in" in sign_up(Client())
    assert User.objects.get(username="nina").state == "pending"


def test_the_same_address_elsewhere_is_not_the_same_person(
    open_hub: Callable[..., None], cast: Cast
) -> None:
    open_hub("open")
    alice = cast.users["alice"]
    alice.email = "nina@uni.example"
    alice.save()
    people_services.vouch(alice)
    client = Client()
    log_in(client)
    assert not is_in(client)
    sign_up(client)
    assert not is_in(client)
    assert not SocialAccount.objects.filter(user=alice).exists()


def test_a_user_links_his_other_account_and_removes_it(
    open_hub: Callable[..., None], cast: Cast
) -> None:
    open_hub("closed")
    alice = cast.users["alice"]
    alice.email = "alice@example.org"
    set_password(alice, PASSWORD)
    alice.save()
    people_services.vouch(alice)
    client = Client()
    client.post("/login", {"login": "alice", "password": PASSWORD})
    client.post("/account/prove", {"password": PASSWORD})
    page = log_in(client, process="connect")
    assert "University" in page
    other = Client()
    log_in(other)
    assert is_in(other)
    [account] = SocialAccount.objects.filter(user=cast.users["alice"])
    client.post("/account/others", {"account": str(account.pk)})
    assert not SocialAccount.objects.exists()
    acts = set(Entry.objects.values_list("what", flat=True))
    assert {"user.provider_linked", "user.provider_unlinked"} <= acts


@pytest.mark.parametrize(
    "spoil",
    [
        lambda back: back.replace("state=", "state=x"),
        lambda back: back.replace("code=", "code=x"),
        lambda back: back.partition("?")[0],
        lambda back: back.partition("?")[0] + "?error=access_denied",
    ],
)
def test_a_forged_answer_logs_nobody_in(
    spoil: Callable[[str], str], open_hub: Callable[..., None], db: None
) -> None:
    open_hub("open")
    client = Client()
    back = at_the_provider(begin(client))
    page = client.get(spoil(back), follow=True)
    assert page.status_code < 500
    assert "University tells us who you are" not in page.content.decode()
    assert not is_in(client)


def test_an_answer_meant_for_another_browser_logs_nobody_in(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("open")
    back = at_the_provider(begin(Client()))
    victim = Client()
    page = victim.get(back, follow=True).content.decode()
    assert "University tells us who you are" not in page
    assert not is_in(victim)


def test_who_has_no_password_proves_again_by_his_provider(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("open")
    sign_up(Client())
    stale = Client()
    stale.force_login(User.objects.get(username="nina"))
    asked = stale.get("/account/close").headers["Location"]
    assert asked.startswith("/account/prove/elsewhere")
    assert "With University" in stale.get(asked).content.decode()
    log_in(stale, next="/account/close")
    assert stale.get("/account/close").status_code == 200


def test_a_provider_that_does_not_answer_is_told(
    open_hub: Callable[..., None], db: None
) -> None:
    open_hub("open", address="http://127.0.0.1:9")
    page = Client().post("/account/oidc/uni/login/")
    assert page.status_code == 503
    assert "did not tell us who you are" in page.content.decode()


def test_a_provider_that_the_hub_does_not_know_is_not_there(db: None) -> None:
    assert Client().get("/account/oidc/nobody/login/").status_code == 404
