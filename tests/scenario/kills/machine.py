"""A process in BLACS's place: the real plugin on a machine that only writes down its runs.

Each start is one fsynced line in a log that is only ever appended to: the oracle.
"""

import json
import os
import random
import secrets
from pathlib import Path

import h5py
from tests.fakes.fake_plugin import FakeBlacs
from tests.scenario.kills.lab import SHOT_SECONDS

from shothub.runtime import clock
from shothub.suite.plugin.station import Station
from shothub.suite.plugin.watch import Patience


class WritingMachine(FakeBlacs):
    """A machine whose only act is a line in the oracle."""

    def __init__(self, oracle: Path) -> None:
        super().__init__()
        self._oracle = os.open(oracle, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._reading: dict[str, object] = {}

    def _run(self, path: str, mood: str) -> bool:
        assert self._listener
        in_hand = self._listener._desk.in_hand
        attempt = in_hand.attempt if in_hand else None
        reading = {**_globals(path), "nonce": secrets.token_hex(8)}
        line = json.dumps({"attempt": attempt, "path": path, **reading}) + "\n"
        os.write(self._oracle, line.encode())
        os.fsync(self._oracle)
        clock.pause(random.uniform(0, 2 * SHOT_SECONDS))
        with h5py.File(path, "a") as shot:
            shot.require_group("data").attrs["reading"] = json.dumps(reading)
        return True


def _globals(path: str) -> dict[str, object]:
    with h5py.File(path, "r") as shot:
        values = dict(shot["globals"].attrs)
    return {n: v.item() if hasattr(v, "item") else v for n, v in values.items()}


def main(state: Path, oracle: Path) -> None:
    """Run the machine until the process is killed."""
    machine = WritingMachine(oracle)
    station = Station(state, Patience())
    station.attach(machine)
    machine.begin(station)
    station.open()
    while True:
        clock.pause(3600)
