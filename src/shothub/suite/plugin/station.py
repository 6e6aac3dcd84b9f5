"""The plugin put together: journal, desk, door and service of one run of BLACS."""

import functools
import logging
import os
import secrets
from pathlib import Path

from shothub.runtime.clock import now
from shothub.suite.endpoint import make_secret, plugin_folder, write_endpoint
from shothub.suite.plugin.decisions import Desk
from shothub.suite.plugin.door import Door
from shothub.suite.plugin.journal import Journal
from shothub.suite.plugin.machine import Machine
from shothub.suite.plugin.service import Service
from shothub.suite.plugin.watch import Patience
from shothub.wire.plugin import Endpoint

logger = logging.getLogger("BLACS.shothub")


class Station:
    """Everything of the plugin but BLACS.

    Args:
        state: state folder of the apparatus.
        patience: of the watchdog.

    Raises:
        NotJournalled: the journal cannot be opened or is damaged.
    """

    def __init__(self, state: Path, patience: Patience) -> None:
        self._patience = patience
        self._folder = plugin_folder(state)
        self._service: Service | None = None
        self.boot = secrets.token_hex(8)
        secret = make_secret(self._folder)
        self._journal = Journal(self._folder / "journal.jsonl")
        self._door = Door(
            secret=secret,
            nonce=functools.partial(secrets.token_hex, 32),
            on_order=lambda order: self.service.obey(order),
            on_arrival=lambda: self.service.arrived(),
            on_leave=lambda: self.service.left(),
        )
        self._desk = Desk(boot=self.boot, ledger=self._journal, tell=self._door.tell)
        self._desk.read(self._journal.entries(), now())

    @property
    def service(self) -> Service:
        """What works between BLACS and the agent, once ``attach`` was called."""
        if self._service is None:
            raise RuntimeError("the station is not attached to BLACS yet")
        return self._service

    def attach(self, machine: Machine) -> Service:
        """Connect the desk with BLACS."""
        self._service = Service(
            machine=machine,
            desk=self._desk,
            tell=self._door.tell,
            boot=self.boot,
            now=now,
            patience=self._patience,
        )
        return self._service

    def open(self) -> None:
        """Let agents in, and say where."""
        self.service.start()
        self._door.open()
        endpoint = Endpoint(port=self._door.port, boot=self.boot, pid=os.getpid())
        write_endpoint(self._folder, endpoint)
        logger.info("shothub's plugin listens on port %d", self._door.port)

    def close(self) -> None:
        """Hand out nothing more and show the agent out."""
        if self._service:
            self._service.close()
        self._door.close()
