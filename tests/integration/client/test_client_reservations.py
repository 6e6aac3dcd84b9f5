"""Booking time and taking turns, with the SDK and the command, against the real hub."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.client.test_client_with_hub import (  # noqa: F401 (fixtures)
    HttpCaller,
    Place,
    agent,
    place,
)
from tests.integration.server.scripted_agent import ScriptedAgent

from shothub.client import Conflict, Refused, SessionOver

pytestmark = pytest.mark.usefixtures("agent")


@pytest.fixture(autouse=True)
def generous(agent: ScriptedAgent) -> None:  # noqa: F811
    agent.open(reservations={"hours_per_week": 8.0, "session_total": 900.0})


@contextmanager
def at_work(agent: ScriptedAgent) -> Iterator[None]:  # noqa: F811
    """Let the agent do all that it is given, as it comes, within this context."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            given = agent.poll(compile=1, shots=1, analyse=1, wait=0.5).ok()
            for task in given["compile"]:
                agent.compiled(task["job"], 1).ok()
            for lease in given["shots"]:
                attempt = agent.start(lease).ok()["attempt"]
                agent.finish(attempt).ok()
                agent.analysed(attempt, atoms=1000.0).ok()
            for task in given["analyse"]:
                body = {"epoch": agent.epoch, "routines": []}
                agent.call("POST", f"/agent/jobs/{task['job']}/analysed", body).ok()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _start(days: float) -> datetime:
    now = datetime.now(UTC).replace(microsecond=0, second=0)
    return now + timedelta(days=days)


def test_time_is_booked_changed_and_given_up(place: Place) -> None:  # noqa: F811
    machine = place.hub("alice").apparatus("sim")
    start = _start(8)
    booked = machine.reserve(start, hours=1.5, title="Rabi")
    assert (booked.starts, booked.ends) == (start, start + timedelta(hours=1.5))
    assert booked.id in {each.id for each in machine.reservations()}
    assert "Rabi" in repr(booked)
    assert "Rabi" in machine.reservations()._repr_html_()
    booked.change(end=start + timedelta(hours=1), title="Ramsey")
    assert place.hub("bob").reservation(booked.id).view.title == "Ramsey"
    booked.cancel()
    assert booked.refresh().view.state == "cancelled"
    assert booked.id not in {each.id for each in place.hub("bob").reservations()}


def test_taken_time_is_refused_with_what_is_free(place: Place) -> None:  # noqa: F811
    start = _start(16)
    with_alice = place.hub("alice").apparatus("sim").reserve(start, hours=2)
    with pytest.raises(Conflict, match="is free from") as refused:
        place.hub("bob").apparatus("sim").reserve(start, hours=1)
    assert refused.value.problem.code == "overlap"
    with_alice.cancel()


def test_a_reservation_needs_one_end(place: Place) -> None:  # noqa: F811
    machine = place.hub("alice").apparatus("sim")
    with pytest.raises(Refused, match="either hours or end"):
        machine.reserve("now")
    with pytest.raises(Refused, match="no time"):
        machine.reserve("half past ten", hours=1)


def test_a_loop_runs_in_a_turn_of_its_own(
    place: Place,  # noqa: F811
    agent: ScriptedAgent,  # noqa: F811
) -> None:
    machine = place.hub("alice").apparatus("sim")
    tofs = []
    with at_work(agent), machine.session(minutes=5, progress=False) as turn:
        assert turn.until is not None
        tof = 0.01
        for _ in range(3):
            job = turn.run(procedure="bec_tof", globals={"tof": tof})
            assert job.view.session == turn.id
            job.wait(30, progress=False)
            tofs.append(tof)
            tof += 1e-6 * job.results()["atom_number.atoms"][0]
    assert tofs == pytest.approx([0.01, 0.011, 0.012])
    ended = turn.refresh().view
    assert ended is not None
    assert (ended.state, ended.notice) == ("ended", "its owner ended it")
    assert ended.charged > 0


def test_a_loop_that_fails_leaves_the_machine(
    place: Place,  # noqa: F811
    agent: ScriptedAgent,  # noqa: F811
) -> None:
    machine = place.hub("alice").apparatus("sim")
    seen = []

    def fail() -> None:
        with machine.session(progress=False) as turn:
            seen.append(turn)
            raise ZeroDivisionError

    with at_work(agent), pytest.raises(ZeroDivisionError):
        fail()
    [turn] = seen
    view = turn.refresh().view
    assert view is not None
    assert view.state == "ended"


def test_a_turn_of_one_who_has_crashed_ends_by_itself(
    place: Place,  # noqa: F811
    agent: ScriptedAgent,  # noqa: F811
) -> None:
    machine = place.hub("bob").apparatus("sim")
    with at_work(agent), machine.session(idle=1, progress=False) as turn:
        caller = HttpCaller(place.url, place.tokens["bob"])
        seen = caller("GET", f"/sessions/{turn.id}?wait=30&since=open").ok()
        caller.http.close()
    assert seen["state"] == "ended"
    assert seen["notice"] == "nothing of it waited or ran for 1 s"
    assert 1.0 <= seen["charged"] < 10.0


def test_a_turn_that_is_over_takes_no_jobs(
    place: Place,  # noqa: F811
    agent: ScriptedAgent,  # noqa: F811
) -> None:
    machine = place.hub("alice").apparatus("sim")
    with at_work(agent), machine.session(progress=False) as turn:
        turn.end()
        with pytest.raises(SessionOver, match="its owner ended it"):
            turn.run(procedure="bec_tof")


def test_one_who_waits_hears_that_it_was_ended(place: Place) -> None:  # noqa: F811
    hub = place.hub("alice")
    turn = hub.apparatus("sim").session(progress=False)
    ender = threading.Thread(target=_end_when_asked_for, args=(place,))
    ender.start()
    with pytest.raises(SessionOver, match="its owner ended it"), turn:
        pass
    ender.join()


def _end_when_asked_for(place: Place) -> None:  # noqa: F811
    hub = place.hub("alice")
    while True:
        for view in hub.sessions():
            if view.state == "waiting":
                hub.end_session(view.id)
                return


def test_the_command_books_and_lists(place: Place) -> None:  # noqa: F811
    day = f"{_start(24):%Y-%m-%d}"
    book = ["reservations", "book", "sim", f"{day} 10:00+00:00", "--hours", "1"]
    made = place.shothub("alice", *book, "--title", "by hand", "--json")
    ident = json.loads(made.stdout)["id"]
    listed = place.shothub("bob", "reservations", "list", "sim")
    assert "by hand" in listed.stdout
    assert "UTC" in listed.stderr
    changed = place.shothub(
        "alice", "reservations", "change", str(ident), "--title", "by foot"
    )
    assert "by foot" in changed.stdout
    refused = place.shothub("bob", "reservations", "cancel", str(ident))
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "alice's" in refused.stderr
    cancelled = place.shothub("alice", "reservations", "cancel", str(ident))
    assert "cancelled" in cancelled.stdout
    sessions = place.shothub("alice", "sessions", "list", "--json")
    assert {each["state"] for each in json.loads(sessions.stdout)} <= {"ended"}
