"""Files of jobs: stored whole or not at all, and given to their owner only."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast

Submit = Callable[..., Any]


@pytest.fixture
def job(cast: Cast, submit: Submit) -> str:
    job = submit()["id"]
    cast.agent.compile_one()
    return str(job)


def test_the_same_file_again_is_accepted(cast: Cast, job: str) -> None:
    first = cast.agent.upload(job, "a.npy", b"1").ok()
    assert cast.agent.upload(job, "a.npy", b"1").ok() == first
    assert len(cast.alice("GET", f"/jobs/{job}/files").ok()) == 1


def test_other_content_under_the_same_name_is_a_conflict_and_kept(
    cast: Cast, job: str
) -> None:
    cast.agent.upload(job, "a.npy", b"1").ok()
    for _ in range(2):  # repeating the report does not multiply the file
        answer = cast.agent.upload(job, "a.npy", b"2")
        assert (answer.status, answer.body["code"]) == (409, "conflict")
    names = [file["name"] for file in cast.alice("GET", f"/jobs/{job}/files").ok()]
    assert names == ["a.npy", "a~2.npy"]
    assert cast.alice("GET", f"/jobs/{job}/files/a.npy").ok() == b"1"
    assert cast.alice("GET", f"/jobs/{job}/files/a~2.npy").ok() == b"2"


def test_a_wrong_digest_leaves_nothing_behind(
    cast: Cast, job: str, folder_of_files: Path
) -> None:
    answer = cast.agent.upload(job, "a.npy", b"1", digest="0" * 64)
    assert (answer.status, answer.body["code"]) == (422, "digest_mismatch")
    assert list((folder_of_files / job).iterdir()) == []
    assert cast.alice("GET", f"/jobs/{job}/files").ok() == []


def test_a_full_disk_leaves_nothing_behind(
    cast: Cast, job: str, folder_of_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        answer = cast.agent.upload(job, "a.npy", b"1")
    assert (answer.status, answer.body["code"]) == (503, "disk_full")
    assert list((folder_of_files / job).iterdir()) == []
    cast.agent.upload(job, "a.npy", b"1").ok()


def test_too_large_a_file_leaves_nothing_behind(
    cast: Cast, job: str, folder_of_files: Path, configured: Callable[..., None]
) -> None:
    configured(max_upload_bytes=10)
    assert cast.agent.upload(job, "a.npy", b"x" * 11).status == 413
    assert list((folder_of_files / job).iterdir()) == []
    cast.agent.upload(job, "a.npy", b"x" * 10).ok()


@pytest.mark.parametrize(
    "name", ["../a.npy", "..%2Fa.npy", "a/../b", "/a", ".hidden", "a/b/c/d/e", "a//b"]
)
def test_names_that_leave_the_folder_are_refused(
    cast: Cast, job: str, name: str
) -> None:
    assert cast.agent.upload(job, name, b"1").status in {404, 422}
    assert cast.alice("GET", f"/jobs/{job}/files").ok() == []


def test_hdf5_is_for_those_whom_the_lab_lets_have_it(
    cast: Cast, submit: Submit
) -> None:
    for caller, status in ((cast.alice, 200), (cast.bob, 403)):
        job = submit(caller)["id"]
        cast.agent.compile_one()
        cast.agent.upload(job, "shot.h5", b"h", kind="hdf5").ok()
        answer = caller("GET", f"/jobs/{job}/files/shot.h5")
        assert answer.status == status
    assert answer.body["code"] == "hdf5_not_granted"


def test_uploaded_pages_are_never_shown_as_pages(cast: Cast, job: str) -> None:
    page = b"<script>alert(1)</script>"
    cast.agent.upload(job, "x.html", page, kind="log", media_type="text/html").ok()
    response = cast.alice.client.get(
        f"/api/v1/jobs/{job}/files/x.html", headers=cast.alice.headers
    )
    response.close()
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")


def test_files_of_others_are_not_there(cast: Cast, job: str) -> None:
    cast.agent.upload(job, "a.npy", b"1").ok()
    for path in ("files", "files/a.npy", "images", "images/absorption.npz", "results"):
        assert cast.bob("GET", f"/jobs/{job}/{path}").status == 404
        assert cast.alice("GET", f"/jobs/{job}/{path}").status == 200
    assert cast.alice("GET", f"/jobs/{job}/files/b.npy").status == 404
