"""Which tests run in one process, and the watch over what hubs log in them."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.log_watch import leaks, leaks_of_files

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Fail a test in whose course a hub, or whatever else it ran, logged a secret."""
    report = yield
    found = leaks(report.capstderr) + leaks(report.caplog)
    if found and report.passed:
        report.outcome = "failed"
        report.longrepr = f"a secret was logged: {found[0]}"
    return report


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail the run if a log file that it has written holds a secret."""
    yield
    assert list(leaks_of_files(tmp_path_factory.getbasetemp())) == []
