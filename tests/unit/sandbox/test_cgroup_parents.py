import os
from pathlib import Path

import pytest

from shothub.sandbox.cgroups import MANAGER, Cgroup, find_parents, prepare, sweep

OWN = "0::/system.slice/shothub.service\n"


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    """Return a root that looks like a delegated subtree of control groups, version 2."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    base = tmp_path / "system.slice" / "shothub.service"
    base.mkdir(parents=True)
    (base / "cgroup.controllers").write_text("memory pids\n")
    (base / "cgroup.subtree_control").write_text("")
    (base / "cgroup.procs").write_text("41\n")
    return tmp_path


def test_a_delegated_subtree_is_found_and_prepared(unified: Path) -> None:
    parents = find_parents(OWN, unified)
    assert parents.version == 2
    prepare(parents)
    (base,) = parents.folders
    assert (base / MANAGER / "cgroup.procs").read_text() == "41"
    assert (base / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_the_manager_s_own_leaf_leads_to_the_same_subtree(unified: Path) -> None:
    leaf = OWN.strip() + f"/{MANAGER}\n"
    assert find_parents(leaf, unified) == find_parents(OWN, unified)


def test_a_subtree_without_the_memory_controller_is_not_enough(unified: Path) -> None:
    base = unified / "system.slice" / "shothub.service"
    (base / "cgroup.controllers").write_text("cpu\n")
    parents = find_parents(OWN, unified)
    assert parents.version == 0
    assert "Delegate=" in parents.missing


def test_version_one_needs_both_hierarchies(tmp_path: Path) -> None:
    assert find_parents("4:memory:/\n", tmp_path).version == 0
    for name in ("memory", "pids"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    assert find_parents("4:memory:/\n", tmp_path).version == 1


def test_a_run_gets_its_limits_and_is_moved_in(unified: Path) -> None:
    parents = find_parents(OWN, unified)
    group = Cgroup(parents, "7")
    group.make(memory=1000, processes=5)
    group.add(99)
    folder = parents.folders[0] / f"run-{os.getpid()}-7"
    assert (folder / "memory.max").read_text() == "1000"
    assert (folder / "pids.max").read_text() == "5"
    assert (folder / "cgroup.procs").read_text() == "99"


@pytest.mark.parametrize(
    ("text", "said"), [("oom 1\noom_kill 1\n", True), ("oom_kill 0\n", False)]
)
def test_the_kernel_s_word_on_memory_is_read(
    unified: Path, text: str, said: bool
) -> None:
    parents = find_parents(OWN, unified)
    group = Cgroup(parents, "7")
    group.make(memory=1000, processes=5)
    (parents.folders[0] / f"run-{os.getpid()}-7" / "memory.events").write_text(text)
    assert group.out_of_memory() is said


def test_groups_of_hosts_that_are_gone_are_swept_and_others_stay(unified: Path) -> None:
    parents = find_parents(OWN, unified)
    (base,) = parents.folders
    gone, present = base / "run-4194305-1", base / f"run-{os.getpid()}-1"
    gone.mkdir()
    present.mkdir()
    sweep(parents)
    assert (gone.exists(), present.exists()) == (False, True)
