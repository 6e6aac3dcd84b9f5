"""Every page of accounts looks like the hub's, runs no script of its own, and opens."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern
from tests.integration.people.conftest import PASSWORD
from tests.integration.server.hub_cast import Cast

from shothub.server.accounts.services import set_password
from shothub.server.web.account_urls import urlpatterns

PLAIN = sorted(
    f"/{pattern.pattern}"
    for pattern in urlpatterns
    if isinstance(pattern, URLPattern) and not pattern.pattern.regex.groups
)
# allauth answers 401 when a provider did not say who somebody is, with a page.
SHOWN = {200, 401}
DECENT = SHOWN | {302, 404, 405}
SCRIPT = re.compile(r"<script(?![^>]*(\bsrc=|application/json))")


@pytest.fixture
def alice(cast: Cast) -> Client:
    """The browser of Alice, who has just proved who she is."""
    set_password(cast.users["alice"], PASSWORD)
    client = Client()
    client.post("/login", {"login": "alice", "password": PASSWORD})
    client.post("/account/prove", {"password": PASSWORD})
    return client


def check(text: str) -> None:
    assert "shothub/shothub.css" in text
    assert not SCRIPT.search(text)
    assert not re.search(r"<style|\son\w+=\"|style=\"", text)


def test_there_are_such_pages() -> None:
    assert len(PLAIN) > 25


@pytest.mark.parametrize("page", PLAIN)
def test_a_page_opens_or_leads_on(page: str, alice: Client) -> None:
    answer = alice.get(page)
    assert answer.status_code in DECENT
    if answer.status_code in SHOWN and "html" in answer.headers["Content-Type"]:
        check(answer.content.decode())


@pytest.mark.parametrize("page", PLAIN)
def test_a_page_opens_for_strangers_or_leads_to_the_login(
    page: str, cast: Cast
) -> None:
    answer = Client().get(page)
    assert answer.status_code in DECENT
    if answer.status_code in SHOWN and "html" in answer.headers["Content-Type"]:
        check(answer.content.decode())


def test_who_has_a_second_factor_manages_it(alice: Client, cast: Cast) -> None:
    user = cast.users["alice"]
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    page = alice.get("/account/second-factor").content.decode()
    assert "Remove the app" in page
    assert "Make new ones" in page


def test_a_script_of_a_page_would_be_found() -> None:
    with pytest.raises(AssertionError):
        check('<link href="shothub/shothub.css"><script>alert(1)</script>')


def test_the_admin_pages_do_not_show_how_people_log_in() -> None:
    names = {table._meta.app_label for table in admin.site._registry}
    assert not names & {"account", "mfa", "socialaccount", "usersessions"}
