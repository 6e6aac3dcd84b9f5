"""Rules of passwords, of where a login leads, and of what goes into mails."""

from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from tests.integration.server.hub_cast import Cast

from shothub.runtime import clock
from shothub.server.accounts.models import User
from shothub.server.accounts.services import set_password
from shothub.server.outbox.models import Message
from shothub.server.outbox.services import tell

PASSWORD = "correct horse 7 battery"
_LEAST_ROUNDS = 600_000  # of PBKDF2 with SHA-256, after OWASP


def test_a_password_has_twelve_characters() -> None:
    validate_password("k7#pQz91xWm!")
    with pytest.raises(ValidationError, match="12 characters"):
        validate_password("k7#pQz91xWm")


def test_a_password_may_be_long_and_of_any_characters(db: None) -> None:
    long = "ein Lied für 🐎 und Wagen " * 5
    user = User.objects.create(username="x", key="x")
    set_password(user, long)
    assert user.check_password(long)
    assert not user.check_password(long[:-1])


def test_a_common_password_is_refused() -> None:
    with pytest.raises(ValidationError, match="too common"):
        validate_password("password1234")


def test_passwords_are_stored_by_a_slow_salted_hash(db: None) -> None:
    stored = []
    for name in ("x", "y"):
        user = User.objects.create(username=name, key=name)
        set_password(user, PASSWORD)
        stored.append(user.password)
    assert stored[0] != stored[1]
    told = identify_hasher(stored[0]).decode(stored[0])
    assert (told["algorithm"], told["iterations"] >= _LEAST_ROUNDS) == (
        "pbkdf2_sha256",
        True,
    )


@pytest.mark.parametrize(
    "where", ["https://evil.example.org/", "//evil.example.org", "javascript:alert(1)"]
)
def test_login_leads_nowhere_else(cast: Cast, where: str) -> None:
    set_password(cast.users["alice"], PASSWORD)
    client = Client()
    page = client.get("/", follow=True)
    form = {"login": "alice", "password": PASSWORD, "next": where}
    answer = client.post(page.request["PATH_INFO"], form)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/")
    assert not answer.headers["Location"].startswith("//")


def test_a_subject_adds_no_header(cast: Cast, configured: Callable[..., None]) -> None:
    configured(smtp_host="mail.invalid")
    User.objects.filter(username="alice").update(email="alice@example.org")
    subject = "scan\r\nBcc: evil@example.org"
    tell(cast.users["alice"].pk, "failed", subject, "It failed.", now=clock.now())
    assert Message.objects.get().subject == "scan Bcc: evil@example.org"
