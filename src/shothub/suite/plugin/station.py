"""The plugin put together: journal, desk, door and service of one run of BLACS."""

import functools
import logging
import os
import secrets
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shothub.runtime.clock import monotonic, now
from shothub.suite.endpoint import make_secret, plugin_folder, write_endpoint
from shothub.suite.plugin.decisions import Desk
from shothub.suite.plugin.door import Door
from shothub.suite.plugin.journal import Journal, NotJournalled
from shothub.suite.plugin.machine import Machine
from shothub.suite.plugin.pause import NOTE, PauseNote
from shothub.suite.plugin.revival import Revival
from shothub.suite.plugin.service import Service, Upkeep
from shothub.suite.plugin.steady import SteadyClock
from shothub.suite.plugin.watch import Patience
from shothub.wire.plugin import Endpoint, Local, Report

logger = logging.getLogger("BLACS.shothub")

_UNTOLD = 1_000


class Station:
    """Everything of the plugin but BLACS.

    Args:
        state: state folder of the apparatus.
        patience: of the watchdog.
        able: whether whoever started BLACS can start it again.
        started_anew: when BLACS was, lately, because the thread of its queue had ended.

    Raises:
        NotJournalled: the journal cannot be opened or is damaged.
    """

    def __init__(
        self,
        state: Path,
        patience: Patience,
        *,
        able: bool = False,
        started_anew: Sequence[datetime] = (),
    ) -> None:
        self._patience = patience
        self._clock = SteadyClock(now, monotonic)
        self.revival = Revival(state, able=able, earlier=started_anew, now=self._clock)
        self._untold: deque[Local] = deque(maxlen=_UNTOLD)
        self._folder = plugin_folder(state)
        self._service: Service | None = None
        self.boot = secrets.token_hex(8)
        secret = make_secret(self._folder)
        self._journal = Journal(self._folder / "journal.jsonl")
        self._door = Door(
            secret=secret,
            nonce=functools.partial(secrets.token_hex, 32),
            on_order=lambda order: self.service.obey(order),
            on_arrival=self._arrived,
            on_leave=lambda: self.service.left(),
        )
        self._desk = Desk(boot=self.boot, ledger=self._journal, tell=self._tell)
        self._compact()
        self._desk.read(self._journal.entries(), now())

    def _compact(self) -> None:
        try:
            self._journal.compact()
        except NotJournalled as error:
            logger.warning("The journal stays as long as it is: %s", error)

    def _tidy(self) -> None:
        if self._journal.long:
            self._compact()

    def _tell(self, report: Report) -> None:
        if not self._door.tell(report) and isinstance(report, Local):
            # The journal tells of the hub's shots later; of these nobody would.
            self._untold.append(report)

    def _arrived(self) -> None:
        self.service.arrived()
        while self._untold and self._door.tell(self._untold[0]):
            del self._untold[0]

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
            tell=self._tell,
            now=self._clock,
            patience=self._patience,
            upkeep=Upkeep(
                revival=self.revival,
                pause=PauseNote(self._folder / NOTE),
                tidy=self._tidy,
            ),
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
