"""Runs orders in guests, one at a time, on a warm process that is renewed when needed."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from threading import Thread
from types import TracebackType
from typing import NamedTuple, Self

from pydantic import ValidationError

from shothub.runtime import clock
from shothub.sandbox.cgroups import Cgroup, find_parents, prepare, sweep
from shothub.sandbox.endings import reason_of, words_for
from shothub.sandbox.guests.confinement import ALL_GUARDS
from shothub.sandbox.limits import Frame, GuestBinds, GuestEnd, GuestKind, GuestLimits
from shothub.sandbox.pump import Pump, kill
from shothub.sandbox.warm_process import Guest, SandboxFailed, WarmProcess
from shothub.wire.guests import AnalyseOrder, CompileOrder, EndHead

_log = logging.getLogger(__name__)

Sink = Callable[[Frame], None]

_PIPE = 1 << 20
"""Bytes that a guest may be ahead of its host."""

_SPARE_BYTES = 256 << 20
"""Memory beyond a run's own that its control group has room for: its tmpfs pages."""


class Ready(NamedTuple):
    """A guest that waits for its order, and where it comes from."""

    warm: WarmProcess
    guest: Guest
    group: Cgroup

    def discard(self) -> None:
        """End the guest, which has had no order."""
        self.guest.end()
        self.guest.close()
        self.group.close()


class Zygote:
    """A sandbox that is ready: each run takes a fork of a process that imported all.

    Runs are one after another; callers of several threads wait for each other. Several
    zygotes run side by side.

    Args:
        kind: which guest.
        binds: what guests may read.
        limits: what a run may use.
        guards: layers in force; tests leave some out to show that they are needed.
    """

    def __init__(
        self,
        kind: GuestKind,
        binds: GuestBinds,
        limits: GuestLimits,
        *,
        guards: Sequence[str] = ALL_GUARDS,
    ) -> None:
        self._kind: str = kind
        self._binds, self._limits, self._guards = binds, limits, tuple(guards)
        self._lock = threading.Lock()
        self._running_lock = threading.Lock()
        self._running: Guest | None = None
        self._warm: WarmProcess | None = None
        self._ready: Ready | None = None
        self._parents = find_parents()
        self._runs = 0
        self._amid = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Import everything, about one second; without it the first run does.

        Raises:
            SandboxFailed: the warm process did not come up.
            NoBubblewrap: bwrap is not installed.
        """
        with self._lock:
            warm = self._warmed()
            self._ready = self._ready or self._fetched(warm)

    def cancel(self) -> None:
        """End the run in progress, if there is one; its caller gets ``killed``."""
        with self._running_lock:
            if self._running is not None:
                kill(self._running.pidfd)

    def close(self) -> None:
        """End the run in progress, if there is one, and the warm process."""
        self.cancel()
        with self._lock:
            self._drop()

    def run(
        self,
        order: CompileOrder | AnalyseOrder,
        *,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Sink,
    ) -> GuestEnd:
        """Run an order and hand its frames to ``sink`` as they come.

        Args:
            order: what to do.
            blobs: contents that the order speaks of, e.g. of the globals file.
            files: open descriptors of files that the guest may read.
            sink: called with every frame, the last one included, in this thread; what
                it raises ends the run and comes out here.
        """
        return self.run_text(
            order.model_dump_json().encode(),
            seed=order.seed,
            blobs=blobs,
            files=files,
            sink=sink,
        )

    def run_text(
        self,
        order: bytes,
        *,
        seed: int = 0,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Sink,
    ) -> GuestEnd:
        """Run an order that is already text; see ``run``."""
        with self._lock:
            try:
                return self._run(order, seed, blobs, files, sink)
            finally:
                Thread(target=self._stock, name="next guest", daemon=True).start()

    def _run(
        self,
        order: bytes,
        seed: int,
        blobs: Sequence[bytes],
        files: Sequence[int],
        sink: Sink,
    ) -> GuestEnd:
        begun = clock.monotonic()
        try:
            pump, reason = self._attempt(order, seed, blobs, files, sink)
        except SandboxFailed as error:
            # What it says is for the lab: it has paths and lines of ours.
            _log.error("the sandbox failed: %s", error)
            self._drop()
            return self._end("sandbox_failed", "", begun)
        except BaseException:
            # What the sink raised leaves the warm process as good as it was.
            if self._amid:
                self._drop()
            raise
        return self._end(reason, pump.detail, begun, pump)

    def _stock(self) -> None:
        """Have the next guest ready before its order comes."""
        with self._lock:
            used_up = self._runs >= self._limits.runs
            if self._warm is None or self._ready is not None or used_up:
                return
            try:
                self._ready = self._fetched(self._warm)
            except SandboxFailed as error:
                _log.warning("the next guest did not come: %s", error)
                self._drop()

    def _attempt(
        self,
        order: bytes,
        seed: int,
        blobs: Sequence[bytes],
        files: Sequence[int],
        sink: Sink,
    ) -> tuple[Pump, str]:
        with ExitStack() as stack:
            warm, guest, group = self._next()
            stack.callback(group.close)
            stack.callback(guest.close)
            self._mark(guest)
            stack.callback(self._mark, None)
            frames, their_frames = _pipe(stack)
            output, their_output = _pipe(stack)
            contents = [_memory_file(blob, stack) for blob in (order, *blobs)]
            theirs = [their_frames, their_output]
            try:
                guest.give(seed=seed, descriptors=[*theirs, *contents, *files])
                warm.ask()
            finally:
                for descriptor in theirs:
                    os.close(descriptor)
            pump = Pump(self._limits, frames=frames, output=output, sink=sink)
            try:
                pump.run(guest.pidfd)
            finally:
                status = warm.status(guest)
                self._amid = False
            return pump, pump.reason or reason_of(
                status,
                ended=_last_word(pump) is not None,
                out_of_memory=group.out_of_memory(),
            )

    def _next(self) -> "Ready":
        """Take the guest that waits; if the warm process died meanwhile, from a new one."""
        warm = self._warmed()
        self._amid = True
        self._runs += 1
        try:
            self._ready = self._ready or self._fetched(warm)
            if warm.waits(self._ready.guest):
                ready, self._ready = self._ready, None
                return ready
            _log.warning("the guest that waited is gone")
        except SandboxFailed as error:
            _log.warning("the warm process is started again: %s", error)
        self._drop()
        return self._fetched(self._warmed())

    def _fetched(self, warm: WarmProcess) -> "Ready":
        """Return a guest that waits for its order, in a control group of its own."""
        guest = warm.next_guest()
        group = Cgroup(self._parents, str(guest.process))
        ready = Ready(warm, guest, group)
        try:
            self._bound(group, guest)
        except BaseException:
            ready.discard()
            raise
        return ready

    def _mark(self, guest: Guest | None) -> None:
        with self._running_lock:
            self._running = guest

    def _bound(self, group: Cgroup, guest: Guest) -> None:
        try:
            memory = self._limits.memory + self._limits.scratch + _SPARE_BYTES
            group.make(memory=memory, processes=self._limits.threads)
            group.add(guest.process)
        except OSError as error:
            raise SandboxFailed(
                f"the control group could not be used: {error}"
            ) from error

    def _warmed(self) -> WarmProcess:
        if self._runs >= self._limits.runs:
            self._drop()
        if self._warm is None:
            prepare(self._parents)
            sweep(self._parents)
            self._warm = WarmProcess(
                self._kind, self._binds, self._limits, self._guards
            )
            self._runs = 0
        return self._warm

    def _drop(self) -> None:
        if self._ready is not None:
            self._ready.discard()
            self._ready = None
        if self._warm is not None:
            self._warm.close()
            self._warm = None
        self._runs = 0

    def _end(
        self, reason: str, detail: str, begun: float, pump: Pump | None = None
    ) -> GuestEnd:
        last = _last_word(pump) if pump else None
        words = words_for(reason, self._limits)
        return GuestEnd(
            ok=not reason and last is not None and last.ok,
            reason=reason,
            detail=f"{words} {detail}".strip(),
            output=pump.output if pump else "",
            seconds=clock.monotonic() - begun,
        )


def _last_word(pump: Pump) -> EndHead | None:
    if pump.last is None or pump.last.kind != b"E":
        return None
    try:
        return EndHead.model_validate_json(pump.last.head)
    except ValidationError:
        return None


def _pipe(stack: ExitStack) -> tuple[int, int]:
    reading, writing = os.pipe()
    stack.callback(os.close, reading)
    with suppress(PermissionError):  # beyond what the kernel lets this user have
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
    return reading, writing


def _memory_file(content: bytes, stack: ExitStack) -> int:
    descriptor = os.memfd_create("order")
    stack.callback(os.close, descriptor)
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
