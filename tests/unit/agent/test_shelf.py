"""Where an agent finds the shots of a job: its own, and those that another compiled."""

from pathlib import Path

import pytest

from shothub.agent import jobfile
from shothub.agent.jobfile import JobFile
from shothub.agent.journal import Journal
from shothub.agent.shelf import Shelf
from shothub.wire.agents import CompiledShot

FOLDER = "alice/bec_tof/2026/01/02/jobid"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    folder = tmp_path / "shots" / FOLDER
    folder.mkdir(parents=True)
    shot = CompiledShot(index=0, globals={}, duration=1.5)
    job = JobFile(
        job="jobid",
        key="alice",
        kind="procedure",
        source="bec_tof",
        procedure_sha256="",
        shots=[shot],
        units={},
        single=[],
        multi=[],
        routines=[],
        hdf5_allowed=False,
    )
    jobfile.write(folder, job)
    (folder / "jobid_0.h5").touch()
    return tmp_path / "shots"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state")


def test_a_job_that_another_agent_compiled_is_found_on_the_storage(
    journal: Journal, storage: Path
) -> None:
    shelf = Shelf(journal, storage)
    assert shelf.shot("jobid", 0) == (storage / FOLDER / "jobid_0.h5", 1.5)
    assert journal.folder_of("jobid") == storage / FOLDER


def test_a_job_that_is_nowhere_is_not_found(journal: Journal, storage: Path) -> None:
    assert Shelf(journal, storage).shot("other", 0) is None
    assert Shelf(journal, storage).folder("") is None


def test_patterns_in_a_name_find_nothing(journal: Journal, storage: Path) -> None:
    assert Shelf(journal, storage).folder("*") is None
