"""The example lab, made once."""

import pytest
from tests.fakes.sim_lab import SimLab


@pytest.fixture(scope="session")
def sim_lab(tmp_path_factory: pytest.TempPathFactory) -> SimLab:
    return SimLab(tmp_path_factory.mktemp("sim") / "lab")
