"""A process becomes a guest: bounded, cut off, and unable to undo it."""

import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shothub.runtime import clock
from shothub.sandbox.guests import kernel

SCRATCH = "/scratch"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the host tells the warm process once.

    Attributes:
        kind: which guest this is.
        uid: the uid to become, or None when the host has no right to choose.
        filter: the system call filter, hexadecimal.
        readable: paths that Landlock lets be read.
        preload: modules to import once.
        guards: layers in force; all of them but in controls of the tests.
    """

    kind: str
    uid: int | None
    filter: str
    readable: list[str]
    preload: list[str]
    cpu: int
    memory: int
    scratch: int
    temporary: int
    threads: int
    open_files: int
    guards: list[str]


_NICE = 10
"""Guests give way to BLACS, which may run on the same machine."""

GUEST_FAILED = 70
"""Exit status of a guest whose own code, not the user's, raised an exception."""

ALL_GUARDS = ("namespaces", "landlock", "seccomp", "rlimits", "session")


def bound(setup: Setup) -> None:
    """Set the limits that the kernel keeps for each process."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    space = pages * resource.getpagesize() + setup.memory
    for what, soft, hard in (
        (resource.RLIMIT_AS, space, space),
        (resource.RLIMIT_CPU, setup.cpu, setup.cpu),
        (resource.RLIMIT_FSIZE, setup.scratch, setup.scratch),
        (resource.RLIMIT_NOFILE, setup.open_files, setup.open_files),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        # Counted per uid and user namespace, of which this process has one alone.
        (resource.RLIMIT_NPROC, setup.threads, setup.threads),
    ):
        resource.setrlimit(what, (soft, hard))


def enter_namespaces() -> None:
    """Leave the warm process's namespaces; the next child is the first of its own."""
    kernel.unshare(kernel.NEW_USER | kernel.NEW_NS | kernel.NEW_IPC | kernel.NEW_PID)


def cut_off(setup: Setup) -> None:
    """Give up what the new namespaces and the session allow to give up."""
    guards = set(setup.guards)
    if "session" in guards:
        # Process groups reach across process namespaces: kill(0, …) would hit others.
        os.setsid()
    step_back()
    kernel.die_with_parent()
    if "rlimits" in guards:
        bound(setup)
    if "namespaces" in guards:
        kernel.private_mounts()
        kernel.mount_scratch(SCRATCH, size=setup.scratch)
        kernel.mount_scratch(os.environ["TMPDIR"], size=setup.temporary)
        kernel.mount_scratch("/proc", size=4096, mode="0")
        kernel.drop_capabilities()
    os.chdir(SCRATCH)
    if "landlock" in guards:
        readable = [*setup.readable, "/dev/urandom"]
        kernel.landlock(
            writable=[SCRATCH, os.environ["TMPDIR"], "/dev/null"], readable=readable
        )


def step_back() -> None:
    """Let BLACS and the agent go first.

    Where Linux groups processes by session (``sched_autogroup``), niceness counts only
    within one, and a session of its own would get as much as the whole of BLACS.
    """
    os.nice(_NICE)
    group = Path("/proc/self/autogroup")
    if not group.exists():
        return
    for _ in range(5):
        # The kernel takes one change each 0.1 s, from all users.
        with suppress(BlockingIOError):
            group.write_text(str(_NICE))
            return
        clock.pause(0.11)


def seal(setup: Setup) -> None:
    """Install the system call filter; the last act before the user's code."""
    if "seccomp" in setup.guards:
        kernel.install_filter(bytes.fromhex(setup.filter))
