"""One stage for all scenarios of a session: hub, agent, stock BLACS, simulated machine."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from tests.postgres import own_database

from shothub.client import Apparatus
from shothub.demo.stage import Stage
from shothub.sim.lab_files import make_lab

DEVICES = Path(__file__).parents[1] / "fakes" / "devices"
SHORT = """
[sandbox]
seconds = 8
routine_seconds = 3
"""
FAILED = pytest.StashKey[bool]()
TAIL = 60
OUTPUTS_ONLY = """
from labscript_devices import register_classes

register_classes(
    "SimulatedOutputs",
    BLACS_tab="shothub.sim.devices.blacs_tabs.SimulatedOutputsTab",
    runviewer_parser=None,
)
"""


def make_trying_lab(target: Path) -> None:
    """Write the example lab with short limits, a moody camera and small disks of its own."""
    make_lab(target)
    config = target / "apparatus.toml"
    text = config.read_text()
    text = re.sub("minimum_free_bytes = .*", "minimum_free_bytes = 20_000_000", text)
    config.write_text(text + SHORT)
    register = target / "user_devices" / "shothub_sim" / "register_classes.py"
    register.write_text(OUTPUTS_ONLY)
    for name in ("moody_camera", "hand"):
        shutil.copytree(DEVICES / name, target / "user_devices" / name)
    (target / "shots").mkdir()
    for folder in small_disks(target.parent):
        folder.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", "size=500m,mode=755", "tmpfs"]
        subprocess.run([*mount, str(folder)], check=True)


def small_disks(stage: Path) -> tuple[Path, ...]:
    """Folders that get a small disk, where the tests may mount one."""
    may_mount = sys.platform == "linux" and os.geteuid() == 0
    return (stage / "apparatus" / "shots", stage / "hub") if may_mount else ()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    os.environ["MOODY_CAMERA"] = str(folder / "mood")
    try:
        with own_database(), Stage(folder, make_trying_lab) as running:
            yield running
    finally:
        for disk in small_disks(folder):
            subprocess.run(["umount", "-l", str(disk)], check=False)  # noqa: S607


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the programs said last to the report of a test that failed."""
    report = yield
    stage = getattr(item, "funcargs", {}).get("stage")
    if stage and report.failed:
        item.stash[FAILED] = True
        for log in logs(stage):
            end = log.read_text(errors="replace").splitlines()[-TAIL:]
            report.sections.append((f"end of {log.name}", "\n".join(end)))
    return report


def logs(stage: Stage) -> list[Path]:
    """Return the files into which the programs of the stage write."""
    return [*(stage.folder / "logs").glob("*.log"), *stage.lab.glob("state/*.log")]


@pytest.fixture(autouse=True)
def next_test_finds_a_whole_stage(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start everything again after a test that failed, so that only that one does."""
    yield
    if request.node.stash.get(FAILED, False):
        mend(request.getfixturevalue("stage"))


def mend(stage: Stage) -> None:
    """Start all programs of the stage again, with nothing in the queue."""
    if stage.blacs:
        stage.blacs.kill()
    for program in stage.programs:
        program.stop()
    stage.programs.clear()
    for place in small_disks(stage.folder):
        (place / "ballast").unlink(missing_ok=True)
    stage.start_hub()
    for member in stage.members.values():
        for job in member.hub().jobs(limit=50):
            if not job.ended:
                job.cancel()
    stage.start_blacs(stage.lab / "state")
    stage.start_agent()
    stage.wait_until_idle()


@pytest.fixture
def alice(stage: Stage) -> Apparatus:
    return stage.members["alice"].hub().apparatus(stage.apparatus)


@pytest.fixture
def bob(stage: Stage) -> Apparatus:
    return stage.members["bob"].hub().apparatus(stage.apparatus)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def begun(stage: Stage) -> Callable[[], Counter[int]]:
    """How often the plugin's journal says that each attempt began."""

    def count() -> Counter[int]:
        lines = (stage.lab / "state" / "plugin" / "journal.jsonl").read_text()
        entries = [json.loads(line) for line in lines.splitlines() if line]
        return Counter(e["attempt"] for e in entries if e["what"] == "begun")

    return count
