"""A hub's rows move from SQLite into PostgreSQL, whole or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.postgresql.hub_process import ADMIN, run
from tests.postgres import Postgres

FILL = """
from shothub.server import main
main.prepare(None)
main.migrate()
from shothub.runtime import clock
from shothub.server import rows
from shothub.server.accounts.grant_services import grant
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.services import create_apparatus
from shothub.server.jobs.models import Job, JobSource, Shot
from shothub.server.jobs.transitions import Note, record_submitted
now = clock.now()
sim = create_apparatus(name="sim", now=now)
alice = create_user(username="alice", password=None, key="alice")
grant(user=alice, apparatus="sim", scripts=True, now=now)
print(mint_token(user=alice, now=now))
given = {"kind": "script", "source": "x", "state": "queued", "submitted": now}
jobs = [
    Job(id=f"job{i}", owner=alice, apparatus=sim, globals={"z": i, "a": 1}, **given)
    for i in range(3)
]
rows.insert(jobs)
rows.insert([JobSource(job=jobs[0], globals_content=bytes(range(256)))])
rows.insert([Shot(job=job, index=i, state="compiled") for job in jobs for i in range(20)])
record_submitted(jobs, Note(now=now, actor="alice"))
"""
LOOK = """
import json
from shothub.server import main
main.prepare(None)
main.require_migrated()
from django.apps import apps
from django.core import serializers
from shothub.runtime import clock
tables = [apps.get_model(name) for name in (
    "accounts.User", "accounts.Grant", "accounts.Token", "apparatus.Apparatus",
    "jobs.Job", "jobs.JobSource", "jobs.Shot", "jobs.Event", "auth.Permission",
    "contenttypes.ContentType")]
rows = [row for t in tables for row in t._base_manager.order_by("pk")]
print(json.dumps([repr({f.attname: bytes(v) if isinstance(v, memoryview) else v
    for f in row._meta.concrete_fields for v in [getattr(row, f.attname)]})
    for row in rows]))
"""
GO_ON = """
from shothub.server import main
main.prepare(None)
from shothub.runtime import clock
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.services import create_apparatus
create_apparatus(name="second", now=clock.now())
bob = create_user(username="bob", password=None, key="bob")
mint_token(user=bob, now=clock.now())
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


def test_all_rows_move_and_the_hub_goes_on(postgres: Postgres, tmp_path: Path) -> None:
    status, printed = run(FILL, tmp_path, "")
    assert status == 0, printed
    target = postgres.fresh()
    status, printed = run(ADMIN, tmp_path, "", "copy-to", target)
    assert status == 0, printed
    before, after = (run(LOOK, tmp_path, database) for database in ("", target))
    assert json.loads(before[1]) == json.loads(after[1])
    assert len(json.loads(after[1])) > 60
    assert run(GO_ON, tmp_path, target) == (0, "")
    status, printed = run(ADMIN, tmp_path, "", "copy-to", target)
    assert status == 1
    assert "holds a hub already" in printed


def test_a_wrong_address_is_told_in_words(postgres: Postgres, tmp_path: Path) -> None:
    for address, says in (
        ("mysql://x/y", "does not begin with postgresql://"),
        (postgres.url("nowhere"), "does not exist"),
    ):
        status, printed = run(ADMIN, tmp_path, "", "copy-to", address)
        assert status == 1
        assert says in printed
        assert "Traceback" not in printed
