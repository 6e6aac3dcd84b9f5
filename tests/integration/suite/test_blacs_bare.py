"""Controls: the same traps on the stock BLACS without the plugin, where they bite."""

import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from tests.fakes.blacs_operator import Operator
from tests.fakes.suite_lab import Lab, PlainBlacs


@pytest.fixture(scope="module")
def lab(stock_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab of its own, so that no queue or port is shared with the one of the others."""
    assert stock_lab.table.exists()
    return Lab(tmp_path_factory.mktemp("bare") / "lab")


@pytest.fixture(scope="module")
def bare(lab: Lab) -> Iterator[PlainBlacs]:
    with PlainBlacs(lab) as blacs:
        yield blacs


@pytest.fixture
def blacs(bare: PlainBlacs, lab: Lab) -> Iterator[PlainBlacs]:
    """The bare BLACS, idle and empty; started anew if the test before broke it."""
    if not bare.operator.is_there() or not is_well(bare.operator):
        bare.kill()
        bare.start()
    bare.operator.pause(on=False)
    yield bare
    lab.mood.write_text("")


def is_well(person: Operator) -> bool:
    sees = person.sees()
    return bool(sees["alive"] and sees["status"] == "Idle" and not sees["rows"])


def has_run(path: str) -> bool:
    try:
        with h5py.File(path, "r") as shot:
            return "data" in shot
    except OSError:
        return False  # BLACS writes it.


def times(lab: Lab, path: str, step: str = "programming") -> int:
    return lab.done_by_device()[f"{step} {path}"]


def test_an_abort_leaves_no_trace(blacs: PlainBlacs, lab: Lab) -> None:
    person, path = blacs.operator, lab.shot("30")
    before = contents(path)
    lab.submit(path)
    person.wait("it runs", lambda: "Running" in person.sees()["status"])
    person.abort()
    person.wait("it is aborted", lambda: person.sees()["status"] == "Idle")
    assert contents(path) == before
    assert person.rows() == []


def contents(path: str) -> list[str]:
    names: list[str] = []
    with h5py.File(path, "r") as shot:
        shot.visit(names.append)
        return sorted([*names, *shot.attrs])


def test_a_device_error_puts_the_shot_back_for_whoever_resumes(
    blacs: PlainBlacs, lab: Lab
) -> None:
    person, path = blacs.operator, lab.shot()
    lab.mood.write_text("fail saving")
    lab.submit(path)
    person.wait("it pauses", lambda: person.sees()["paused"])
    person.wait("it is put back", lambda: person.rows() == [path])
    lab.mood.write_text("")
    person.restart_tab("moody")
    ready = "app.tablist['moody'].state == 'idle'"
    person.wait("the tab is back", lambda: person.do(ready))
    person.pause(on=False)
    person.wait("it runs again", lambda: has_run(path))
    assert times(lab, path) == 2
    person.wait("it ends", lambda: person.sees()["status"] == "Idle")


def test_repeat_mode_runs_each_shot_again(blacs: PlainBlacs, lab: Lab) -> None:
    person, path = blacs.operator, Path(lab.shot())
    person.repeat(on=True)
    lab.submit(str(path))
    again = path.with_name(f"{path.stem}_rep00001.h5")
    person.wait("it runs again", again.exists)
    person.repeat(on=False)
    person.wait("it has run", lambda: has_run(str(again)))
    person.wait("the last ends", lambda: person.sees()["status"] == "Idle")


def test_a_deleted_queued_file_ends_the_queue_which_still_says_success(
    blacs: PlainBlacs, lab: Lab
) -> None:
    person, path = blacs.operator, lab.shot()
    person.pause(on=True)
    lab.submit(path)
    Path(path).unlink()
    person.pause(on=False)
    person.wait("its thread ends", lambda: not person.sees()["alive"])
    assert lab.submit(lab.shot()).startswith("Experiment added successfully")


def test_whoever_reads_the_file_of_a_shot_stops_the_queue(
    blacs: PlainBlacs, lab: Lab
) -> None:
    person, path = blacs.operator, lab.shot()
    with h5py.File(path, "r"):
        lab.submit(path)
        person.wait("it pauses", lambda: person.sees()["paused"])
        person.wait("it is put back", lambda: person.rows() == [path])
    blacs.kill()


def test_one_frame_of_garbage_silences_its_port(bare: PlainBlacs, lab: Lab) -> None:
    assert lab.send(b"garbage", seconds=1.0) is None
    assert lab.send(pickle.dumps(lab.shot()), seconds=1.0) is None
    bare.kill()


def test_a_running_shot_sent_again_runs_again_on_its_own_data(
    blacs: PlainBlacs, lab: Lab
) -> None:
    person, path = blacs.operator, lab.shot("1")
    lab.submit(path)
    person.wait("it runs", lambda: "Running" in person.sees()["status"])
    assert lab.submit(path) == "Experiment added successfully\n"
    person.wait("it fails", lambda: person.sees()["paused"])
    person.wait("it is put back", lambda: person.rows() == [path])
    assert times(lab, path) == 2
    assert not has_run(path)
    assert person.mode("moody") != 1
    blacs.kill()


def test_a_shot_without_the_clock_runs_for_ever(blacs: PlainBlacs, lab: Lab) -> None:
    person, path = blacs.operator, lab.shot()
    with h5py.File(path, "r+") as shot:
        del shot["devices/clock"]
    assert lab.submit(path) == "Experiment added successfully\n"
    person.wait("it runs", lambda: "Running" in person.sees()["status"])
    clock = "app.tablist['clock'].event_queue.list_of_states"
    person.wait("its start waits for the next shot", lambda: person.do(f"len({clock})"))
    assert "Running" in person.sees()["status"]
    person.abort()
    person.wait("it is aborted", lambda: person.sees()["status"] == "Idle")
    assert person.do(f"len({clock})") == 1
    blacs.kill()


def test_after_a_crash_the_queue_and_the_pause_of_the_last_close_are_back(
    blacs: PlainBlacs, lab: Lab
) -> None:
    person, path = blacs.operator, Path(lab.shot())
    person.pause(on=True)
    lab.submit(str(path))
    blacs.close()
    blacs.start()
    assert person.sees()["paused"]
    person.pause(on=False)
    person.wait("the queued one runs", lambda: has_run(str(path)))
    blacs.kill()
    blacs.start()
    assert person.sees()["paused"]
    person.pause(on=False)
    copy = str(path.with_name(f"{path.stem}_rep00001.h5"))
    person.wait("it runs again", lambda: has_run(copy))
    blacs.kill()
    settings = lab.state / "profile/labscript-suite/app_saved_configs"
    shutil.rmtree(settings)
    (settings / "test").mkdir(parents=True)
