"""Which tests run in one process: those that share a BLACS, else those of one file."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast the machine happens to be is no property of the code.
settings.register_profile(
    "shothub", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shothub")

TESTS = Path(__file__).parent
SHARING = (
    "scenario",
    "integration/sandbox",
    "integration/shots",
    "integration/suite",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the process of each test, for pytest-xdist's ``--dist loadgroup``."""
    for item in items:
        file = item.path.relative_to(TESTS).as_posix()
        folder = next((f for f in SHARING if file.startswith(f"{f}/")), file)
        item.add_marker(pytest.mark.xdist_group(folder))
