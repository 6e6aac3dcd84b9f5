"""One stage for all scenarios of a session: hub, agent, stock BLACS, simulated machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shothub.client import Apparatus
from shothub.demo.stage import Stage
from shothub.sim.lab_files import make_lab


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    with Stage(folder, make_lab) as running:
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
