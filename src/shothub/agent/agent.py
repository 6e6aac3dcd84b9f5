"""An agent put together: adapters, workers and threads around one session."""

import random
import socket
import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import structlog

from shothub import __version__
from shothub.agent import events as ev
from shothub.agent.analyst import Analyst
from shothub.agent.clock_watch import ClockWatch
from shothub.agent.compiler import Compiler
from shothub.agent.description import description
from shothub.agent.hands import Hands, Tools, Workers
from shothub.agent.holds import Holds
from shothub.agent.journal import Journal
from shothub.agent.link import Link
from shothub.agent.outbox import Outbox
from shothub.agent.polling import Books, Kind, Poller, Standing
from shothub.agent.ports import GuestPort, HubPort, PluginPort
from shothub.agent.prepare import Prepared
from shothub.agent.runner import Runner
from shothub.agent.session import TAKEN_OVER
from shothub.agent.shelf import Shelf
from shothub.agent.site import Published, Site
from shothub.agent.workers import (
    AnalysisWorker,
    CompileWorker,
    Insistence,
    Opener,
    Starter,
)
from shothub.domain.faults import Fault
from shothub.runtime import clock
from shothub.wire.agents import Capacity, OpenSession
from shothub.wire.apparatus import Description
from shothub.wire.jobs import SourceFile
from shothub.wire.plugin import Report

logger = structlog.get_logger()

TAKEN_AHEAD = Capacity(compile=4, shots=4, analyse=1)
"""How many compile tasks, leases and analyses the agent holds at once."""

PARTING_SECONDS = 5.0
HANDOVER_SECONDS = 600.0
"""How long an agent that was taken over from goes on to deliver what it has."""
_SOFTWARE = ("shothub", "labscript", "blacs", "runmanager", "lyse", "labscript-devices")

PluginMaker = Callable[[Callable[[Report], None], Callable[[bool], None]], PluginPort]


def site_of(prepared: Prepared) -> Site:
    """Return what the workers need of an apparatus folder."""
    folder = prepared.folder
    routines = {
        name: SourceFile(name=f"{name}.py", text=text)
        for name, text in folder.routines.items()
    }
    procedures = {
        p.name: Published(
            source=SourceFile(name=f"{p.name}.py", text=p.source),
            sha256=p.sha256,
            parameters=p.parameters,
            single=p.routines,
            multi=p.multishot,
        )
        for p in folder.procedures.values()
    }
    return Site(
        storage=folder.shots,
        state=folder.state,
        lab=prepared.lab,
        procedures=procedures,
        routines=routines,
        single=folder.config.routines.single,
        multi=folder.config.routines.multi,
        minimum_free_bytes=folder.config.storage.minimum_free_bytes,
        hdf5=folder.config.storage.hdf5_download,
        routine_seconds=folder.config.sandbox.routine_seconds,
        changed=prepared.files.changed,
    )


def describe(prepared: Prepared, no_sandbox: str) -> Description:
    """Return what the hub is to publish of the apparatus."""
    refusals = {"procedure": no_sandbox, "script": no_sandbox} if no_sandbox else {}
    return description(
        prepared.folder,
        prepared.lab,
        refusals=refusals,
        software={name: found for name in _SOFTWARE if (found := _version(name))},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _taken_ahead(offline_seconds: float) -> Capacity:
    """Return what is taken at most: leases, or grants where the lab allows them."""
    if offline_seconds <= 0:
        return TAKEN_AHEAD
    return TAKEN_AHEAD.model_copy(update={"shots": 0, "ahead": offline_seconds})


class Agent:
    """One agent of one apparatus; ``run`` works until ``stop`` or until it is fenced.

    Args:
        prepared: the apparatus folder.
        hub: the hub.
        plugin: makes the channel to BLACS.
        compiling: sandbox that compiles.
        analysing: sandbox that analyses.
        no_sandbox: why users' code cannot be run here, in words; empty if it can.
    """

    def __init__(
        self,
        prepared: Prepared,
        *,
        hub: HubPort,
        plugin: PluginMaker,
        compiling: GuestPort,
        analysing: GuestPort,
        no_sandbox: str = "",
    ) -> None:
        site, folder = site_of(prepared), prepared.folder
        self._journal = Journal(folder.state)
        self._stopped = threading.Event()
        self._standing = Standing(
            Books(reports=self._journal.analyses_to_deliver, ahead=self._journal.ahead)
        )
        self._outbox = Outbox(
            journal=self._journal, hub=hub, clock=clock.monotonic, jitter=random.random
        )
        self._link = Link(self._outbox.hurry, random.random)
        self._runner = Runner(
            standing=self._standing,
            most=_taken_ahead(folder.config.link.offline_seconds),
            holds=Holds(
                site=site,
                table=folder.connection_table_h5,
                no_compile=no_sandbox,
                clock=clock.monotonic,
                jumps=ClockWatch(clock.now, clock.monotonic),
            ),
            clock=clock.monotonic,
        )
        self._plugin = plugin(self._heard, self._connection)
        shelf = Shelf(self._journal, site.storage)
        host = socket.gethostname()
        hello = OpenSession(
            apparatus=folder.config.name,
            agent_version=__version__,
            host=host,
            agent=self._journal.identity(host),
            description=describe(prepared, no_sandbox),
        )
        self._opener = Opener(
            hub=hub,
            journal=self._journal,
            hello=lambda: hello,
            tell=self._runner.tell,
            jitter=random.random,
        )
        workers = Workers(
            opener=self._opener,
            starter=Starter(
                hub=hub,
                journal=self._journal,
                tell=self._runner.tell,
                insist=Insistence(self._link),
            ),
            compiler=self._compile_worker(site, shelf, hub, compiling),
            analyst=AnalysisWorker(
                analyst=Analyst(guest=analysing, site=site),
                journal=self._journal,
                shelf=shelf,
                outbox=self._outbox,
                tell=self._runner.tell,
                jitter=random.random,
            ),
        )
        self._hands = Hands(
            tools=Tools(
                plugin=self._plugin,
                journal=self._journal,
                outbox=self._outbox,
                shelf=shelf,
                standing=self._standing,
                now=clock.now,
            ),
            workers=workers,
            tell=self._runner.tell,
            leave=self._runner.leave,
        )
        self._pollers = [self._poller(kind, hub) for kind in _KINDS]

    def _compile_worker(
        self, site: Site, shelf: Shelf, hub: HubPort, guest: GuestPort
    ) -> CompileWorker:
        compiler = Compiler(
            guest=guest, site=site, in_use=self._journal.was_started, now=clock.now
        )
        return CompileWorker(
            compiler=compiler,
            hub=hub,
            shelf=shelf,
            tell=self._runner.tell,
            insist=Insistence(self._link),
        )

    def _poller(self, kind: Kind, hub: HubPort) -> Poller:
        return Poller(
            kind,
            hub=hub,
            standing=self._standing,
            tell=self._runner.tell_and_wait,
            clock=clock.monotonic,
            link=self._link,
        )

    @property
    def denied(self) -> Fault | None:
        """Why the hub did not accept the token, if that ended the agent."""
        return self._opener.denied

    def _heard(self, report: Report) -> None:
        self._runner.tell(ev.PluginSaid(report))

    def _connection(self, up: bool) -> None:  # noqa: FBT001 (the channel's callback)
        logger.info("BLACS connected" if up else "BLACS gone")
        self._runner.tell(ev.PluginUp() if up else ev.PluginDown())

    def stop(self, *_signal: Any) -> None:
        """Let ``run`` end; may be called from a signal handler."""
        self._stopped.set()
        self._runner.tell(ev.Stop())

    def run(self) -> str:
        """Work; return why it ended."""
        outbox = threading.Thread(target=self._outbox.run, name="outbox", daemon=True)
        outbox.start()
        for poller in self._pollers:
            threading.Thread(target=poller.run, name="poll", daemon=True).start()
        self._hands.start()
        self._plugin.start()
        patience = PARTING_SECONDS
        try:
            reason = self._runner.run(self._hands.carry_out)
            if reason.startswith(TAKEN_OVER):
                patience = HANDOVER_SECONDS
            return reason
        finally:
            self._standing.close()
            self._link.close()
            self._plugin.close()
            self._hands.close()
            self._outbox.wake()
            self._hand_over(patience)
            self._outbox.close()
            outbox.join(PARTING_SECONDS)
            self._journal.close()

    def _hand_over(self, patience: float) -> None:
        """Deliver what is left: its results are with nobody else. A stop cuts it short."""
        until = clock.monotonic() + patience
        if not self._outbox.drained(min(patience, PARTING_SECONDS)):
            logger.warning("still delivering", seconds=patience - PARTING_SECONDS)
        while clock.monotonic() < until and not self._stopped.is_set():
            if self._outbox.drained(1.0):
                break


_KINDS: tuple[Kind, ...] = ("compile", "shots", "analyse")
