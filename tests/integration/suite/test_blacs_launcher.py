"""The launcher: clear ends when BLACS cannot start, and nothing left behind."""

import importlib.util
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.suite_lab import STOCK_BLACS, Ear, Lab

from shothub.domain.faults import Fault
from shothub.suite.blacs import BlacsFailed, start_blacs
from shothub.suite.connection_table import compile_connection_table
from shothub.suite.endpoint import plugin_folder, read_endpoint
from shothub.suite.profile import (
    compiled_table,
    labconfig_file,
    make_profile,
    suite_environment,
)
from shothub.wire.plugin import Endpoint, State


def profile(state: Path, table: str) -> dict[str, str]:
    source = state / "connection_table.py"
    state.mkdir(parents=True, exist_ok=True)
    source.write_text(table)
    home = state / "profile"
    make_profile(
        home, apparatus_name="bad", connection_table=source, shots=state / "shots"
    )
    return suite_environment(home, offscreen=True)


def test_a_table_with_an_error_is_named_with_its_line(tmp_path: Path) -> None:
    environment = profile(tmp_path, "from labscript import start\n\nstart(nothing)\n")
    with pytest.raises(BlacsFailed) as raised:
        start_blacs(tmp_path, environment, offscreen=True)
    assert "connection_table.py:3" in raised.value.fault.detail
    assert "nothing" in raised.value.fault.detail


@pytest.mark.parametrize(
    ("table", "where", "words"),
    [
        ("x = 1 +\n", "connection_table.py:1", "invalid syntax"),
        (
            "\nraise ValueError('no such card')\n",
            "connection_table.py:2",
            "no such card",
        ),
        ("import no_such_module\n", "connection_table.py:1", "no_such_module"),
        ("raise SystemExit(0)\n", "connection_table.py:1", "SystemExit"),
        ("x = 1\n", "connection_table.py", "start()"),
    ],
)
def test_a_bad_table_never_replaces_a_good_one(
    tmp_path: Path, table: str, where: str, words: str
) -> None:
    environment = profile(tmp_path, table)
    target = compiled_table(tmp_path)
    target.write_bytes(b"the good one")
    fault = compile_connection_table(
        tmp_path / "connection_table.py", target, environment
    )
    assert isinstance(fault, Fault)
    assert (fault.code, fault.where) == ("connection_table", where)
    assert words in fault.detail
    assert target.read_bytes() == b"the good one"


def test_a_state_folder_without_a_profile_is_named(tmp_path: Path) -> None:
    environment = suite_environment(tmp_path / "profile", offscreen=True)
    with pytest.raises(BlacsFailed, match="There is no labconfig"):
        start_blacs(tmp_path, environment, offscreen=True)


def test_a_damaged_journal_stops_the_plugin_and_says_where(
    tmp_path: Path, stock_lab: Lab
) -> None:
    state = _copy(stock_lab, tmp_path)
    folder = plugin_folder(state)
    folder.mkdir(exist_ok=True)
    (folder / "journal.jsonl").write_bytes(b"garbage\n")
    environment = suite_environment(state / "profile", offscreen=True)
    with pytest.raises(BlacsFailed, match=r"journal\.jsonl:1"):
        start_blacs(state, environment, offscreen=True)


def test_blacs_ends_with_its_parent_and_takes_all_along(
    tmp_path: Path, stock_lab: Lab
) -> None:
    state = _copy(stock_lab, tmp_path)
    program = (
        "import sys, pathlib, shothub.suite.blacs as b, shothub.suite.profile as p\n"
        "state = pathlib.Path(sys.argv[1])\n"
        "environment = p.suite_environment(state / 'profile', offscreen=True)\n"
        "blacs = b.start_blacs(state, environment, offscreen=True)\n"
        "print(blacs.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout
        blacs = int(parent.stdout.readline())
        descriptor = os.pidfd_open(blacs)
        parent.kill()
    _wait_for(descriptor)
    left = subprocess.run(
        ["pgrep", "-f", str(state)],  # noqa: S607
        capture_output=True,
        check=False,
    )
    assert left.stdout == b""


@pytest.mark.skipif(not os.access(sys.prefix, os.W_OK), reason="BLACS is not ours")
def test_a_labs_own_blacs_loads_the_installed_plugin(
    tmp_path: Path, stock_lab: Lab
) -> None:
    state = _copy(stock_lab, tmp_path)
    environment = suite_environment(state / "profile", offscreen=True)
    launcher = [sys.executable, "-m", "shothub.suite.launcher", "--state", str(state)]
    subprocess.run([*launcher, "--install"], env=environment, check=True)
    ear = Ear(state)
    blacs = subprocess.Popen(
        [sys.executable, "-c", STOCK_BLACS],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert ear.wait(State).blacs == "idle"
        assert read_endpoint(plugin_folder(state)).pid == blacs.pid
    finally:
        blacs.kill()
        blacs.wait()
        ear.close()
        subprocess.run([*launcher, "--uninstall"], env=environment, check=True)
    assert importlib.util.find_spec("blacs.plugins") is not None
    assert "shothub" not in labconfig_file(state / "profile").read_text()


def test_an_endpoint_of_an_earlier_run_is_not_taken_for_this_one(
    tmp_path: Path,
) -> None:
    environment = profile(tmp_path, "raise ValueError('stop here')\n")
    folder = plugin_folder(tmp_path)
    folder.mkdir()
    old = Endpoint(port=1, boot="old", pid=1)
    (folder / "endpoint.json").write_text(old.model_dump_json())
    with pytest.raises(BlacsFailed, match="stop here"):
        start_blacs(tmp_path, environment, offscreen=True)


def _copy(lab: Lab, folder: Path) -> Path:
    """Return a state folder of its own, with the profile and the table of the lab."""
    state = folder / "state"
    state.mkdir()
    make_profile(
        state / "profile",
        apparatus_name="copy",
        connection_table=lab.table,
        shots=state / "shots",
        user_devices=lab.devices,
    )
    shutil.copy2(compiled_table(lab.state), compiled_table(state))
    return state


def _wait_for(descriptor: int) -> None:
    ready, _, _ = select.select([descriptor], [], [], 30.0)
    os.close(descriptor)
    assert ready, "BLACS did not end with its parent"
