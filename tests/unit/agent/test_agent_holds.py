"""What holds an apparatus: a person's file, the disk, the connection table."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.compiled_shots import small_lab

from shothub.agent.holds import Holds
from shothub.agent.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(storage=tmp_path, state=tmp_path, lab=small_lab(tmp_path))


def holds(site: Site, no_compile: str = "") -> Holds:
    table = site.state / "connection_table.h5"
    return Holds(
        site=site,
        table=table,
        no_compile=no_compile,
        clock=itertools.count().__next__,
        jumps=lambda: "",
    )


def test_nothing_holds_a_sound_apparatus(site: Site) -> None:
    hold, free = holds(site)()
    assert (hold.starts, hold.compiles) == ("", "")
    assert free


def test_a_persons_hold_stops_starts_only(site: Site) -> None:
    (site.state / "hold").write_text("Laser lab open.\n")
    hold, _ = holds(site)()
    assert (hold.starts, hold.compiles) == ("Laser lab open.", "")


def test_a_hold_without_a_reason_holds(site: Site) -> None:
    (site.state / "hold").touch()
    assert holds(site)()[0].starts


def test_a_hold_that_cannot_be_read_holds(site: Site) -> None:
    (site.state / "hold").mkdir()
    assert holds(site)()[0].starts


def test_a_full_disk_stops_both(site: Site) -> None:
    hold, _ = holds(replace(site, minimum_free_bytes=1 << 60))()
    assert "bytes left" in hold.starts
    assert "bytes left" in hold.compiles


def test_a_missing_connection_table_stops_both(site: Site) -> None:
    (site.state / "connection_table.h5").unlink()
    hold, _ = holds(site)()
    assert "connection table" in hold.starts
    assert "connection table" in hold.compiles


def test_a_missing_sandbox_stops_compilations(site: Site) -> None:
    hold, _ = holds(site, "bubblewrap is not installed")()
    assert (hold.starts, hold.compiles) == ("", "bubblewrap is not installed")


def test_a_lab_that_changed_its_files_holds_compilations_alone(site: Site) -> None:
    (site.state / "connection_table.h5").touch()
    hold, _ = holds(replace(site, changed=lambda: "labscriptlib/bec.py"))()
    assert hold.starts == ""
    assert "labscriptlib/bec.py" in hold.compiles
    assert "restart the agent" in hold.compiles
