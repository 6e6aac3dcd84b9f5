"""Which tests run in one process, and the watch over what hubs log in them."""

from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.log_watch import leaks, leaks_of_files
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# How fast the machine happens to be is no property of the code.
settings.register_profile(
    "shothub", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shothub")

SHARING = (
    "scenario",
    "integration/sandbox",
    "integration/shots",
    "integration/suite",
)


class BySharing(LoadScopeScheduling):  # type: ignore[misc]
    """Gives the tests that share a BLACS to one process, else those of one file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((f for f in SHARING if file.startswith(f"tests/{f}/")), file)


def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer
) -> LoadScopeScheduling:
    """Tell pytest-xdist which tests run in one process."""
    return BySharing(config, log)


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
