"""One stage for all scenarios of a session: hub, agent, stock BLACS, simulated machine."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shothub.client import Apparatus
from shothub.demo.stage import Stage
from shothub.sim.lab_files import make_lab

SHORT = """
[sandbox]
seconds = 12
routine_seconds = 4
"""


def make_impatient_lab(target: Path) -> None:
    """Write the example lab with short limits, so that what loops soon ends."""
    make_lab(target)
    with (target / "apparatus.toml").open("a") as config:
        config.write(SHORT)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    with Stage(folder, make_impatient_lab) as running:
        yield running


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
