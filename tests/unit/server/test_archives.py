"""A backup's file: what goes in comes out, and nothing else is taken for one."""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shothub.server import archives
from shothub.server.archives import BadArchive, Manifest, NotEmpty

ROWS = b"rows" * 1000


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "rows").write_bytes(ROWS)
    (folder / "secret").write_text("hush")
    (folder / "image").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture
def archive(tmp_path: Path, sources: Path) -> Path:
    path = tmp_path / "hub.tar"
    files = [("job1/a.png", sources / "image"), ("job1/gone.png", sources / "gone")]
    counted = archives.write(
        path,
        manifest_of(sources),
        rows=sources / "rows",
        secret=sources / "secret",
        files=files,
    )
    assert counted == (1, 1)
    return path


def manifest_of(sources: Path) -> Manifest:
    return Manifest(
        version="1",
        made="2026-11-23T08:00:00+00:00",
        sha256=archives.digest_of(sources / "rows"),
        secrets=["ab"],
        has_secrets=True,
        has_files=True,
    )


def unpack(archive: Path, data: Path, *, times: int = 1) -> int:
    """Unpack all of it into a data folder; return the number of files of results."""
    with (
        archives.opened(archive) as opened,
        archives.unpacked(opened, data, into_sqlite=True),
    ):
        return sum(opened.place_files(data / "files") for _ in range(times))


@contextmanager
def adding_to(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open a backup to add members to it, as a forger would: its end comes last."""
    with tarfile.open(archive, "a") as tar:
        yield tar
        tar.addfile(tarfile.TarInfo(archives.END))


def test_what_went_in_comes_out(archive: Path, sources: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with archives.opened(archive) as opened:
        assert opened.manifest == manifest_of(sources)
    assert unpack(archive, data) == 1
    assert (data / "db.sqlite3").read_bytes() == ROWS
    assert (data / "secret").read_text() == "hush"
    assert (data / "files" / "job1" / "a.png").read_bytes() == b"\x89PNG"
    assert [p.name for p in data.iterdir() if p.name.startswith(".")] == []


def test_nobody_else_can_read_it_or_what_comes_out(
    archive: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    unpack(archive, data)
    for path in (archive, *(p for p in data.rglob("*") if p.is_file())):
        assert path.stat().st_mode & 0o077 == 0, path


def test_it_is_never_overwritten(archive: Path, sources: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(FileExistsError):
        archives.write(
            archive, manifest_of(sources), rows=sources / "rows", secret=None, files=()
        )
    assert archive.read_bytes() == before


@pytest.mark.parametrize("there", ["secret", "files", "db.sqlite3"])
def test_a_folder_with_a_hub_is_refused_and_kept(
    archive: Path, tmp_path: Path, there: str
) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(NotEmpty):
        unpack(archive, tmp_path)
    assert (tmp_path / there).read_text() == "mine"


def test_what_fails_leaves_an_empty_folder(archive: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(FileExistsError):
        unpack(archive, data, times=2)  # a file that is there already
    assert list(data.iterdir()) == []


def test_changed_rows_are_refused(archive: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"rowsrows", b"rowsrowz", 1))
    with pytest.raises(BadArchive, match="rows"):
        unpack(archive, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize("size", [0, 100, 1500, 3000])
def test_what_was_cut_off_is_refused(archive: Path, tmp_path: Path, size: int) -> None:
    archive.write_bytes(archive.read_bytes()[:size])
    with pytest.raises(BadArchive):
        unpack(archive, tmp_path / "data")


@pytest.mark.parametrize(
    "name",
    ["files/../../escaped", "files/job/../../../escaped", "files/", "files"],
)
def test_no_path_leads_out_of_the_folder(
    archive: Path, tmp_path: Path, name: str
) -> None:
    with adding_to(archive) as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    goal = tmp_path / "deep" / "data"
    with archives.opened(archive) as opened, pytest.raises(BadArchive):
        opened.place_files(goal)
    assert not list(tmp_path.rglob("escaped"))


def test_an_absolute_path_is_no_file_of_results(archive: Path, tmp_path: Path) -> None:
    with adding_to(archive) as tar:
        member = tarfile.TarInfo(f"{tmp_path}/escaped")
        tar.addfile(member, io.BytesIO(b""))
    with archives.opened(archive) as opened:
        assert opened.place_files(tmp_path / "data") == 1
    assert not (tmp_path / "escaped").exists()


def test_a_link_is_no_file(archive: Path, tmp_path: Path) -> None:
    with adding_to(archive) as tar:
        member = tarfile.TarInfo("files/job1/link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    with archives.opened(archive) as opened, pytest.raises(BadArchive, match="no file"):
        opened.place_files(tmp_path / "data")


@pytest.mark.parametrize(
    "manifest",
    [{}, {"form": 99}, {"form": 1, "more": 2}, [], None],
    ids=str,
)
def test_another_versions_backup_is_refused(tmp_path: Path, manifest: object) -> None:
    path = tmp_path / "other.tar"
    text = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    with pytest.raises(BadArchive):
        unpack(path, tmp_path / "data")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="No such file"):
        unpack(tmp_path / "nothing.tar", tmp_path / "data")
