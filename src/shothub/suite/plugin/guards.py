"""What stands between BLACS and those who give it shots: its queue, its clock, its port."""

import contextlib
import functools
import io
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import zmq
from zprocess.security import SecureSocket

from shothub.suite.plugin.machine import Listener, NothingToRun

GARBAGE = "(no path)"
_LONGEST_REQUEST = 64 * 1024
_LONGEST_FRAME = 1024 * 1024
_UNREADABLE = (OSError, KeyError, ValueError, RuntimeError)


@dataclass(frozen=True, kw_only=True)
class ShotFile:
    """What a guard looks at in a shot file.

    Attributes:
        run: whether it has data of a run.
        spoilt: whether a run of it failed while it was saved; BLACS cannot run it again.
        hubs: whether it is the file of a hub's shot, not a copy of one.
    """

    devices: frozenset[str]
    run: bool
    spoilt: bool
    hubs: bool

    @classmethod
    def read(cls, path: str) -> "ShotFile":
        with h5py.File(path, "r") as file:
            return cls(
                devices=frozenset(file.get("devices", ())),
                run="data" in file,
                spoilt="front_panel" in file and "data" not in file,
                hubs="job_id" in file.attrs and "run repeat" not in file.attrs,
            )


class QueueGuard:
    """Looks at each shot that goes into BLACS's queue or comes out of it.

    Args:
        queue: BLACS's queue manager.
        listener: has the hub's shots, and is told what happens to the operator's.
        harm: tells in words what a shot with these devices would do to BLACS.
        restarting: tells whether a device is being restarted.
    """

    def __init__(
        self,
        queue: Any,
        listener: Listener,
        *,
        harm: Callable[[frozenset[str]], str],
        restarting: Callable[[], bool],
    ) -> None:
        self._queue = queue
        self._listener = listener
        self._harm = harm
        self._restarting = restarting
        self._stock_next = queue.get_next_file
        self._stock_prepend = queue.prepend
        self._stock_request = queue.process_request

    def join(self) -> None:
        """Take the place of the queue manager's own methods."""
        self._queue.get_next_file = self.get_next_file
        self._queue.prepend = self.prepend
        self._queue.process_request = self.process_request

    def get_next_file(self) -> str:
        path = self._listener.next_shot()
        if path is not None:
            return path
        if self._restarting():
            raise NothingToRun
        path = str(self._stock_next())
        if why := self._unfit(path):
            self._listener.dropped(path, why)
            raise NothingToRun
        return path

    def prepend(self, path: str) -> None:
        error = sys.exc_info()[1]
        words = f"{type(error).__name__}: {error}" if error else ""
        if not self._listener.put_back(path, words):
            self._stock_prepend(path)

    def process_request(self, path: str) -> str:
        if path == GARBAGE:
            return "That is no path of a shot: nothing was added.\n"
        if self._listener.is_busy(path):
            return "This shot waits or runs at this moment: it was not added.\n"
        try:
            shot = ShotFile.read(path)
        except _UNREADABLE:
            return str(self._stock_request(path))  # It says what is wrong.
        if harm := self._harm(shot.devices):
            return f"{harm} It was not added.\n"
        if shot.spoilt or (shot.hubs and not shot.run):
            return self._add_copy(path)
        return str(self._stock_request(path))

    def _add_copy(self, path: str) -> str:
        """Leave the file alone: the hub will want to run it, or BLACS cannot."""
        fresh, number = self._queue.new_rep_name(path)
        while Path(fresh).exists():
            fresh, number = self._queue.new_rep_name(fresh)
        if not self._queue.clean_h5_file(path, fresh, repeat_number=number):
            return f"A copy of {path} could not be made: it was not added.\n"
        return str(self._stock_request(fresh))

    @staticmethod
    def _unfit(path: str) -> str:
        """Tell why BLACS could not run this shot; the thread of its queue would end."""
        try:
            shot = ShotFile.read(path)
        except _UNREADABLE as error:
            return f"Its file cannot be read any more: {error}"
        if shot.run or shot.spoilt:
            return "Its file has been run since it was added."
        return ""


def guard_clock(clock: Any, listener: Listener) -> None:
    """Have the pseudoclock started only when the listener has no objection."""
    stock_start = clock.start_run

    @functools.wraps(stock_start)
    def start_run(*args: object) -> object:
        listener.starting()
        return stock_start(*args)

    clock.start_run = start_run


def guard_port(server: Any) -> None:
    """Let BLACS's own port survive what is no path, and unpickle nothing but text.

    The stock server's thread ends with the first frame that it cannot unpickle, and what
    it can unpickle may run any code.
    """

    def recv() -> str:
        frames = server.sock.recv_multipart()
        return text_in(frames[0]) if len(frames) == 1 else GARBAGE

    server.recv = recv


def bound_frames(port: int) -> None:
    """Have ZMQ hang up on whoever sends a huge frame to this port, before it is read.

    It must come before the port is opened, so a BLACS of the lab's own cannot have it.
    """
    stock_bind = SecureSocket.bind

    @functools.wraps(stock_bind)
    def bind(socket: SecureSocket, address: str) -> object:
        if address.endswith(f":{port}"):
            socket.setsockopt(zmq.MAXMSGSIZE, _LONGEST_FRAME)
        return stock_bind(socket, address)

    SecureSocket.bind = bind


def text_in(frame: bytes) -> str:
    """Return the text that a frame is the pickle of, or GARBAGE."""
    if len(frame) > _LONGEST_REQUEST:
        return GARBAGE
    with contextlib.suppress(Exception):  # A pickle may raise anything.
        text = _TextOnly(io.BytesIO(frame)).load()
        if isinstance(text, str) and "\0" not in text:
            return text
    return GARBAGE


class _TextOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is no text")
