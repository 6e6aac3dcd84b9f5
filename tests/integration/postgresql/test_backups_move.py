"""A backup of either database is restored into either."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.postgresql.hub_process import ADMIN
from tests.integration.server.test_backups import (
    ASK,
    FILL,
    LOOK,
    good,
    jobs_while_writing,
)
from tests.postgres import Postgres


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


def test_rows_are_of_one_moment_while_others_write(
    postgres: Postgres, tmp_path: Path
) -> None:
    data, database = tmp_path / "busy", postgres.fresh()
    good(FILL, data, database=database)
    assert jobs_while_writing(data, database) > 1
