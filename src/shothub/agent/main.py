"""`shothub agent`: the composition root of the program at the apparatus."""

import math
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shothub.agent.agent import Agent, PluginMaker
from shothub.agent.alone import AnotherAgent, require_free
from shothub.agent.credential import FILE, NoToken, Rotation, TokenFile
from shothub.agent.hub import AgentHub, HubError, Refused
from shothub.agent.ports import GuestPort
from shothub.agent.prepare import NotReady, Prepared, prepare
from shothub.agent.session import TAKEN_OVER
from shothub.domain.faults import Fault
from shothub.runtime import clock, logs
from shothub.sandbox.host import (
    Frame,
    GuestBinds,
    GuestEnd,
    GuestKind,
    GuestLimits,
    Layers,
    SandboxFailed,
    Zygote,
    probe,
)
from shothub.suite.channel import PluginChannel
from shothub.wire.guests import AnalyseOrder, CompileOrder
from shothub.wire.plugin import Report

STOPPED, REFUSED, FENCED = 0, 2, 3
"""Exit codes."""

_PROCESSOR_SHARE = 0.75
"""Processor seconds of a sandbox for each second by the clock."""


class NoSandbox:
    """Stands for the sandbox where it cannot work: every run fails, in words."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def run(
        self,
        _order: CompileOrder | AnalyseOrder,
        *,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Callable[[Frame], None],
    ) -> GuestEnd:
        """Run nothing."""
        del blobs, files, sink
        return GuestEnd(ok=False, reason="no_sandbox", detail=self._reason)

    def close(self) -> None:
        """Do nothing."""


def binds_of(prepared: Prepared) -> GuestBinds:
    """Return what guests may read of an apparatus folder."""
    folder = prepared.folder
    userlib = [folder.path / "user_devices", *folder.pythonlib]
    return GuestBinds(
        apparatus_name=folder.config.name,
        labscriptlib=folder.labscriptlib,
        connection_table=folder.connection_table_py,
        userlib=tuple(path for path in userlib if path.is_dir()),
    )


def limits_of(prepared: Prepared) -> GuestLimits:
    """Return what one run in a sandbox may use."""
    sandbox = prepared.folder.config.sandbox
    return GuestLimits(
        wall=sandbox.seconds,
        cpu=math.ceil(sandbox.seconds * _PROCESSOR_SHARE),
        memory=sandbox.memory,
    )


@dataclass(frozen=True, kw_only=True)
class Access:
    """How the agent proves itself to the hub; nothing given: by the folder's own token.

    Attributes:
        token: shown as it is, and never rotated.
        file: holds the token, and every one that it is rotated into.
        code: used up for a first token, which goes into ``file`` or into the folder's own.
    """

    token: str = field(default="", repr=False)
    file: Path | None = None
    code: str = field(default="", repr=False)


def run(folder: Path, hub: str, access: Access) -> None:
    """Run the agent of an apparatus until it is told to stop.

    Args:
        folder: the apparatus folder.
        hub: address of the hub.
        access: its token, or what stands for it.

    Raises:
        SystemExit: code 2 if something is wrong with the folder, the sandbox or the
            token; code 3 if a newer agent has taken over.
    """
    logs.configure("agent")
    console = Console(stderr=True)
    try:
        prepared = prepare(folder)
        require_free(prepared.state)
        with ExitStack() as stack:
            agent = _assemble(stack, console, prepared, hub, access)
            code = _work(agent, console)
    except NotReady as error:
        code = _refuse(console, error.faults)
    except (AnotherAgent, NoToken) as error:
        code = _refuse(console, [error.fault])
    except SandboxFailed as error:
        fault = Fault(code="sandbox_failed", detail=f"The sandbox failed: {error}.")
        code = _refuse(console, [fault])
    if code:
        raise SystemExit(code)


def _assemble(
    stack: ExitStack, console: Console, prepared: Prepared, url: str, access: Access
) -> Agent:
    layers = probe()
    no_sandbox = "; ".join(layers.missing)
    hub = stack.enter_context(AgentHub(url, access.token))
    if not access.token:
        file = TokenFile(access.file or prepared.state / FILE)
        if access.code:
            _enrol(hub, file, access.code)
        hub.use_token(file.read())
        stack.enter_context(Rotation(hub=hub, file=file, now=clock.now))
    kinds: tuple[GuestKind, ...] = ("analyse", "compile")
    _summary(console, prepared, url, layers)
    guests = {kind: _guest(stack, kind, prepared, no_sandbox) for kind in kinds}
    _warm(guests.values())
    return Agent(
        prepared,
        hub=hub,
        plugin=_plugin(prepared),
        compiling=guests["compile"],
        analysing=guests["analyse"],
        no_sandbox=no_sandbox,
    )


def _enrol(hub: AgentHub, file: TokenFile, code: str) -> None:
    try:
        file.require_writable()  # before the code is used up
        file.write(hub.enrol(code).token)
    except OSError as error:
        detail = f"The token could not be kept: {error}."
        raise NoToken(Fault(code="no_token", detail=detail)) from error
    except HubError as error:
        why = error.problem.detail if isinstance(error, Refused) else str(error)
        hint = error.problem.hint if isinstance(error, Refused) else "try again"
        detail = f"The agent was not enrolled: {why}"
        raise NoToken(Fault(code="not_enrolled", detail=detail, hint=hint)) from error


def _guest(
    stack: ExitStack, kind: GuestKind, prepared: Prepared, no_sandbox: str
) -> GuestPort:
    if no_sandbox:
        return NoSandbox(no_sandbox)
    zygote = Zygote(kind, binds_of(prepared), limits_of(prepared))
    stack.callback(zygote.close)
    return zygote


def _warm(guests: Iterable[GuestPort]) -> None:
    """Have the sandboxes import the suite side by side: it takes seconds."""
    zygotes = [guest for guest in guests if isinstance(guest, Zygote)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(Zygote.start, zygotes))


def _plugin(prepared: Prepared) -> PluginMaker:
    def make(
        on_report: Callable[[Report], None], on_connection: Callable[[bool], None]
    ) -> PluginChannel:
        return PluginChannel(prepared.state, on_report, on_connection)

    return make


def _work(agent: Agent, console: Console) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, agent.stop)
    reason = agent.run()
    if agent.denied:
        return _refuse(console, [agent.denied])
    console.print(f"The agent has ended: {reason}")
    return FENCED if reason.startswith(TAKEN_OVER) else STOPPED


def _refuse(console: Console, faults: Sequence[Fault]) -> int:
    for fault in faults:
        console.print(f"[bold red]{fault.code}[/] ", end="")
        console.print(str(fault), markup=False, highlight=False)
    return REFUSED


def _summary(console: Console, prepared: Prepared, url: str, layers: Layers) -> None:
    config, folder = prepared.folder.config, prepared.folder
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = {
        "apparatus": f"{config.name} · {config.title}" if config.title else config.name,
        "hub": url,
        "BLACS": f"looked for in {prepared.state / 'plugin'}",
        "shots": str(folder.shots),
        "procedures": ", ".join(folder.procedures) or "none",
        "sandbox": _sandbox_words(layers),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def _sandbox_words(layers: Layers) -> str:
    if layers.missing:
        return f"MISSING, nothing is compiled: {'; '.join(layers.missing)}"
    return (
        f"complete but weaker: {'; '.join(layers.weaker)}"
        if layers.weaker
        else "complete"
    )
