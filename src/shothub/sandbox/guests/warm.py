"""The warm process: imports once, forks a confined guest for each run, runs no user code.

It talks to the host over one socket. For every guest it makes a socket pair and hands
one end to the host, which sends the order there and asks for the next guest; so that
one rehearses while another works.
"""

import gc
import importlib
import itertools
import json
import os
import random
import select
import signal
import socket
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

from shothub.sandbox.guests import confinement, kernel
from shothub.sandbox.guests.channel import Channel
from shothub.sandbox.guests.confinement import Setup


class Work(Protocol):
    """The module of a kind of guest."""

    def prepare(self, preload: list[str]) -> None:
        """Import everything, once, in the warm process."""

    def rehearse(self) -> None:
        """Do such work as orders bring, in a guest that waits for its order."""

    def run(self, text: bytes, files: list[int], channel: Channel) -> bool:
        """Carry out an order."""


_SUITE = "shothub.sandbox.guests.suite"
_MODULES = {
    "compile": (_SUITE, "shothub.sandbox.guests.compiling"),
    "analyse": (_SUITE, "shothub.sandbox.guests.analysing"),
    "attack": ("shothub.sandbox.guests.attacking",),
}
_SEED = "seed"

_GARBAGE = (20_000, 20, 20)
"""Guests are short: they may collect their garbage less often than Python does."""


def main(descriptor: str) -> None:
    """Serve the host until it closes the socket."""
    control = socket.socket(fileno=int(descriptor))
    sys.argv = [""]  # lyse would take an argument for the path of a shot
    setup = Setup(**json.loads(control.recv(1 << 20)))
    if setup.uid is not None:
        kernel.become(setup.uid)
    # labscript_utils imports tkinter for its error windows; a guest has no screen, and
    # Debian keeps a library of Tk's where guests see nothing.
    sys.modules["tkinter"] = types.ModuleType("tkinter")
    for module in _MODULES[setup.kind]:
        work: Work = importlib.import_module(module)
    work.prepare(setup.preload)
    threads = list(Path("/proc/self/task").iterdir())
    if len(threads) != 1:
        raise SystemExit(
            f"the warm process has {len(threads)} threads; it may have one"
        )
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    control.send(b"ready")
    _serve(control, setup, work)


def _serve(control: socket.socket, setup: Setup, work: Work) -> None:
    """Fork a guest whenever the host asks, and tell it the end of each."""
    ready = select.poll()
    ready.register(control, select.POLLIN)
    keepers: dict[int, tuple[int, int]] = {}
    for serial in itertools.count():
        keeper = _spawn(control, setup, work, serial, tuple(keepers))
        pidfd = os.pidfd_open(keeper)
        keepers[pidfd] = serial, keeper
        ready.register(pidfd, select.POLLIN)
        while not _asked(control, ready, keepers):
            pass


def _asked(
    control: socket.socket, ready: select.poll, keepers: dict[int, tuple[int, int]]
) -> bool:
    """Wait for a guest's end, which is told, or for the host to ask for another guest."""
    descriptors = [descriptor for descriptor, _ in ready.poll()]
    for descriptor in descriptors:
        if descriptor in keepers:
            serial, keeper = keepers.pop(descriptor)
            ready.unregister(descriptor)
            os.close(descriptor)
            status = os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])
            control.send(json.dumps({"guest": serial, "status": status}).encode())
    if control.fileno() not in descriptors:
        return False
    if not control.recv(16):
        # The host is gone. This process ends, and with it its namespace and all in it.
        raise SystemExit
    return True


def _spawn(
    control: socket.socket,
    setup: Setup,
    work: Work,
    serial: int,
    others: Sequence[int],
) -> int:
    """Fork the keeper of the next guest and give the host the guest's socket."""
    host_end, guest_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # The kernel then tells the host the guest's process number in the host's terms.
    host_end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    keeper = os.fork()
    if not keeper:
        # What leads to the host or to other guests is not for this one.
        for descriptor in (control.detach(), host_end.detach(), *others):
            os.close(descriptor)
        _outermost(lambda: _keep(setup, work, guest_end))
    told = json.dumps({"guest": serial}).encode()
    socket.send_fds(control, [told], [host_end.fileno()])
    host_end.close()
    guest_end.close()
    return keeper


def _outermost(act: Callable[[], None]) -> NoReturn:
    try:
        act()
    except BaseException:  # noqa: BLE001  (a forked process must never run on)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(confinement.GUEST_FAILED)
    os._exit(0)


def _keep(setup: Setup, work: Work, guest_end: socket.socket) -> None:
    """Fork the guest as the first process of a namespace, and pass its end on."""
    if "namespaces" in setup.guards:
        confinement.enter_namespaces()
    guest = os.fork()
    if not guest:
        _outermost(lambda: _be_guest(setup, work, guest_end))
    guest_end.close()
    _, raw, used = os.wait4(guest, 0)
    status = os.waitstatus_to_exitcode(raw)
    if status == -signal.SIGKILL and used.ru_utime + used.ru_stime >= 0.5 * setup.cpu:
        # The first process of a namespace does not get the signal of the soft limit. The
        # limit counts whole ticks, these times do not: they differ on a busy machine.
        status = -signal.SIGXCPU
    os._exit(status if status >= 0 else 128 - status)


def _be_guest(setup: Setup, work: Work, host: socket.socket) -> None:
    confinement.cut_off(setup)
    # The first touch of each page that the fork shares costs time: better now than later.
    work.rehearse()
    host.send(b"ready")
    message, descriptors = _receive(host)
    if not message:
        return
    host.close()
    frames, output, order, *files = descriptors
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with os.fdopen(order, "rb") as file:
        text = file.read()
    _reseed(json.loads(message)[_SEED])
    confinement.seal(setup)
    channel = Channel(frames)
    try:
        ok = work.run(text, files, channel)
    except BaseException as error:  # noqa: BLE001  (the outermost place of a guest)
        # The words go to the user; lines and paths of ours do not.
        sys.stderr.write("".join(traceback.format_exception_only(error)))
        sys.stderr.flush()
        os._exit(confinement.GUEST_FAILED)
    sys.stdout.flush()
    channel.send(b"E", {"ok": ok})
    channel.flush()
    os._exit(0)


def _receive(host: socket.socket) -> tuple[bytes, list[int]]:
    """Take the order's message and its descriptors, which come in several parts."""
    first, descriptors, _, _ = socket.recv_fds(host, 4096, 64)
    if not first:
        return b"", []
    while len(descriptors) < json.loads(first)["descriptors"]:
        _, more, _, _ = socket.recv_fds(host, 4096, 64)
        descriptors += more
    return first, descriptors


def _reseed(seed: int) -> None:
    """All forks begin with one state of the generators; the job's seed tells them apart."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
