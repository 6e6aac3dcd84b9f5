"""Fixtures of the tests of who may do what: one world for each file, and who asks."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import DjangoDbBlocker
from tests.integration.access.credentials import ALIVE, AS_BY_TOKEN, DEAD, Asker
from tests.integration.access.world import World, make_world


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The world of all tests of a file; each undoes what it does."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def askers(world: World) -> dict[str, Asker]:
    """All who are let in and differ in what a route lets them do."""
    return {n: make(world) for n, make in ALIVE.items() if n not in AS_BY_TOKEN}


@pytest.fixture(scope="module")
def dead(world: World) -> dict[str, Asker]:
    return {name: make(world) for name, make in DEAD.items()}


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody ask as often as these tests do."""
    no_bound = {"requests_per_user": 0, "requests_per_token": 0}
    config = settings.SHOTHUB.model_copy(update=no_bound)
    monkeypatch.setattr(settings, "SHOTHUB", config)
