"""A password is changed by who knows the old one, or by a link that opens nothing besides."""

import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from tests.integration.people.conftest import PASSWORD
from tests.integration.people.test_one_account import (
    CODES,
    OTHER,
    add_app,
    is_in,
    log_in,
)
from tests.integration.server.hub_cast import Cast

from shothub.server.accounts import people_services
from shothub.server.accounts.models import User
from shothub.server.accounts.services import set_password


@pytest.fixture
def alice(cast: Cast, configured: Callable[..., None]) -> User:
    """Alice, who has a password and an address."""
    configured(smtp_host="mail.test")
    user = cast.users["alice"]
    set_password(user, PASSWORD)
    user.email = "alice@example.org"
    user.save()
    people_services.vouch(user)
    return user


def test_the_old_password_is_asked_for(alice: User) -> None:
    client = log_in()
    asked = {"oldpassword": "wrong", "password1": OTHER, "password2": OTHER}
    client.post("/account/password", asked)
    assert not is_in(log_in(password=OTHER))
    client.post("/account/password", asked | {"oldpassword": PASSWORD})  # control
    assert is_in(log_in(password=OTHER))


def test_a_new_password_does_not_avoid_the_second_factor(
    alice: User,
) -> None:
    mine = log_in()
    add_app(mine)
    code = re.search(r"<textarea[^>]*>\s*(\S+)", mine.get(CODES).content.decode())
    assert code is not None

    thief = Client()
    thief.post("/account/password/forgotten", {"email": "alice@example.org"})
    link = re.search(r"http://testserver(/account/password/new/\S+)", last_mail())
    assert link is not None
    form = thief.get(link[1], follow=True).redirect_chain[-1][0]
    thief.post(form, {"password1": OTHER, "password2": OTHER})

    assert not is_in(thief)
    again = log_in(password=OTHER)
    assert not is_in(again)
    again.post("/account/second-factor/ask", {"code": code[1]})
    assert is_in(again)


def last_mail() -> str:
    return str(mail.outbox[-1].body)
