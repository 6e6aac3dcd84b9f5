"""What ends parts of the stock BLACS: its queue's thread, its port's, a device's tab."""

import pickle
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.suite_lab import Ear, Lab

from shothub.domain.states import Outcome
from shothub.suite.blacs import StockBlacs
from shothub.wire.plugin import Begun, Ended, Local, Pause, State, Taken


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
    """Deleting the file of a running shot ends the thread of the stock queue."""
    (old,), pid = boots(ear), blacs.pid
    path = lab.shot("1")
    attempt = ear.offer(path)
    ear.wait(Begun)
    waiting = lab.shot()
    lab.submit(waiting)
    Path(path).unlink()
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.FAILED)
    assert "thread of BLACS's queue has ended" in ended.reason
    assert Path(path).name in ended.reason
    told = ear.wait(Local)
    assert (told.name, told.what) == (waiting, "failed")
    assert "submit it again" in told.detail
    assert ear.wait(State, lambda state: state.boot != old).blacs == "idle"
    assert (blacs.running, blacs.pid) == (True, pid)
    works(ear, lab)
    assert [type(r) for r in ear.heard if getattr(r, "attempt", 0) == attempt].count(
        Taken
    ) == 1


@pytest.mark.usefixtures("first_time")
def test_a_dead_queue_without_a_shot_is_told_as_well(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    (old,) = boots(ear)
    lab.operator.do("setattr(app.queue, 'set_status', None)")
    ear.channel.send(Pause())
    error = ear.wait(State, lambda state: state.blacs == "error")
    assert "thread of BLACS's queue has ended by an error (TypeError" in error.message
    assert "started anew" in error.message
    ear.wait(State, lambda state: state.boot != old and state.blacs == "idle")
    works(ear, lab)
    assert blacs.running


@pytest.mark.usefixtures("first_time")
def test_a_dead_queue_waits_for_the_journal_before_blacs_starts_anew(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    """No start without evidence on disk of how the shot in flight ended."""
    (old,) = boots(ear)
    path = lab.shot("1")
    ear.offer(path)
    ear.wait(Begun)
    ledger = "app.plugins['shothub']._station._desk._ledger"
    lab.operator.do(f"setattr({ledger}, '_good', -1)")
    Path(path).unlink()
    assert ear.wait(Ended).outcome is Outcome.FAILED
    ear.wait(State, lambda state: state.blacs == "error")
    lab.operator.wait("the thread ends", lambda: not lab.operator.sees()["alive"])
    assert lab.operator.do("app.exiting") is False
    lab.operator.do(f"setattr({ledger}, '_good', {ledger}._name.stat().st_size)")
    ear.wait(State, lambda state: state.boot != old and state.blacs == "idle")
    works(ear, lab)
    assert blacs.running


@pytest.mark.usefixtures("first_time")
def test_the_operators_pause_outlives_a_new_start(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    (old,) = boots(ear)
    path = lab.shot("1")
    ear.offer(path)
    ear.wait(Begun)
    lab.operator.pause(on=True)
    Path(path).unlink()
    ear.wait(Ended)
    reborn = ear.wait(State, lambda state: state.boot != old)
    assert (reborn.blacs, blacs.running) == ("paused", True)
    assert "operator" in reborn.message
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


@pytest.mark.parametrize(
    "frames",
    [
        [b"garbage"],
        [b""],
        [pickle.dumps("a path")[:-4]],
        [pickle.dumps(["no", "path"])],
        [pickle.dumps("/a\0b.h5")],
        [pickle.dumps("x" * 100_000)],
        [b"x" * 64_000_000],
        [pickle.dumps("/two.h5"), pickle.dumps("/frames.h5")],
    ],
    ids=["bytes", "empty", "torn", "list", "nul", "long", "huge", "two"],
)
def test_a_frame_that_is_no_path_is_answered_and_the_port_lives(
    ear: Ear, lab: Lab, frames: list[bytes]
) -> None:
    assert lab.send(*frames) == "That is no path of a shot: nothing was added.\n"
    assert "added successfully" in lab.submit(lab.shot())
    assert ear.wait(Local, lambda report: report.what == "done")
    works(ear, lab)


def test_nothing_but_text_is_unpickled(ear: Ear, lab: Lab, tmp_path: Path) -> None:
    assert ear.channel.connected
    trace = tmp_path / "trace"
    assert "no path" in (lab.send(pickle.dumps(Code(trace))) or "")
    assert not trace.exists()
    pickle.loads(pickle.dumps(Code(trace)))  # noqa: S301 (control: it would run)
    assert trace.exists()


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 4096, b"\xff" * 4096, b""],
    ids=["HTTP", "zeros", "ones", "nothing"],
)
def test_whoever_speaks_no_zmq_is_ignored(ear: Ear, lab: Lab, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", lab.port), timeout=5) as connection:
        connection.sendall(garbage)
    assert "added successfully" in lab.submit(lab.shot())
    assert ear.wait(Local, lambda report: report.what == "done")


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
def sick(lab: Lab, running: StockBlacs) -> Iterator[Callable[[str], Ear]]:
    ears: list[Ear] = []

    def start(mood: str) -> Ear:
        running.kill()
        lab.mood.write_text(mood)
        running.start()
        ears.append(Ear(lab.state))
        return ears[0]

    yield start
    for ear in ears:
        ear.close()
    lab.mood.write_text("")
    running.kill()


@pytest.mark.parametrize(
    ("mood", "words"),
    [("fail tab", "did not start"), ("fail init", "does not like init")],
)
def test_a_device_that_did_not_start_is_named_and_nothing_begins(
    sick: Callable[[str], Ear], lab: Lab, mood: str, words: str
) -> None:
    ear = sick(mood)
    error = ear.state("error")
    assert not error.healthy
    assert "moody" in error.message
    assert words in error.message
    ear.offer(lab.shot())
    ended = ear.wait(Ended)
    assert (ended.outcome, ended.began) == (Outcome.NOT_STARTED, None)
    assert "moody" in ended.reason
    lab.submit(lab.shot())
    assert not any(isinstance(report, Begun | Local) for report in ear.heard)
