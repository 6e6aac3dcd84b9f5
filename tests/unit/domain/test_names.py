from datetime import date
from pathlib import PurePosixPath

import pytest

from shothub.domain.names import BadName, file_name, is_slug, job_folder, shot_file

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "/etc",
    ".hidden",
    "a..b",
    "x" * 101,
    "é",
]


@pytest.mark.parametrize("name", [*HOSTILE, "a\n", "a b", "a\0"])
def test_no_name_leaves_its_folder(name: str) -> None:
    with pytest.raises(BadName):
        file_name(name)


def test_a_job_has_a_folder_in_labscripts_tree() -> None:
    folder = job_folder(key="alice", source="bec_tof", day=date(2026, 1, 2), job="j7")
    assert folder == PurePosixPath("alice/bec_tof/2026/01/02/j7")


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_names_no_folder(key: str) -> None:
    with pytest.raises(BadName):
        job_folder(key=key, source="bec_tof", day=date(2026, 1, 2), job="j7")


@pytest.mark.parametrize(
    ("index", "count", "name"),
    [(0, 1, "j_0.h5"), (3, 10, "j_3.h5"), (3, 11, "j_03.h5"), (99, 100, "j_99.h5")],
)
def test_shot_files_are_padded_as_runmanager_does(
    index: int, count: int, name: str
) -> None:
    assert shot_file(job="j", index=index, count=count) == name


def test_a_slug_starts_with_a_letter() -> None:
    assert is_slug("sim-2")
    assert not is_slug("2sim")
    assert not is_slug("Sim")
