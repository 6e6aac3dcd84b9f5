"""A BLACS without Qt or devices: the plugin's own desk, door and journal, stepped by tests."""

import os
import secrets
import threading
from pathlib import Path

import h5py
import numpy as np

from shothub.runtime import clock
from shothub.suite.endpoint import make_secret, plugin_folder, write_endpoint
from shothub.suite.plugin.decisions import SAVING_STATUS, Desk
from shothub.suite.plugin.door import Door
from shothub.suite.plugin.journal import Journal
from shothub.wire.plugin import (
    Abort,
    Endpoint,
    Offer,
    Order,
    Recall,
    State,
    Withdraw,
)

STEPS = ("take", "begin", "save", "complete")


class FakeBlacs:
    """Runs what is offered, in no time; each step waits while its gate is closed.

    Attributes:
        begun: paths of the shots that were started, in order.
        reached: one event for each step: some shot stands before it.
    """

    def __init__(self, state: Path) -> None:
        self._folder = plugin_folder(state)
        self._boot = secrets.token_hex(8)
        secret = make_secret(self._folder)
        self._journal = Journal(self._folder / "journal.jsonl")
        self._lock = threading.RLock()
        self._stirred = threading.Event()
        self._closed = False
        self._door = Door(
            secret=secret,
            nonce=lambda: secrets.token_hex(32),
            on_order=self._obey,
            on_arrival=self._arrived,
            on_leave=self._left,
        )
        self._desk = Desk(boot=self._boot, ledger=self._journal, tell=self._door.tell)
        self._desk.read(self._journal.entries(), clock.now())
        self.begun: list[str] = []
        self.reached = {step: threading.Event() for step in STEPS}
        self._gates = {step: threading.Event() for step in STEPS}
        for gate in self._gates.values():
            gate.set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "FakeBlacs":
        self._door.open()
        write_endpoint(
            self._folder,
            Endpoint(port=self._door.port, boot=self._boot, pid=os.getpid()),
        )
        self._thread.start()
        return self

    def stop_before(self, step: str) -> None:
        self.reached[step].clear()
        self._gates[step].clear()

    def go_on(self) -> None:
        for gate in self._gates.values():
            gate.set()

    def kill(self) -> None:
        """End as a killed BLACS does: without a further line in the journal."""
        with self._lock:
            self._closed = True
        self.go_on()
        self._stirred.set()
        self._door.close()
        self._thread.join(5)

    def _obey(self, order: Order) -> None:
        with self._lock:
            match order:
                case Offer():
                    self._desk.offer(order, None, clock.now())
                case Withdraw(attempt=attempt):
                    self._desk.withdraw(attempt, clock.now())
                case Recall(attempts=attempts):
                    self._desk.recall(attempts)
                case Abort():
                    pass
            self._tell_state()
        self._stirred.set()

    def _arrived(self) -> None:
        with self._lock:
            self._tell_state()

    def _left(self) -> None:
        with self._lock:
            self._desk.forget_offer()

    def _tell_state(self) -> None:
        hand, offered = self._desk.in_hand, self._desk.offered
        self._door.tell(
            State(
                boot=self._boot,
                blacs="running" if hand else "idle",
                attempt=hand.attempt if hand else None,
                offered=offered.attempt if offered else None,
            )
        )

    def _pass(self, step: str) -> bool:
        self.reached[step].set()
        self._gates[step].wait(60)
        return not self._closed

    def _run(self) -> None:
        while not self._closed:
            self._stirred.wait()
            self._stirred.clear()
            while self._desk.offered and not self._closed:
                self._one()

    def _one(self) -> None:
        if not self._pass("take"):
            return
        with self._lock:
            path = self._desk.take(clock.now())
            self._tell_state()
        if path is None or not self._pass("begin"):
            return
        with self._lock:
            self._desk.starting(clock.now())
            self.begun.append(path)
        if not self._pass("save"):
            return
        _take_images(Path(path))
        with self._lock:
            self._desk.science_over(path, SAVING_STATUS, clock.now())
        if not self._pass("complete"):
            return
        with self._lock:
            self._desk.completed(path, clock.now())
            self._tell_state()


def _take_images(path: Path) -> None:
    with h5py.File(path, "a") as shot:
        shot.create_group("front_panel")
        for value, frame in enumerate(("atoms", "dark", "light")):
            image = np.full((8, 10), 10 * (value + 1), np.uint16)
            shot[f"images/side/absorption/{frame}"] = image
