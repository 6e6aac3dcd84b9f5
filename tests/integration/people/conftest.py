"""Fixtures of the tests of people: strangers' browsers, and what they are mailed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from django.apps import apps
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from tests.integration.server.hub_cast import Cast, make_cast

from shothub.server.accounts.buckets import Rates

PASSWORD = "correct-horse-9"


@pytest.fixture
def cast(db: None) -> Cast:
    cast = make_cast()
    cast.agent.open()
    return cast


@pytest.fixture(autouse=True)
def _fresh_counts(db: None) -> Iterator[None]:
    """Nobody is refused for what the tests before have tried."""
    apps.get_app_config("accounts").rates = Rates()  # type: ignore[attr-defined]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change values of the hub's configuration for one test."""

    def change(**values: object) -> None:
        config = settings.SHOTHUB.model_copy(update=values)
        monkeypatch.setattr(settings, "SHOTHUB", config)

    return change


@dataclass
class Newcomer:
    """Somebody with a browser and a mail box who wants an account."""

    name: str = "nina"
    email: str = "nina@example.org"
    client: Client = field(default_factory=Client)

    def signs_up(self, **more: str) -> str:
        """Fill the form in; return the page that comes then."""
        form = {"username": self.name, "email": self.email, "password1": PASSWORD}
        answer = self.client.post("/sign-up", form | more, follow=True)
        return answer.content.decode()

    def logs_in(self, **more: str) -> str:
        form = {"login": self.name, "password": PASSWORD}
        answer = self.client.post("/login", form | more, follow=True)
        return answer.content.decode()

    def confirms(self) -> str:
        """Open the link of the last mail, press the button; return what comes then."""
        link = self.link()
        self.client.get(link)
        return self.client.post(link, follow=True).content.decode()

    def link(self) -> str:
        found = re.search(r"https?://[^/\s]+(/\S+)", str(self.mails()[-1].body))
        assert found is not None
        return found[1]

    def mails(self) -> list[mail.EmailMessage]:
        return [sent for sent in mail.outbox if self.email in sent.to]


@pytest.fixture
def nina() -> Newcomer:
    return Newcomer()
