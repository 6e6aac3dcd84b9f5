"""A stock BLACS with dummy devices, shared by the tests of this folder."""

from collections.abc import Iterator

import pytest
from tests.fakes.suite_lab import Ear, Lab

from shothub.suite.blacs import StockBlacs
from shothub.wire.plugin import Resume, State


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("suite") / "lab")


@pytest.fixture(scope="session")
def running(lab: Lab) -> Iterator[StockBlacs]:
    options = ["--margin", "1", "--grace", "5"]
    with StockBlacs(lab.state, lab.environment, offscreen=True, options=options) as b:
        yield b


@pytest.fixture
def blacs(running: StockBlacs, lab: Lab) -> Iterator[StockBlacs]:
    """The stock BLACS, brought back to idle after each test."""
    if not running.running:
        running.start()
    yield running
    lab.mood.write_text("")


@pytest.fixture
def ear(blacs: StockBlacs, lab: Lab) -> Iterator[Ear]:
    ear = Ear(lab.state)
    if ear.wait(State).blacs != "idle":
        ear.channel.send(Resume())
        ear.state("idle")
    yield ear
    ear.close()
