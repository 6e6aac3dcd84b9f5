"""A lab with dummy devices for the stock BLACS, and an ear for what the plugin says."""

import configparser
import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from queue import Empty, Queue
from typing import TypeVar

import zmq
from tests.fakes.blacs_operator import Operator
from tests.fakes.fake_plugin import FakeBlacs, FakePlugin

from shothub.runtime.clock import monotonic
from shothub.suite.channel import PluginChannel
from shothub.suite.connection_table import compile_connection_table
from shothub.suite.profile import (
    compiled_table,
    labconfig_file,
    make_profile,
    suite_environment,
)
from shothub.wire.plugin import Offer, Report, State

DEVICES = Path(__file__).parent / "devices"
PATIENCE = 60.0

TABLE = """\
from labscript import AnalogOut, DigitalOut, start, stop
from labscript_devices.DummyIntermediateDevice import DummyIntermediateDevice
from labscript_devices.DummyPseudoclock.labscript_devices import DummyPseudoclock
from user_devices.moody.labscript_devices import MoodyDevice

DummyPseudoclock(name="clock", BLACS_connection="clock")
DummyIntermediateDevice(
    name="outputs", parent_device=clock.clockline, BLACS_connection="outputs"
)
DigitalOut(name="shutter", parent_device=outputs, connection="do0")
AnalogOut(name="coil", parent_device=outputs, connection="ao0")
MoodyDevice(name="moody", mood_file={mood!r})
"""
SHOT = """\
start()
coil.ramp(0.0, duration={seconds} / 2, initial=0.0, final=1.0, samplerate=1e3)
shutter.go_high({seconds} / 2)
stop({seconds})
"""
COMPILER = """\
import sys, os
import labscript_utils.h5_lock, h5py, labscript
for argument in sys.argv[1:]:
    script, shot = argument.split("|")
    with h5py.File(shot, "w") as file:
        file.create_group("globals")
        file.attrs["sequence_id"] = "test"
    labscript.labscript_init(shot, labscript_file=script)
    exec(compile(open(script).read(), script, "exec"), {"__name__": "__main__"})
    labscript.labscript_cleanup()
"""

# BLACS as a lab starts it; but PySide6 lacks two names that PyQt has and BLACS logs, and
# the suite's servers are to end with it.
STOCK_BLACS = """\
import runpy
from qtutils.qt import QtCore
QtCore.PYQT_VERSION_STR = QtCore.QT_VERSION_STR = "0"
import zprocess.zlog
from labscript_utils.labconfig import LabConfig
from pathlib import Path
from shothub.suite.servers import SuiteServers
ports = {name: LabConfig().getint("ports", name) for name in ("zlock", "zlog")}
SuiteServers(**ports, logs=Path(LabConfig().get("DEFAULT", "app_saved_configs"))).start()
zprocess.zlog.DEFAULT_PORT = ports["zlog"]
runpy.run_module("blacs", run_name="__main__", alter_sys=True)
"""

R = TypeVar("R", bound=Report)


class Lab:
    """A state folder with a profile, a compiled table and shots compiled natively."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.shots = folder / "shots"
        self.mood = folder / "mood"
        self.devices = [DEVICES / "moody", DEVICES / "hand"]
        self._count = count()
        folder.mkdir(exist_ok=True)
        self.mood.write_text("")
        self.table = folder / "connection_table.py"
        text = TABLE.format(mood=str(self.mood))
        self.table.write_text(f"{text}start()\nstop(1)\n")
        home = self.state / "profile"
        make_profile(
            home,
            apparatus_name="test",
            connection_table=self.table,
            shots=self.shots,
            user_devices=self.devices,
        )
        self.environment = suite_environment(home, offscreen=True)
        fault = compile_connection_table(
            self.table, compiled_table(self.state), self.environment
        )
        assert fault is None, fault
        self._compile(text, {"0.2": 0.2, "1": 1.0, "30": 30.0})

    def shot(self, seconds: str = "0.2") -> str:
        """Return the path of a fresh shot of this length."""
        fresh = self.shots / f"shot_{next(self._count)}.h5"
        shutil.copy(self.folder / f"shot_{seconds}.h5", fresh)
        return str(fresh)

    def submit(self, path: str) -> str:
        """Give BLACS a shot as stock runmanager does; return BLACS's answer."""
        answer = self.send(pickle.dumps(path))
        assert answer is not None, "BLACS does not answer"
        return answer

    def send(self, *frames: bytes, seconds: float = 10.0) -> str | None:
        """Send frames to BLACS's own port; return its answer, None if there is none."""
        with zmq.Context() as context, context.socket(zmq.REQ) as socket:
            socket.linger = 0
            socket.connect(f"tcp://127.0.0.1:{self.port}")
            socket.send_multipart(frames)
            if not socket.poll(int(1000 * seconds)):
                return None
            return str(pickle.loads(socket.recv()))  # noqa: S301 (BLACS's own)

    def worker(self) -> int:
        """Return the process id of the moody device's worker."""
        return int(self.mood.with_suffix(".pid").read_text())

    def done_by_device(self) -> Counter[str]:
        """Return how often the moody device took each step of each shot."""
        lines = self.mood.with_suffix(".log").read_text().splitlines()
        return Counter(lines)

    @property
    def operator(self) -> Operator:
        """The person in front of BLACS."""
        return Operator(self.mood.with_suffix(".hand"))

    @property
    def port(self) -> int:
        """BLACS's own port."""
        config = configparser.RawConfigParser()
        config.read(labconfig_file(self.state / "profile"))
        return int(config["ports"]["BLACS"])

    def _compile(self, table: str, lengths: dict[str, float]) -> None:
        arguments = []
        for name, seconds in lengths.items():
            script = self.folder / f"shot_{name}.py"
            script.write_text(table + SHOT.format(seconds=seconds))
            arguments.append(f"{script}|{script.with_suffix('.h5')}")
        subprocess.run(
            [sys.executable, "-c", COMPILER, *arguments],
            env=self.environment | {"READTHEDOCS": "1"},
            check=True,
        )


class PlainBlacs:
    """The stock BLACS as a lab starts it, without anything of shothub's in it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.operator = lab.operator
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "PlainBlacs":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until its window is open."""
        self._lab.mood.with_suffix(".hand").unlink(missing_ok=True)
        self._spawn()
        self.operator.wait("BLACS's window", self._is_open)

    def _is_open(self) -> bool:
        # With HDF5's lock BLACS can lose its settings to a worker of its own that it is
        # just forking, and ends; whoever sits there starts it again.
        if self._process is None or self._process.poll() is not None:
            self._spawn()
        return self.operator.is_there()

    def _spawn(self) -> None:
        with (self._lab.folder / "plain.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", STOCK_BLACS],
                env=self._lab.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def close(self) -> None:
        """Close its window and wait until it has ended."""
        self.operator.do("app.ui.close()")
        if self._process:
            self._process.wait(30)
        self.kill()

    def kill(self) -> None:
        """Kill it and its workers."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class FakeLab:
    """The same without BLACS: shots are empty files, and a fake runs them."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.mood = folder / "mood"
        self.mood.write_text("")
        self._folder = folder
        self._count = count()
        self.blacs = FakeBlacs(duration=self._seconds, mood=self.mood.read_text)
        self._plugin = FakePlugin(self.state, self.blacs)

    def __enter__(self) -> "FakeLab":
        self._plugin.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._plugin.crash()

    def shot(self, seconds: str = "0.2") -> str:
        """Return the path of a fresh shot of this length."""
        fresh = self._folder / f"shot_{next(self._count)}_{seconds}s.h5"
        fresh.touch()
        return str(fresh)

    def submit(self, path: str) -> str:
        """Give the fake a shot as the operator does."""
        return self.blacs.submit(path)

    @staticmethod
    def _seconds(path: str) -> float:
        return float(Path(path).stem.rpartition("_")[2].removesuffix("s"))


AnyLab = Lab | FakeLab


class Ear:
    """An agent's end of the channel that keeps all reports until a test asks."""

    attempts = count(1)

    def __init__(self, state: Path) -> None:
        self._reports: Queue[Report] = Queue()
        self.heard: list[Report] = []
        self.channel = PluginChannel(state, self._reports.put)
        self.channel.start()

    def wait(self, kind: type[R], until: Callable[[R], bool] = lambda _: True) -> R:
        """Return the next report of this kind, skipping others."""
        deadline = monotonic() + PATIENCE
        while True:
            try:
                report = self._reports.get(timeout=max(deadline - monotonic(), 0.0))
            except Empty:
                heard = "\n".join(map(repr, self.heard[-12:]))
                raise AssertionError(f"no {kind.__name__} after\n{heard}") from None
            self.heard.append(report)
            if isinstance(report, kind) and until(report):
                return report

    def state(self, blacs: str) -> State:
        """Wait until BLACS is in this state."""
        return self.wait(State, lambda state: state.blacs == blacs)

    def offer(self, path: str, seconds: float = 1.0) -> int:
        """Offer a shot; return the attempt's id."""
        attempt = next(self.attempts)
        self.channel.send(Offer(attempt=attempt, path=path, seconds=seconds))
        return attempt

    def drain(self) -> None:
        """Forget what was said until now."""
        with contextlib.suppress(Empty):
            while True:
                self.heard.append(self._reports.get_nowait())

    def close(self) -> None:
        self.channel.close()


def kill(pid: int) -> None:
    """End one process as the kernel does when memory is short."""
    os.kill(pid, signal.SIGKILL)
