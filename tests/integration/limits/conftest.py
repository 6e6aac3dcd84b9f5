"""Fixtures of the tests of limits: fresh counts, callers at other addresses."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from tests.integration.server.hub_cast import Cast, make_cast
from tests.integration.server.scripted_agent import Caller

from shothub.server.accounts.buckets import Rates


@pytest.fixture
def cast(db: None) -> Cast:
    cast = make_cast()
    cast.agent.open()
    return cast


@pytest.fixture(autouse=True)
def fresh_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps.get_app_config("accounts"), "rates", Rates())


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change values of the hub's configuration for one test."""

    def change(**values: object) -> None:
        config = settings.SHOTHUB.model_copy(update=values)
        monkeypatch.setattr(settings, "SHOTHUB", config)

    return change


@pytest.fixture
def at() -> Callable[[Caller, str], Any]:
    """Put a caller at a network address."""

    def move(caller: Caller, address: str) -> Caller:
        caller.client = Client(raise_request_exception=False, REMOTE_ADDR=address)
        return caller

    return move
