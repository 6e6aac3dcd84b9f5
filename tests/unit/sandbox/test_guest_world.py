import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from shothub.domain.names import BadName
from shothub.sandbox.interpreter import (
    interpreter_paths,
    outermost,
    own_paths,
    with_link_targets,
)
from shothub.sandbox.limits import GuestBinds
from shothub.sandbox.mounts import World, guest_command, world
from shothub.sandbox.preload import modules_to_preload
from shothub.sandbox.profile import labconfig
from shothub.sandbox.uids import NoUidLeft, claim_uid


def closed(place: World) -> World:
    for descriptor in place.descriptors:
        os.close(descriptor)
    return place


@pytest.fixture
def lab(tmp_path: Path) -> GuestBinds:
    library = tmp_path / "labscriptlib"
    (library / "__pycache__").mkdir(parents=True)
    (library / "mot.py").write_text(
        "import scipy.optimize\nfrom labscriptlib.bec import x\n"
    )
    (library / ".secret").write_text("x")
    table = tmp_path / "connection_table.py"
    table.write_text("from labscript_devices.X import Y\nfrom . import z\n")
    return GuestBinds(
        apparatus_name="sim", labscriptlib=library, connection_table=table
    )


def test_the_lab_s_files_stand_where_stock_scripts_expect_them(lab: GuestBinds) -> None:
    arguments = closed(world(lab, uid=1000)).arguments
    library = "/profile/labscript-suite/userlib/labscriptlib"
    for target in (
        f"{library}/mot.py",
        f"{library}/__init__.py",
        f"{library}/connection_table.py",
        f"{library}/sim/connection_table.py",
        "/profile/labscript-suite/userlib/connection_table.py",
        "/profile/labscript-suite/labconfig/guest.ini",
    ):
        assert target in arguments
    assert not [a for a in arguments if "__pycache__" in a or ".secret" in a]


def test_nothing_is_bound_to_be_written_to(lab: GuestBinds) -> None:
    arguments = closed(world(lab, uid=1000)).arguments
    assert "--bind" not in arguments
    assert "--clearenv" in arguments
    assert "--unshare-net" in arguments
    devices = [b for a, b in pairwise(arguments) if a == "--dev-bind"]
    assert devices == ["/dev/null", "/dev/urandom"]


def test_an_apparatus_name_that_climbs_is_refused() -> None:
    with pytest.raises(BadName):
        world(GuestBinds(apparatus_name="../x"), uid=1000)


def test_the_profile_has_no_secret_and_no_version_control() -> None:
    text = labconfig("sim")
    assert "apparatus_name = sim\n" in text
    assert "shared_secret" not in text
    assert "save_git_info = False" in text


def test_what_the_lab_imports_is_imported_before_but_not_what_belongs_to_a_job(
    lab: GuestBinds,
) -> None:
    assert modules_to_preload(lab) == ["labscript_devices.X", "scipy.optimize"]


def test_a_lab_file_with_a_syntax_error_does_not_stop_the_sandbox(
    lab: GuestBinds,
) -> None:
    assert lab.connection_table
    lab.connection_table.write_text("import (")
    assert modules_to_preload(lab) == ["scipy.optimize"]


def test_the_running_interpreter_is_visible_with_all_its_links() -> None:
    paths = interpreter_paths()
    for step in (Path(sys.executable), Path(sys.executable).resolve()):
        assert any(step.is_relative_to(path) for path in paths)


def test_only_the_parts_that_guests_need_are_visible_of_a_checkout() -> None:
    names = {path.name for path in own_paths()}
    assert not names & {"server", "agent", "client", "suite"}


def test_links_are_followed_step_by_step(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "middle").symlink_to("real")
    (tmp_path / "outer").symlink_to(tmp_path / "middle")
    found = with_link_targets([tmp_path / "outer"])
    assert [path.name for path in found] == ["outer", "middle", "real", "real"]


def test_paths_inside_others_are_left_out() -> None:
    assert outermost([Path("/a/b/c"), Path("/a/b"), Path("/a/bc")]) == (
        Path("/a/b"),
        Path("/a/bc"),
    )


def test_the_guest_s_command_ignores_the_environment() -> None:
    assert guest_command(GuestBinds())[1:3] == ["-I", "-B"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root chooses uids")
def test_two_claims_never_get_the_same_uid() -> None:
    first, second = claim_uid((62001, 62002)), claim_uid((62001, 62002))
    assert (first.uid, second.uid) == (62001, 62002)
    with pytest.raises(NoUidLeft):
        claim_uid((62001, 62002))
    first.release()
    third = claim_uid((62001, 62002))
    assert third.uid == 62001
    for claim in (second, third):
        claim.release()
