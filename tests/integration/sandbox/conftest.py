"""A small lab, and warm sandboxes for it that the tests of this folder share."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shothub.sandbox.host import (
    Frame,
    GuestBinds,
    GuestEnd,
    GuestLimits,
    Layers,
    Zygote,
    probe,
)
from shothub.wire.guests import AnalyseOrder, CompileOrder, GlobalEntry
from shothub.wire.jobs import SourceFile

TABLE = """\
from labscript import AnalogOut, DigitalOut, start, stop
from labscript_devices.DummyPseudoclock.labscript_devices import DummyPseudoclock
from labscript_devices.DummyIntermediateDevice import DummyIntermediateDevice

DummyPseudoclock(name='pseudoclock')
DummyIntermediateDevice(name='board', parent_device=pseudoclock.clockline)
AnalogOut(name='coil', parent_device=board, connection='ao0')
DigitalOut(name='shutter', parent_device=board, connection='port0/line0')

if __name__ == '__main__':
    start()
    stop(1)
"""

LIBRARY = '''\
"""The lab's API."""


def ramp(t, channel, top):
    """Ramp a channel to ``top`` volts."""
    return t + channel.ramp(t=t, initial=0, final=top, duration=0.01, samplerate=1e3)


def refuse(value):
    raise ValueError(f"{value} is too much")
'''

EXPERIMENT = """\
from labscript import start, stop
import labscriptlib.connection_table
from labscriptlib.coils import ramp

start()
t = 0.1
shutter.go_high(t)
t = ramp(t, coil, top)
shutter.go_low(t)
stop(t + hold)
"""


@dataclass
class Outcome:
    """How a run ended and what it sent."""

    end: GuestEnd
    frames: list[Frame] = field(default_factory=list)

    def heads(self, kind: bytes) -> list[dict[str, Any]]:
        return [json.loads(frame.head) for frame in self.frames if frame.kind == kind]

    @property
    def faults(self) -> list[dict[str, Any]]:
        return self.heads(b"F")

    @property
    def fault(self) -> dict[str, Any]:
        (fault,) = self.faults
        return fault

    def arrays(self) -> dict[str, Any]:
        """Return path to array of the first shot's datasets that are no text."""
        found: dict[str, Any] = {}
        for frame in self.frames:
            head = json.loads(frame.head)
            if frame.kind == b"N" and head.get("value") and frame.body:
                value = head["value"]
                named = isinstance(value["dtype"], list)
                dtype = np.dtype(
                    [(n, d, tuple(s)) for n, d, s in value["dtype"]]
                    if named
                    else value["dtype"]
                )
                array = np.frombuffer(frame.body, dtype).reshape(value["shape"])
                found.setdefault(head["path"], array)
        return found

    def saved(self, name: str) -> Any:
        """Return the array of a routine."""
        (body,) = (
            frame.body
            for frame in self.frames
            if frame.kind == b"A" and json.loads(frame.head)["name"] == name
        )
        return np.load(io.BytesIO(body), allow_pickle=False)


Compile = Callable[..., Outcome]


@pytest.fixture(scope="session")
def layers() -> Layers:
    found = probe()
    if not found.sufficient:
        pytest.skip("; ".join(found.missing))
    return found


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> GuestBinds:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "labscriptlib").mkdir()
    (folder / "labscriptlib" / "coils.py").write_text(LIBRARY)
    (folder / "connection_table.py").write_text(TABLE)
    return GuestBinds(
        apparatus_name="testlab",
        labscriptlib=folder / "labscriptlib",
        connection_table=folder / "connection_table.py",
    )


@pytest.fixture(scope="session")
def compiler(layers: Layers, lab: GuestBinds) -> Iterator[Zygote]:
    with Zygote("compile", lab, GuestLimits(wall=15, cpu=10)) as zygote:
        yield zygote


@pytest.fixture(scope="session")
def hasty_compiler(layers: Layers, lab: GuestBinds) -> Iterator[Zygote]:
    limits = GuestLimits(wall=2, cpu=10, memory=400 << 20)
    with Zygote("compile", lab, limits) as zygote:
        yield zygote


@pytest.fixture(scope="session")
def analyst(layers: Layers, lab: GuestBinds) -> Iterator[Zygote]:
    with Zygote("analyse", lab, GuestLimits(wall=15, cpu=10)) as zygote:
        yield zygote


def entries(**globals_: str) -> dict[str, dict[str, GlobalEntry]]:
    """Return one group; ``a | b`` means expression a, expanded as b."""
    made = {}
    for name, text in globals_.items():
        expression, _, expansion = (part.strip() for part in text.partition("|"))
        made[name] = GlobalEntry(expression=expression, expansion=expansion)
    return {"main": made}


@pytest.fixture(scope="session")
def compile_in() -> Compile:
    def run(zygote: Zygote, script: str, **more: Any) -> Outcome:
        blobs = more.pop("blobs", ())
        more.setdefault("max_shots", 100)
        globals_ = more.pop("globals", {"top": "2", "hold": "0.5"})
        order = CompileOrder(
            script=SourceFile(name="my_experiment.py", text=script),
            globals=entries(**globals_),
            **more,
        )
        frames: list[Frame] = []
        return Outcome(zygote.run(order, blobs=blobs, sink=frames.append), frames)

    return run


@pytest.fixture(scope="session")
def compiled(compiler: Zygote, compile_in: Compile) -> Compile:
    """Compile in the shared sandbox, then show that the next job still runs."""

    def run(script: str = EXPERIMENT, **more: Any) -> Outcome:
        outcome = compile_in(compiler, script, **more)
        if not outcome.end.ok:
            after = compile_in(compiler, EXPERIMENT)
            assert after.end.ok, after
        return outcome

    return run


@pytest.fixture(scope="session")
def analysed(analyst: Zygote) -> Compile:
    def run(*routines: str, files: tuple[int, ...] = (), **more: Any) -> Outcome:
        sources = [
            SourceFile(name=f"routine_{n}.py", text=text)
            for n, text in enumerate(routines)
        ]
        order = AnalyseOrder(routines=sources, **more)
        frames: list[Frame] = []
        return Outcome(analyst.run(order, files=files, sink=frames.append), frames)

    return run


@pytest.fixture(scope="session")
def experiment() -> str:
    return EXPERIMENT


@pytest.fixture(scope="session")
def stock_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the userlib of the profile that labscript itself makes."""
    home = tmp_path_factory.mktemp("home")
    subprocess.run(
        [Path(sys.executable).with_name("labscript-profile-create")],
        env={"HOME": str(home), "LOGNAME": "/", "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    return home / "labscript-suite" / "userlib"
