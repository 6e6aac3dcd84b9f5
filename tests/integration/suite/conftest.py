"""A stock BLACS with dummy devices, shared by the tests of this folder."""

from collections.abc import Iterator

import pytest
from tests.fakes.suite_lab import AnyLab, Ear, Lab

from shothub.suite.blacs import StockBlacs
from shothub.suite.endpoint import plugin_folder
from shothub.suite.plugin.pause import NOTE
from shothub.wire.plugin import Resume, State


@pytest.fixture(scope="session")
def stock_lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("suite") / "lab")


@pytest.fixture
def lab(stock_lab: Lab) -> Lab:
    return stock_lab


@pytest.fixture(scope="session")
def running(stock_lab: Lab) -> Iterator[StockBlacs]:
    options = ["--margin", "2", "--grace", "3"]
    state, environment = stock_lab.state, stock_lab.environment
    with StockBlacs(state, environment, offscreen=True, options=options) as blacs:
        yield blacs


@pytest.fixture
def blacs(running: StockBlacs, stock_lab: Lab) -> Iterator[StockBlacs]:
    """The stock BLACS, brought back to idle after each test."""
    if not running.running:
        running.start()
    yield running
    stock_lab.mood.write_text("")


def forget_settings(lab: AnyLab) -> None:
    """Let BLACS know nothing of a pause that a test has left."""
    saved = lab.state / "profile" / "labscript-suite" / "app_saved_configs"
    for file in (*saved.rglob("*_BLACS.h5"), plugin_folder(lab.state) / NOTE):
        file.unlink(missing_ok=True)


@pytest.fixture
def ear(request: pytest.FixtureRequest, lab: AnyLab) -> Iterator[Ear]:
    if isinstance(lab, Lab):
        request.getfixturevalue("blacs")
    ear = Ear(lab.state)
    try:
        if ear.wait(State).blacs != "idle":
            ear.channel.send(Resume())
            ear.state("idle")
    except AssertionError:
        # A test that failed left BLACS in a state that is no other test's fault.
        ear.close()
        blacs: StockBlacs = request.getfixturevalue("running")
        blacs.kill()
        forget_settings(lab)
        blacs.start()
        ear = Ear(lab.state)
        ear.state("idle")
    yield ear
    ear.close()
