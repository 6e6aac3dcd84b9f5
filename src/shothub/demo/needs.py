"""What the demo needs of this machine, said before anything is started."""

import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from shothub.agent.alone import AnotherAgent, require_free
from shothub.domain.faults import Fault


def what_lacks(
    folder: Path, host: str, port: int, missing: Sequence[str]
) -> Iterator[Fault]:
    """Yield what stands in the way of the demo; makes ``folder``.

    Args:
        folder: in which everything will live.
        host: address of the hub.
        port: of the hub; 0 for a free one.
        missing: what the sandbox lacks, in words.
    """
    for lack in missing:
        yield Fault(
            code="no_sandbox",
            detail=f"Users' code cannot be run here: {lack}.",
            hint="`shothub sandbox` shows all layers of protection",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield _no_folder(folder, error.strerror or "it cannot be made")
    else:
        if not os.access(folder, os.W_OK | os.X_OK):
            yield _no_folder(folder, "it is not yours to write to")
        yield from _in_use(folder)
    if port and not _is_free(host, port):
        yield Fault(
            code="port_taken",
            detail=f"Another program listens on port {port}.",
            where="--port",
            hint="choose another one, or leave --port out for a free one",
        )


def _in_use(folder: Path) -> Iterator[Fault]:
    state = folder / "apparatus" / "state"
    if not state.is_dir():
        return
    try:
        require_free(state)
    except AnotherAgent:
        yield Fault(
            code="demo_runs",
            detail=f"A demo already runs in {folder}.",
            where="--folder",
            hint="end it with Ctrl-C where it runs, or name another folder",
        )


def _no_folder(folder: Path, why: str) -> Fault:
    return Fault(
        code="no_folder",
        detail=f"{folder} cannot be used: {why}.",
        where="--folder",
        hint="name a folder that you may write to",
    )


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        # As the hub does, so that a port that a former hub has just left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
