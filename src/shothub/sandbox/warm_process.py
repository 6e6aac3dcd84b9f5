"""The host's end of a warm process: starting it, taking guests from it, ending it."""

import dataclasses
import json
import os
import select
import signal
import socket
import struct
import subprocess
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from shothub.sandbox.filters import guest_filter
from shothub.sandbox.guests.confinement import ALL_GUARDS, Setup
from shothub.sandbox.limits import GuestBinds, GuestLimits
from shothub.sandbox.mounts import GUEST_UID, guest_command, world
from shothub.sandbox.preload import modules_to_preload
from shothub.sandbox.uids import Claim, claim_uid

START_SECONDS = 60.0
ANSWER_SECONDS = 30.0
_CREDENTIALS = struct.Struct("iii")
_BATCH = 60
"""Descriptors in one message; the kernel takes at most 253."""


class SandboxFailed(RuntimeError):
    """The sandbox itself did not do what it should; no user's code is to blame."""


@dataclass(frozen=True)
class Guest:
    """A confined process that waits for its order."""

    socket: socket.socket
    serial: int
    process: int
    pidfd: int

    def close(self) -> None:
        """Let go of the guest; one that has no order yet ends by it."""
        self.socket.close()
        os.close(self.pidfd)

    def end(self) -> None:
        """Kill the guest and wait until it is gone."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        _poll(self.pidfd, ANSWER_SECONDS)

    def give(self, *, seed: int, descriptors: Sequence[int]) -> None:
        """Send the order: frames pipe, output pipe, order, then further files."""
        message = json.dumps({"seed": seed, "descriptors": len(descriptors)}).encode()
        for start in range(0, len(descriptors), _BATCH):
            batch = descriptors[start : start + _BATCH]
            try:
                socket.send_fds(self.socket, [message], list(batch))
            except OSError as error:
                raise SandboxFailed(f"the guest took no order: {error}") from error


class WarmProcess:
    """One bubblewrap process that imports once and forks a guest for each run."""

    def __init__(
        self,
        kind: str,
        binds: GuestBinds,
        limits: GuestLimits,
        guards: Sequence[str] = ALL_GUARDS,
    ) -> None:
        self._claim: Claim = claim_uid()
        self._log = os.memfd_create("log")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_SECONDS)
        self._process: subprocess.Popen[bytes] | None = None
        self._spares: deque[tuple[int, int]] = deque()
        self._ends: dict[int, int] = {}
        try:
            with theirs:
                readable = self._launch(binds, theirs)
            self._set_up(_setup(kind, self._claim.uid, binds, limits, guards, readable))
        except BaseException:
            self.close()
            raise
        self._control.settimeout(ANSWER_SECONDS)

    def _launch(self, binds: GuestBinds, theirs: socket.socket) -> list[str]:
        """Start bubblewrap; return what is visible in it."""
        uid = self._claim.uid
        place = world(binds, uid=GUEST_UID if uid is None else uid)
        try:
            self._process = subprocess.Popen(  # noqa: S603  (the command is ours)
                [*place.arguments, *guest_command(binds), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno(), *place.descriptors],
                env={},
                cwd="/",
            )
        finally:
            for descriptor in place.descriptors:
                os.close(descriptor)
        return place.readable

    def _set_up(self, setup: Setup) -> None:
        self._send(json.dumps(dataclasses.asdict(setup)).encode())
        if self._receive()[0] != b"ready":
            raise self._failure("the warm process said something else than ready")

    def next_guest(self) -> Guest:
        """Return the guest that waits.

        Raises:
            SandboxFailed: there is none.
        """
        while not self._spares:
            self._hear()
        serial, descriptor = self._spares.popleft()
        line = socket.socket(fileno=descriptor)
        line.settimeout(ANSWER_SECONDS)
        try:
            hello, ancillary, _, _ = line.recvmsg(
                16, socket.CMSG_SPACE(_CREDENTIALS.size)
            )
            if hello != b"ready":
                raise self._failure("a guest could not be confined")
            process = _CREDENTIALS.unpack(ancillary[0][2])[0]
            return Guest(line, serial, process, os.pidfd_open(process))
        except OSError as error:
            line.close()
            raise self._failure(str(error)) from error

    def ask(self) -> None:
        """Ask for one more guest, to be taken later."""
        self._send(b"next")

    def waits(self, guest: Guest) -> bool:
        """Tell whether a guest still waits for its order.

        Raises:
            SandboxFailed: the warm process is gone.
        """
        while _poll(self._control.fileno(), 0):
            self._hear()
        return guest.serial not in self._ends

    def status(self, guest: Guest) -> int:
        """Return the exit status of a guest, when it has ended.

        Raises:
            SandboxFailed: it does not end, or the warm process is gone.
        """
        while guest.serial not in self._ends:
            self._hear()
        return self._ends.pop(guest.serial)

    def close(self) -> None:
        """End the warm process and all that it started."""
        # Its reading end sees the close and ends; its namespace goes with it.
        self._control.close()
        for _, descriptor in self._spares:
            os.close(descriptor)
        if self._process is not None:
            _wait(self._process)
        os.close(self._log)
        self._claim.release()

    def _send(self, message: bytes) -> None:
        try:
            self._control.send(message)
        except OSError as error:
            raise self._failure(str(error)) from error

    def _hear(self) -> None:
        """Take a message: there is a further guest, or one has ended."""
        message, descriptors = self._receive()
        said = json.loads(message)
        if "status" in said:
            self._ends[said["guest"]] = said["status"]
        elif len(descriptors) == 1:
            self._spares.append((said["guest"], descriptors[0]))
        else:
            raise self._failure("no guest came")

    def _receive(self) -> tuple[bytes, list[int]]:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 4096, 1)
        except OSError as error:
            raise self._failure(str(error)) from error
        if not message:
            raise self._failure("the warm process ended")
        return message, descriptors

    def _failure(self, what: str) -> SandboxFailed:
        size = os.fstat(self._log).st_size
        said = os.pread(self._log, 4000, max(0, size - 4000)).decode(errors="replace")
        return SandboxFailed(f"{what}: {said.strip()}" if said.strip() else what)


def _setup(
    kind: str,
    uid: int | None,
    binds: GuestBinds,
    limits: GuestLimits,
    guards: Sequence[str],
    readable: list[str],
) -> Setup:
    return Setup(
        kind=kind,
        uid=uid,
        filter=guest_filter().hex(),
        readable=readable,
        preload=modules_to_preload(binds),
        cpu=limits.cpu,
        memory=limits.memory,
        scratch=limits.scratch,
        temporary=limits.temporary,
        threads=limits.threads,
        open_files=limits.open_files,
        guards=list(guards),
    )


def _poll(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(1e3 * seconds))


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
