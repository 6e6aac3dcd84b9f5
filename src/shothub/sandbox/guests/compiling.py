"""The guest that compiles: a labscript and globals become the frames of each shot."""

import math
import os
import re
import shutil
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import labscript
import numpy as np
import runmanager
from labscript.compiler import compiler

from shothub.domain.faults import Fault
from shothub.runtime import clock
from shothub.sandbox.guests.channel import Channel
from shothub.sandbox.guests.confinement import SCRATCH
from shothub.sandbox.guests.dumping import dump
from shothub.sandbox.guests.expanding import Groups, Shots, as_groups, expand, merge
from shothub.sandbox.guests.faulty import Refused, fault_of, print_own_traceback
from shothub.sandbox.guests.globals_files import read_globals_file
from shothub.sandbox.guests.lab_modules import forget_lab_modules
from shothub.sandbox.guests.preloading import import_all
from shothub.sandbox.guests.quicker import make_labscript_quicker
from shothub.wire.guests import CompileOrder, GlobalEntry
from shothub.wire.jobs import SourceFile

JOB = Path(SCRATCH, "job")
SHOTS = Path(SCRATCH, "shots")
_TOO_EARLY = "prior to calling start()"

_REHEARSAL = """
from labscript import AnalogOut, DigitalOut, start, stop
from labscript_devices.DummyIntermediateDevice import DummyIntermediateDevice
from labscript_devices.DummyPseudoclock.labscript_devices import DummyPseudoclock
DummyPseudoclock(name='clock')
DummyIntermediateDevice(name='card', parent_device=clock.clockline)
AnalogOut(name='analog', parent_device=card, connection='ao0')
DigitalOut(name='digital', parent_device=card, connection='do0')
start()
digital.go_high(0)
analog.ramp(t=0.1, duration=0.5, initial=0, final=x, samplerate=1e3)
analog.constant(0.8, 0)
digital.go_low(0.8)
stop(1)
"""


def prepare(preload: list[str]) -> None:
    """Import what jobs need and compile once, which loads what loads late."""
    make_labscript_quicker()
    import_all(preload)
    rehearse()


def rehearse() -> None:
    """Compile two shots of an experiment of stock devices, for nobody."""
    null = os.open(os.devnull, os.O_WRONLY)
    order = CompileOrder(
        script=SourceFile(name="rehearsal.py", text=_REHEARSAL),
        globals={"g": {"x": GlobalEntry(expression="[1, 2]", expansion="outer")}},
        max_shots=2,
    )
    if not run(order.model_dump_json().encode(), [], Channel(null)):
        raise RuntimeError("the suite cannot compile a small experiment")
    os.close(null)
    os.chdir(SCRATCH)
    for folder in (JOB, SHOTS):
        shutil.rmtree(folder)


def run(text: bytes, files: list[int], channel: Channel) -> bool:
    """Carry out a CompileOrder; return whether all shots were made."""
    order = CompileOrder.model_validate_json(text)
    try:
        _compile_all(order, files, channel)
    except Refused as refusal:
        for fault in refusal.faults:
            channel.send(b"F", _as_head(fault))
        return False
    return True


def _as_head(fault: Fault) -> dict[str, object]:
    return {
        "code": fault.code,
        "detail": fault.detail,
        "where": fault.where,
        "hint": fault.hint,
    }


def _compile_all(order: CompileOrder, files: list[int], channel: Channel) -> None:
    script = JOB / order.script.name
    JOB.mkdir(exist_ok=True)
    script.write_text(order.script.text)
    os.chdir(JOB)
    code = _parsed(order.script.text, str(script))
    groups, shuffle = _globals_of(order, files)
    shots = _expanded(groups, shuffle, order.max_shots, str(script))
    units = {n: e[1] for members in groups.values() for n, e in members.items() if e[1]}
    attributes = _sequence_attributes(script.stem)
    for index, values in enumerate(shots):
        path = SHOTS / f"{script.stem}_{index}.h5"
        _make_run_file(path, groups, values, attributes, (index, len(shots)))
        _compile(code, script, path, groups)
        head = {"index": index, "count": len(shots), "units": units}
        channel.send(b"S", head | {"globals": {n: plain(v) for n, v in values.items()}})
        dump(str(path), path.name, channel)
        path.unlink()


def _parsed(text: str, path: str) -> CodeType:
    try:
        return compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused(fault_of(error, [path], code="syntax_error")) from error


def _globals_of(order: CompileOrder, files: list[int]) -> tuple[Groups, list[str]]:
    given, shuffle = as_groups(order.globals), list(order.shuffle)
    if not order.globals_file:
        return given, shuffle
    with os.fdopen(files[0], "rb") as file:
        base, more = read_globals_file(order.globals_file, file.read())
    return merge(base, given), shuffle + more


def _expanded(groups: Groups, shuffle: list[str], max_shots: int, script: str) -> Shots:
    try:
        return expand(groups, shuffle=shuffle, max_shots=max_shots)
    except Refused:
        raise
    except BaseException as error:  # the expressions are user's code: anything may come
        raise Refused(fault_of(error, [script], code="bad_globals")) from error


def _sequence_attributes(basename: str) -> dict[str, object]:
    now = clock.now()
    return {
        "script_basename": basename,
        "sequence_date": f"{now:%Y-%m-%d}",
        "sequence_index": 0,
        "sequence_id": f"{now:%Y%m%dT%H%M%S}_{basename}",
    }


def _make_run_file(
    path: Path,
    groups: Groups,
    values: dict[str, Any],
    attributes: dict[str, object],
    place: tuple[int, int],
) -> None:
    try:
        runmanager.make_single_run_file(str(path), groups, values, attributes, *place)
    except (ValueError, TypeError, OSError) as error:
        name = re.match(r"Global (\S+) cannot be saved", str(error))
        where = _where(groups, name[1]) if name else "globals"
        raise Refused(
            Fault(code="bad_global_value", detail=str(error)[:500], where=where)
        ) from error


def _compile(code: CodeType, script: Path, shot: Path, groups: Groups) -> None:
    """Make one shot as runmanager's batch compiler does, in a module of its own."""
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__file__ = str(script)
    try:
        _initialise(shot, script, groups)
        exec(code, module.__dict__)  # noqa: S102  (what this guest is for)
        _refuse_unfinished(script)
    except Refused:
        raise
    except BaseException as error:  # user's code may raise anything, SystemExit too
        raise _refusal(error, str(script)) from error
    finally:
        labscript.labscript_cleanup()
        forget_lab_modules()


def _initialise(shot: Path, script: Path, groups: Groups) -> None:
    try:
        labscript.labscript_init(str(shot), labscript_file=str(script))
        # The file lives for milliseconds: compressing it would be for nothing.
        compiler.compression = None
    except labscript.LabscriptError as error:
        name = re.search(r"'([^']*)' is ", str(error))
        where = _where(groups, name[1]) if name else "globals"
        text = str(error).split(".h5.", 1)[-1].strip()
        raise Refused(
            Fault(code="bad_global_name", detail=text[:500], where=where)
        ) from error


def _refuse_unfinished(script: Path) -> None:
    if "target_cycle_time" not in compiler.shot_properties:
        raise Refused(
            Fault(
                code="no_stop",
                detail="The script never called stop(t), so there is nothing to run.",
                where=script.name,
                hint="end it with stop(t), t being the duration of the shot in seconds",
            )
        )


def _refusal(error: BaseException, script: str) -> Refused:
    print_own_traceback(error, [script])
    fault = fault_of(error, [script], code="compile_error")
    if not compiler.start_called and (_was_in_stop(error) or _TOO_EARLY in str(error)):
        hint = (
            "call start() after the connection table and before the first instruction"
        )
        text = "The script gives instructions without having called start()."
        fault = Fault(code="no_start", detail=text, where=fault.where, hint=hint)
    return Refused(fault)


def _was_in_stop(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None:
        function = trace.tb_frame.f_code
        if (
            function.co_name == "stop"
            and function.co_filename == labscript.labscript.__file__
        ):
            return True
        trace = trace.tb_next
    return False


def _where(groups: Groups, name: str) -> str:
    home = [group for group, members in groups.items() if name in members]
    return f"{home[0]}.{name}" if home else name


def plain(value: Any) -> object:
    """Return a value of the globals as JSON knows it; what JSON lacks becomes text."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else repr(value)
