"""Fixtures of the hub's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from tests.integration.server.hub_cast import Cast, make_cast
from tests.integration.server.scripted_agent import Caller

from shothub.server.audit.append_only import RECORD
from shothub.server.jobs.append_only import EVENTS


@pytest.fixture
def cast(db: None) -> Cast:
    cast = make_cast()
    cast.agent.open()
    return cast


@pytest.fixture
def guarded_tables(db: None) -> None:
    """The triggers of the tables, which a test that empties its database left it without."""
    with connection.cursor() as cursor:
        for table in (EVENTS, RECORD):
            table.install(cursor)


@pytest.fixture
def lasting_db(transactional_db: None) -> Iterator[None]:
    """A database that several threads see; it is emptied afterwards."""
    with connection.cursor() as cursor:
        for table in (EVENTS, RECORD):
            table.install(cursor)  # the test before has left it without
    yield
    with connection.cursor() as cursor:
        for table in (EVENTS, RECORD):
            table.remove(cursor)


@pytest.fixture
def lasting_cast(lasting_db: None) -> Cast:
    """The cast where several threads see it."""
    cast = make_cast()
    cast.agent.open()
    return cast


@pytest.fixture
def submit(cast: Cast) -> Callable[..., Any]:
    def submit(caller: Caller | None = None, **changes: object) -> Any:
        body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
        return (caller or cast.alice)("POST", "/jobs", body | changes).ok()

    return submit


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change values of the hub's configuration for one test."""

    def change(**values: object) -> None:
        config = settings.SHOTHUB.model_copy(update=values)
        monkeypatch.setattr(settings, "SHOTHUB", config)

    return change


@pytest.fixture
def folder_of_files() -> Path:
    return Path(settings.SHOTHUB.data) / "files"
