"""A hub comes back from its backup: rows, secrets and files, and nothing starts by itself."""

import json
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from tests.integration.postgresql.hub_process import (
    ADMIN,
    HubProcess,
    environment,
    run,
)

from shothub.server import archives

FILL = """
from shothub.server import main
main.prepare(None)
main.migrate()
from django.contrib.sessions.backends.db import SessionStore
from shothub.runtime import clock
from shothub.server import rows
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.services import create_apparatus
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.transitions import Note, record_submitted
from shothub.server.results.models import File
from shothub.server.results.queries import folder_of_files
now = clock.now()
sim = create_apparatus(name="sim", now=now)
alice = create_user(username="alice", password="correct-horse-9", key="alice")
job = Job(id="job1", owner=alice, apparatus=sim, globals={"z": 1}, kind="script",
    source="x", state="queued", submitted=now)
rows.insert([job])
rows.insert([Shot(job=job, index=i, state="compiled") for i in range(20)])
record_submitted([job], Note(now=now, actor="alice"))
for name in ("kept.bin", "lost.bin"):
    File.objects.create(job=job, name=name, kind="image", size=5, sha256="0" * 64,
        media_type="x/y", path=f"job1/{name}", at=now)
(folder_of_files() / "job1").mkdir(parents=True)
(folder_of_files() / "job1" / "kept.bin").write_bytes(b"\\x00\\x01\\x02\\x03\\x04")
session = SessionStore()
session["x"] = 1
session.create()
from shothub.server.accounts.principals import Principal
from shothub.server.jobs.services.sharing import share_by_link
mine = Principal(user=alice.pk, username="alice", key="alice")
share_by_link(mine, "job1", days=1, now=now)
print(mint_token(user=alice, now=now))
"""
LOOK = """
import json
from shothub.server import main
main.prepare(None)
main.require_migrated()
from django.apps import apps
tables = [m for m in apps.get_models(include_auto_created=True) if m._meta.managed]
left_out = {"audit_entry", "django_session", "django_migrations"}
def plain(row):
    return repr({f.attname: bytes(v) if isinstance(v, memoryview) else v
        for f in row._meta.concrete_fields if f.attname != "hold"
        for v in [getattr(row, f.attname)]})
print(json.dumps({t._meta.db_table: [plain(r) for r in t._base_manager.order_by("pk")]
    for t in tables if t._meta.db_table not in left_out}))
"""
ASK = """
from shothub.server import main
main.prepare(None)
from django.contrib.sessions.models import Session
from shothub.server.apparatus.models import Apparatus
from shothub.server.audit.models import Entry
import json
print(json.dumps([Session.objects.count(), Apparatus.objects.get().hold,
    list(Entry.objects.order_by("pk").values_list("what", flat=True))]))
"""
LINKS = """
from shothub.server import main
main.prepare(None)
from shothub.server.jobs.models import JobShare
print(JobShare.objects.filter(revoked=None).count())
"""
WRITE = """
from shothub.server import main
main.prepare(None)
from itertools import count
from django.db import transaction
from shothub.runtime import clock
from shothub.server import rows
from shothub.server.accounts.models import User
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Job, Shot
alice, sim = User.objects.get(), Apparatus.objects.get()
for number in count():
    with transaction.atomic():
        job = Job(id=f"busy{number}", owner=alice, apparatus=sim, globals={},
            kind="script", source="x", state="queued", submitted=clock.now())
        rows.insert([job])
        rows.insert([Shot(job=job, index=i, state="compiled") for i in range(20)])
    print(number, flush=True)
"""


def good(code: str, data: Path, *words: str, database: str = "") -> str:
    status, printed = run(code, data, database, *words)
    assert status == 0, printed
    return printed.strip()


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The data folder of a hub with something in it, and Alice's token."""
    data = tmp_path_factory.mktemp("old")
    return data, good(FILL, data).splitlines()[-1]


@pytest.fixture(scope="module")
def backup(old: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that was taken while the hub ran."""
    path = tmp_path_factory.mktemp("backups") / "hub.tar"
    with HubProcess(old[0], ""):
        printed = good(ADMIN, old[0], "backup", str(path))
    assert "1 files of results" in printed
    assert "1 files are missing" in printed
    return path


@pytest.fixture(scope="module")
def new(backup: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the hub that was restored from it."""
    data = tmp_path_factory.mktemp("new")
    printed = good(ADMIN, data, "restore", str(backup))
    assert "with 1 files of results" in printed
    assert "1 files are missing" in printed
    return data


def test_every_row_comes_back(old: tuple[Path, str], new: Path) -> None:
    before, after = (json.loads(good(LOOK, data)) for data in (old[0], new))
    assert before == after
    assert len(after["jobs_shot"]) == 20


def test_files_come_back_as_they_were(new: Path) -> None:
    assert (new / "files" / "job1" / "kept.bin").read_bytes() == bytes(range(5))


def test_tokens_work_at_the_restored_hub(old: tuple[Path, str], new: Path) -> None:
    with HubProcess(new, "") as hub, hub.client(old[1]) as alice:
        assert alice.get("/me").json()["username"] == "alice"
        assert alice.get("/jobs/job1").status_code == 200


def test_nothing_starts_and_everybody_logs_in_anew(new: Path) -> None:
    sessions, hold, acts = json.loads(good(ASK, new))
    assert sessions == 0
    assert "restored from a backup" in hold
    assert acts[-1] == "hub.restored"


def test_nobody_else_can_read_what_came_back(new: Path) -> None:
    for name in ("secret", "db.sqlite3"):
        assert (new / name).stat().st_mode & 0o077 == 0


def test_a_backup_is_on_record(old: tuple[Path, str], backup: Path) -> None:
    assert json.loads(good(ASK, old[0]))[2][-1] == "hub.backed_up"


def test_it_is_not_restored_over_a_hub(new: Path, backup: Path) -> None:
    before = (new / "db.sqlite3").read_bytes()
    status, printed = run(ADMIN, new, "", "restore", str(backup))
    assert status == 1
    assert "holds a hub already" in printed
    assert (new / "db.sqlite3").read_bytes() == before


def test_it_is_not_written_over_a_file(old: tuple[Path, str], backup: Path) -> None:
    before = backup.read_bytes()
    status, printed = run(ADMIN, old[0], "", "backup", str(backup))
    assert status == 1
    assert "never overwritten" in printed
    assert backup.read_bytes() == before


def test_what_is_no_backup_leaves_the_folder_empty(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.tar"
    wrong.write_text("nothing of the sort")
    status, printed = run(ADMIN, tmp_path / "data", "", "restore", str(wrong))
    assert status == 1
    assert "no backup" in printed
    assert "Traceback" not in printed
    assert not (tmp_path / "data").exists()


def test_a_backup_that_is_cut_anywhere_is_none(backup: Path, tmp_path: Path) -> None:
    content, cut = backup.read_bytes(), tmp_path / "cut.tar"
    with tarfile.open(backup) as tar:
        members = tar.getmembers()
    assert members[-1].name == archives.END
    with archives.opened(backup):
        pass  # control
    begins = [member.offset for member in members]
    inside = [place + 700 for place in begins[:-1]]  # a header has 512 bytes
    for place in (*begins, *inside, begins[-1] + 100):
        cut.write_bytes(content[:place])
        with pytest.raises(archives.BadArchive), archives.opened(cut):
            pytest.fail(f"{place} of {len(content)} bytes are enough")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (archives.ROWS, "rows in it are not those"),
        (archives.END, "cut short, or damaged"),
    ],
)
def test_a_damaged_backup_leaves_the_folder_empty(
    backup: Path, tmp_path: Path, name: str, said: str
) -> None:
    with tarfile.open(backup) as tar:
        member = tar.getmember(name)
    place = member.offset_data + member.size // 2 if member.size else member.offset
    content, bad, new = (
        bytearray(backup.read_bytes()),
        tmp_path / "bad",
        tmp_path / "new",
    )
    content[place] ^= 1
    bad.write_bytes(content)
    status, printed = run(ADMIN, new, "", "restore", str(bad))
    assert status == 1
    assert said in printed
    assert "Traceback" not in printed
    assert not new.exists() or list(new.iterdir()) == []


def test_where_it_cannot_write_is_named(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "hub"
    status, printed = run(ADMIN, place, "", "restore", str(backup))
    assert status == 1
    assert str(tmp_path / "file") in printed
    assert "Traceback" not in printed


def test_every_token_and_link_can_be_revoked(
    old: tuple[Path, str], backup: Path, new: Path, tmp_path: Path
) -> None:
    good(ADMIN, tmp_path, "restore", str(backup), "--revoke-tokens")
    with HubProcess(tmp_path, "") as hub, hub.client(old[1]) as alice:
        assert alice.get("/me").status_code == 401
    assert good(LINKS, tmp_path) == "0"
    assert good(LINKS, new) == "1"  # control


def test_secrets_that_are_kept_elsewhere_must_be_those_of_then(
    old: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = json.loads((old[0] / "secret").read_text())
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("db.sqlite3", "files"):
        (bare / name).symlink_to(old[0] / name)
    given = {
        "SHOTHUB_SECRET_KEY": known["secret_key"],
        "SHOTHUB_TOKEN_PEPPERS": json.dumps(known["token_peppers"]),
    }
    archive = tmp_path / "hub.tar"
    with monkeypatch.context() as patch:
        patch.setattr("tests.integration.postgresql.hub_process.environment", of(given))
        printed = good(ADMIN, bare, "backup", str(archive))
        assert "are not in it" in printed
    status, printed = run(ADMIN, tmp_path / "new", "", "restore", str(archive))
    assert status == 1
    assert "secrets are not those" in printed
    with monkeypatch.context() as patch:
        patch.setattr("tests.integration.postgresql.hub_process.environment", of(given))
        good(ADMIN, tmp_path / "again", "restore", str(archive))


def test_rows_are_of_one_moment_while_others_write(tmp_path: Path) -> None:
    data = tmp_path / "busy"
    good(FILL, data)
    assert jobs_while_writing(data, "") > 1


def jobs_while_writing(data: Path, database: str) -> int:
    """Back a hub up while jobs of twenty shots are written; return how many are whole.

    A job without all its shots would be of another moment than they.
    """
    backup = data.parent / "busy.tar"
    with subprocess.Popen(
        [sys.executable, "-c", WRITE],
        env=environment(database) | {"SHOTHUB_DATA": str(data)},
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline().strip() == "0"
        good(ADMIN, data, "backup", str(backup), database=database)
        writer.kill()
    with archives.opened(backup) as opened:
        opened.place_rows(data.parent / "rows.sqlite3")
    counted = (
        "SELECT COUNT(*), SUM(s.n = 20) FROM jobs_job j LEFT JOIN (SELECT job_id,"
        " COUNT(*) AS n FROM jobs_shot GROUP BY job_id) s ON s.job_id = j.id"
    )
    with closing(sqlite3.connect(data.parent / "rows.sqlite3")) as rows:
        [(jobs, whole)] = rows.execute(counted).fetchall()
    assert jobs == whole
    return int(jobs)


def of(given: dict[str, str]) -> object:
    """Return a stand-in for ``environment`` that adds what is given."""

    return lambda database: environment(database) | given
