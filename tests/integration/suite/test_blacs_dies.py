"""What ends parts of the stock BLACS: its queue's thread, its port's, a device's tab."""

import pickle
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.suite_lab import Ear, Lab

from shothub.domain.states import Outcome
from shothub.suite.blacs import StockBlacs
from shothub.wire.plugin import Begun, Ended, Local, State, Taken


class Code:
    """Runs a program where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (exec, (f"open({str(self._file)!r}, 'w').close()",))


def works(ear: Ear, lab: Lab) -> None:
    attempt = ear.offer(lab.shot())
    ended = ear.wait(Ended, lambda report: report.attempt == attempt)
    assert ended.outcome is Outcome.DONE, ended


def boots(ear: Ear) -> list[str]:
    heard = [report.boot for report in ear.heard if isinstance(report, State)]
    return list(dict.fromkeys(heard))


# The thread of the queue.

REVIVAL = "app.plugins['shothub']._station.revival"


@pytest.fixture
def first_time(lab: Lab, ear: Ear) -> None:
    assert ear.channel.connected
    lab.operator.do(f"{REVIVAL}.earlier.clear()")


@pytest.mark.usefixtures("first_time")
def test_a_dead_queue_is_told_and_blacs_starts_anew(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    """Deleting the file of a running shot ends the thread of the stock queue.

    BLACS starts anew only with evidence on disk of how the shot in flight ended.
    """
    (old,), pid = boots(ear), blacs.pid
    path = lab.shot("1")
    attempt = ear.offer(path)
    ear.wait(Begun)
    waiting = lab.shot()
    lab.submit(waiting)
    ledger = "app.plugins['shothub']._station._desk._ledger"
    lab.operator.do(f"setattr({ledger}, '_good', -1)")
    Path(path).unlink()
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.FAILED)
    assert "thread of BLACS's queue has ended" in ended.reason
    assert Path(path).name in ended.reason
    ear.wait(State, lambda state: state.blacs == "error")
    lab.operator.wait("the thread ends", lambda: not lab.operator.sees()["alive"])
    assert lab.operator.do("app.exiting") is False
    lab.operator.do(f"setattr({ledger}, '_good', {ledger}._name.stat().st_size)")
    told = ear.wait(Local)
    assert (told.name, told.what) == (waiting, "failed")
    assert "submit it again" in told.detail
    assert ear.wait(State, lambda state: state.boot != old).blacs == "idle"
    assert (blacs.running, blacs.pid) == (True, pid)
    works(ear, lab)
    assert [type(r) for r in ear.heard if getattr(r, "attempt", 0) == attempt].count(
        Taken
    ) == 1


def test_blacs_starts_anew_also_when_it_crashes_in_closing(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    """As HDF5 does, in the process of BLACS, over a file that a full disk has spoilt."""
    (old,), pid = boots(ear), blacs.pid
    crash = "__import__('ctypes').string_at(0)"
    lab.operator.do(f"setattr(app, 'on_save_exit', lambda: {crash})")
    lab.operator.restart_blacs()
    ear.wait(State, lambda state: state.boot != old and state.blacs == "idle")
    assert (blacs.running, blacs.pid) == (True, pid)
    works(ear, lab)


@pytest.mark.usefixtures("first_time")
def test_the_operators_pause_outlives_a_new_start(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    """Here the queue's thread ends without a shot, as it shows that it pauses."""
    (old,) = boots(ear)
    lab.operator.do("setattr(app.queue, 'set_status', None)")
    lab.operator.pause(on=True)
    error = ear.wait(State, lambda state: state.blacs == "error")
    assert "thread of BLACS's queue has ended by an error (TypeError" in error.message
    assert "started anew" in error.message
    reborn = ear.wait(State, lambda state: state.boot != old)
    assert (reborn.blacs, blacs.running) == ("paused", True)
    assert "operator paused BLACS before it was last started" in reborn.message
    lab.operator.pause(on=False)
    works(ear, lab)


def test_a_queue_that_dies_again_and_again_is_left_to_a_person(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    lab.operator.do(f"{REVIVAL}.earlier.extend([{REVIVAL}._now()] * 3)")
    path = lab.shot("1")
    ear.offer(path)
    ear.wait(Begun)
    Path(path).unlink()
    assert ear.wait(Ended).outcome is Outcome.FAILED
    error = ear.state("error")
    assert "a person must look at it first" in error.message
    ear.offer(lab.shot())
    ear.wait(State, lambda state: state.offered is not None)
    lab.operator.wait("it stays dead", lambda: not lab.operator.sees()["alive"])
    assert not lab.operator.do("app.exiting")
    blacs.stop()


# BLACS's own port.


GARBAGE = {
    "bytes": [b"garbage"],
    "empty": [b""],
    "torn": [pickle.dumps("a path")[:-4]],
    "list": [pickle.dumps(["no", "path"])],
    "nul": [pickle.dumps("/a\0b.h5")],
    "long": [pickle.dumps("x" * 100_000)],
    "nearly huge": [b"x" * 1_000_000],
    "two": [pickle.dumps("/two.h5"), pickle.dumps("/frames.h5")],
}


def test_a_frame_that_is_no_path_is_answered_and_the_port_lives(
    ear: Ear, lab: Lab
) -> None:
    for name, frames in GARBAGE.items():
        answer = "That is no path of a shot: nothing was added.\n"
        assert lab.send(*frames) == answer, name
    assert "added successfully" in lab.submit(lab.shot())
    assert ear.wait(Local, lambda report: report.what == "done")
    works(ear, lab)


@pytest.mark.usefixtures("blacs")
def test_a_huge_frame_is_not_even_read(ear: Ear, lab: Lab) -> None:
    pid = int(lab.operator.do("__import__('os').getpid()"))
    before = peak_bytes(pid)
    assert lab.send(b"x" * 64_000_000, seconds=1.0) is None
    assert peak_bytes(pid) < before + 32_000_000
    assert "added successfully" in lab.submit(lab.shot())
    assert ear.wait(Local, lambda report: report.what == "done")


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def test_nothing_but_text_is_unpickled(ear: Ear, lab: Lab, tmp_path: Path) -> None:
    assert ear.channel.connected
    trace = tmp_path / "trace"
    assert "no path" in (lab.send(pickle.dumps(Code(trace))) or "")
    assert not trace.exists()
    pickle.loads(pickle.dumps(Code(trace)))  # noqa: S301 (control: it would run)
    assert trace.exists()


def test_whoever_speaks_no_zmq_is_ignored(ear: Ear, lab: Lab) -> None:
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 4096, b"\xff" * 4096, b""):
        with socket.create_connection(("127.0.0.1", lab.port), timeout=5) as talk:
            talk.sendall(noise)
    assert "added successfully" in lab.submit(lab.shot())
    assert ear.wait(Local, lambda report: report.what == "done")


def test_a_device_whose_worker_did_not_start_is_named_and_nothing_begins(
    ear: Ear, lab: Lab
) -> None:
    lab.mood.write_text("fail init")
    lab.operator.restart_tab("moody")
    named_and_nothing_begins(ear, lab, "does not like init")


def test_a_port_that_is_dead_all_the_same_is_told(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    server = "__import__('sys').modules['__main__'].experiment_server"
    lab.operator.do(f"delattr({server}, 'recv')")
    assert lab.send(b"garbage", seconds=1.0) is None
    deaf = ear.wait(State, lambda state: "no longer answers" in state.message)
    assert deaf.blacs == "idle"
    works(ear, lab)
    blacs.kill()


# A device's tab.


@pytest.fixture
def sick(lab: Lab, running: StockBlacs) -> Iterator[Ear]:
    """BLACS as it starts when the moody device's tab does not."""
    running.kill()
    lab.mood.write_text("fail tab")
    running.start()
    ear = Ear(lab.state)
    yield ear
    ear.close()
    lab.mood.write_text("")
    running.kill()


def test_a_device_that_did_not_start_is_named_and_nothing_begins(
    sick: Ear, lab: Lab
) -> None:
    named_and_nothing_begins(sick, lab, "did not start")


def named_and_nothing_begins(ear: Ear, lab: Lab, words: str) -> None:
    error = ear.wait(State, lambda state: words in state.message)
    assert (error.blacs, error.healthy) == ("error", False)
    assert "moody" in error.message
    ear.offer(lab.shot())
    ended = ear.wait(Ended)
    assert (ended.outcome, ended.began) == (Outcome.NOT_STARTED, None)
    assert "moody" in ended.reason
    assert not any(isinstance(report, Begun) for report in ear.heard)
