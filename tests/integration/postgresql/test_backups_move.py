"""A backup of either database is restored into either."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.postgresql.hub_process import ADMIN, run
from tests.integration.server.test_backups import (
    ASK,
    FILL,
    LOOK,
    good,
    jobs_while_writing,
)
from tests.postgres import Postgres

OLDER = """
from shothub.server import main
main.prepare(None)
from django.core.management import call_command
call_command("migrate", "outbox", "0001_initial", verbosity=0)
"""
IS_OLDER = """
from shothub.server import main
main.prepare(None)
try:
    main.require_migrated()
except main.NotMigrated:
    print("older")
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.mark.parametrize(
    ("source", "target"), [("pg", "pg"), ("pg", "sqlite"), ("sqlite", "pg")]
)
def test_all_of_it_comes_back(
    postgres: Postgres, tmp_path: Path, source: str, target: str
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    from_, to = (postgres.fresh() if d == "pg" else "" for d in (source, target))
    good(FILL, old, database=from_)
    backup = tmp_path / "hub.tar"
    good(ADMIN, old, "backup", str(backup), database=from_)
    good(ADMIN, new, "restore", str(backup), database=to)
    before = json.loads(good(LOOK, old, database=from_))
    assert json.loads(good(LOOK, new, database=to)) == before
    sessions, hold, acts = json.loads(good(ASK, new, database=to))
    assert (sessions, acts[-1]) == (0, "hub.restored")
    assert "restored from a backup" in hold
    assert (new / "files" / "job1" / "kept.bin").exists()


def test_it_is_not_restored_into_a_database_that_holds_a_hub(
    postgres: Postgres, tmp_path: Path
) -> None:
    old, new, database = tmp_path / "old", tmp_path / "new", postgres.fresh()
    good(FILL, old, database=database)
    backup = tmp_path / "hub.tar"
    good(ADMIN, old, "backup", str(backup), database=database)
    before = good(LOOK, old, database=database)
    # As an older version left it: the refused restore must not change even that.
    good(OLDER, old, database=database)
    status, printed = run(ADMIN, new, database, "restore", str(backup))
    assert status == 1
    assert "The database holds a hub already" in printed
    assert "Traceback" not in printed
    assert {place.name for place in new.iterdir()} <= {"static"}
    assert good(IS_OLDER, old, database=database) == "older"
    good(ADMIN, old, "user", "list", database=database)  # brings it up to date
    assert good(IS_OLDER, old, database=database) == ""
    assert good(LOOK, old, database=database) == before


def test_rows_are_of_one_moment_while_others_write(
    postgres: Postgres, tmp_path: Path
) -> None:
    data, database = tmp_path / "busy", postgres.fresh()
    good(FILL, data, database=database)
    assert jobs_while_writing(data, database) > 1
