"""The guest that analyses: stock lyse routines on a shot, or on the shots of a job."""

import errno
import os
import shutil
import signal
import sys
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import lyse
import lyse.utils.worker
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from shothub.sandbox.guests.channel import Channel
from shothub.sandbox.guests.faulty import fault_of, own_lines, without_folders
from shothub.sandbox.guests.figures import take_figures
from shothub.sandbox.guests.frames_of_data import data_function, dataframe
from shothub.sandbox.guests.preloading import import_all
from shothub.sandbox.guests.saved import Values, plain, saved_arrays, saved_values
from shothub.wire.guests import AnalyseOrder
from shothub.wire.jobs import SourceFile

ROUTINES = Path("/scratch/routines")
SHOTS = Path("/scratch/shots")
SEQUENCE_FILE = SHOTS / "sequence_results.h5"
_OF_FILE = lyse.data

Updates = Mapping[str, Mapping[tuple[str, str], object]]
"""Shot file to group and name of the result to value, as lyse keeps it."""


class TooSlow(Exception):
    """The routine took longer than it may."""


def prepare(preload: list[str]) -> None:
    """Import what routines need and draw once, which loads fonts and the like."""
    import_all(["scipy.optimize", "lmfit", *preload])
    rehearse()


def rehearse() -> None:
    """Draw a figure and fit a line, for nobody."""
    figure, (left, right) = plt.subplots(1, 2, num="rehearsal", layout="constrained")
    drawn = left.imshow(np.eye(20), cmap="magma")
    figure.colorbar(drawn, label="ordinate (mm)")
    right.plot([0, 1], label="title")
    right.set(xlabel="abscissa", ylabel="ordinate")
    right.legend()
    for _ in take_figures():
        pass
    least_squares(lambda p: p - 1, [0.0], bounds=([-2], [2]))


def run(text: bytes, files: list[int], channel: Channel) -> bool:
    """Carry out an AnalyseOrder; a routine that fails does not stop the next."""
    order = AnalyseOrder.model_validate_json(text)
    ROUTINES.mkdir()
    SHOTS.mkdir()
    paths = _copies(order.shots, files)
    single = order.mode == "single"
    frame = pd.DataFrame() if single else dataframe(order.rows, paths)
    # pyplot warns that nothing can be shown; showing is what the host does.
    plt.show = lambda *_args, **_options: None
    lyse.data = data_function(frame, _OF_FILE)
    target = paths[0] if single else str(SEQUENCE_FILE)
    for routine in order.routines:
        _one(routine, target, order.routine_seconds, channel)
        channel.flush()
    return True


def _copies(names: Sequence[str], descriptors: Sequence[int]) -> list[str]:
    """Copy the shots here while there is room; rows name all of them all the same."""
    paths = [SHOTS / Path(name).name for name in names]
    for place, (path, descriptor) in enumerate(zip(paths, descriptors, strict=True)):
        try:
            with os.fdopen(descriptor, "rb") as source, path.open("xb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            path.unlink()
            sys.stderr.write(f"only {place} of {len(paths)} shot files fit in here\n")
            break
    return [str(path) for path in paths]


def _one(routine: SourceFile, target: str, seconds: float, channel: Channel) -> None:
    script = ROUTINES / routine.name
    script.write_text(routine.text)
    before = _saved(target)
    failed, trace = _execute(script, target, seconds)
    after = _saved(target)
    head = {"routine": script.stem, "failed": failed, "traceback": trace}
    channel.send(b"R", head | {"values": after.pop(script.stem, {})})
    for group, values in after.items():
        if values != before.get(group):
            channel.send(b"R", {"routine": group, "values": values})
    if Path(target).exists():
        for name, body in saved_arrays(target, script.stem):
            channel.send(b"A", {"routine": script.stem, "name": name}, body)
    for name, body in take_figures():
        channel.send(b"P", {"routine": script.stem, "name": name}, body)


def _saved(target: str) -> dict[str, Values]:
    """Return what is in the file; in a multi-shot run also what was saved on shots."""
    found = saved_values(target) if Path(target).exists() else {}
    shots: Updates = vars(lyse.utils.worker)["_updated_data"]
    for path, updates in shots.items():
        if path != target:
            for (group, name), value in updates.items():
                found.setdefault(group, {})[f"{Path(path).stem}/{name}"] = plain(value)
    return found


def _execute(script: Path, target: str, seconds: float) -> tuple[str, str]:
    """Run a routine as lyse does; return what went wrong and where, or nothing."""
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = str(script)
    lyse.utils.worker.path = target
    lyse.utils.worker.spinning_top = True
    vars(lyse.utils.worker)["_updated_data"] = {}
    os.chdir(script.parent)
    try:
        with _at_most(seconds), warnings.catch_warnings():
            code = compile(script.read_text(), str(script), "exec", dont_inherit=True)
            exec(code, module.__dict__)  # noqa: S102  (what this guest is for)
    except BaseException as error:  # noqa: BLE001  (a routine may raise anything)
        return _told(error, script)
    return "", ""


def _told(error: BaseException, script: Path) -> tuple[str, str]:
    fault = fault_of(error, [str(script)], code="routine_failed")
    lines = [
        f"{Path(line.filename).name}:{line.lineno} in {line.name}: {line.line}"
        for line in own_lines(error.__traceback__, [str(script)])
    ]
    hint = f" ({fault.hint})" if fault.hint and not lines else ""
    text = without_folders("\n".join(lines), [str(script)]) or fault.where
    return fault.detail + hint, text


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def end(_number: int, _frame: object) -> None:
        raise TooSlow(f"it took longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
