"""At most one start per attempt, whatever agents, sessions and networks do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Answer, Caller, ScriptedAgent

from shothub.runtime import clock
from shothub.server.jobs import append_only
from shothub.server.jobs.models import Attempt, Event, Job, Shot

Submit = Callable[..., Any]
PROCEDURE = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


@pytest.fixture
def leased(cast: Cast, submit: Submit) -> Any:
    submit()
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    return lease


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body.get("code", "") if answer.status >= 400 else ""


def test_it_refuses_a_stale_epoch(cast: Cast, leased: Any) -> None:
    old = ScriptedAgent(cast.agent.call, epoch=cast.agent.epoch)
    cast.agent.open()
    assert code(old.poll(shots=1)) == (409, "fenced")
    assert code(old.start(leased)) == (409, "fenced")
    assert code(old.compiled("x", 1)) == (409, "fenced")
    [again] = cast.agent.lease()
    assert again["shot"] == leased["shot"]
    assert code(cast.agent.start(again)) == (200, "")


def test_it_refuses_a_stale_fence(cast: Cast, leased: Any) -> None:
    assert code(cast.agent.start(leased, fence=leased["fence"] - 1)) == (
        409,
        "lease_lost",
    )
    assert code(cast.agent.start(leased)) == (200, "")


def test_the_same_start_twice_is_one_attempt(cast: Cast, leased: Any) -> None:
    first, second = cast.agent.start(leased).ok(), cast.agent.start(leased).ok()
    assert first == second
    assert Attempt.objects.count() == 1


def test_a_shot_is_not_started_again_after_its_end(cast: Cast, leased: Any) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    cast.agent.finish(attempt, "failed").ok()
    assert code(cast.agent.start(leased)) == (409, "lease_lost")
    assert cast.agent.lease() == []


def test_a_new_session_keeps_what_started_and_returns_what_did_not(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one(shots=3)
    first, _second = cast.agent.lease(2)
    attempt = cast.agent.start(first).ok()["attempt"]
    opened = cast.agent.open()
    assert opened["started"] == [attempt]
    assert [lease["index"] for lease in cast.agent.lease(5)] == [1, 2]
    assert Shot.objects.get(pk=first["shot"]).state == "started"


def test_a_new_session_gets_the_compilation_again(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    assert cast.agent.poll(compile=1).ok()["compile"]
    assert not cast.agent.poll(compile=1).ok()["compile"]
    cast.agent.open()
    assert cast.agent.compile_one() == job


def test_evidence_of_an_old_session_is_accepted_and_marked_late(
    cast: Cast, leased: Any
) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    old = ScriptedAgent(cast.agent.call, epoch=cast.agent.epoch)
    cast.agent.open()
    assert old.finish(attempt).ok() == {"accepted": True, "late": True}
    assert old.analysed(attempt, atoms=1).ok()["late"] is True
    assert Shot.objects.get(pk=leased["shot"]).state == "done"
    assert Event.objects.get(what="shot.done").late


def test_a_finish_of_the_present_session_is_not_late(cast: Cast, leased: Any) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    assert cast.agent.finish(attempt).ok()["late"] is False


def test_a_repeated_finish_changes_nothing(cast: Cast, leased: Any) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    cast.agent.finish(attempt).ok()
    events = Event.objects.count()
    assert cast.agent.finish(attempt).ok()["accepted"]
    assert Event.objects.count() == events
    assert Job.objects.get().shots_done == 1


def test_a_contradicting_finish_is_a_conflict_that_users_can_read(
    cast: Cast, leased: Any
) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    cast.agent.finish(attempt).ok()
    assert code(cast.agent.finish(attempt, "failed")) == (409, "conflict")
    assert Shot.objects.get().state == "done"
    events = cast.alice("GET", f"/jobs/{leased['job']}/events").ok()
    assert "shot.conflict" in [event["what"] for event in events]


@pytest.mark.parametrize("outcome", ["done", "failed", "not_started"])
def test_who_does_not_know_the_outcome_contradicts_nobody(
    cast: Cast, leased: Any, outcome: str
) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    cast.agent.finish(attempt, outcome).ok()
    events = Event.objects.count()
    assert cast.agent.finish(attempt, "unknown").ok()["accepted"]
    assert Attempt.objects.get(pk=attempt).outcome == outcome
    assert Event.objects.count() == events


def test_late_evidence_resolves_an_unknown_outcome(cast: Cast, leased: Any) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    cast.agent.finish(attempt, "unknown", reason="BLACS is gone").ok()
    view = cast.alice("GET", f"/jobs/{leased['job']}").ok()
    assert (view["state"], view["shots_unknown"]) == ("failed", 1)
    cast.agent.finish(attempt, "done").ok()
    view = cast.alice("GET", f"/jobs/{leased['job']}").ok()
    assert (view["shots_unknown"], view["shots_done"]) == (0, 1)


def test_a_shot_that_never_began_is_started_again_as_a_new_attempt(
    cast: Cast, leased: Any
) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    cast.agent.finish(attempt, "not_started").ok()
    [again] = cast.agent.lease()
    assert again["fence"] > leased["fence"]
    assert cast.agent.start(again).ok()["number"] == 2


def test_a_lapsed_lease_returns_and_cannot_start(
    cast: Cast, leased: Any, configured: Callable[..., None]
) -> None:
    past = clock.now() - timedelta(seconds=1)
    Shot.objects.update(lease_expires=past)
    assert code(cast.agent.start(leased)) == (409, "lease_lost")
    [again] = cast.agent.lease()
    assert again["fence"] > leased["fence"]


@pytest.mark.parametrize(("minutes", "state"), [(1, "running"), (60, "analysing")])
def test_results_that_never_come_do_not_hold_a_job_for_ever(
    cast: Cast, leased: Any, minutes: int, state: str
) -> None:
    attempt = cast.agent.start(leased).ok()["attempt"]
    ended = clock.now() - timedelta(minutes=minutes)
    cast.agent.finish(attempt).ok()
    Shot.objects.update(ended=ended, reported=ended)
    cast.agent.poll().ok()
    assert cast.alice("GET", f"/jobs/{leased['job']}").ok()["state"] == state
    cast.agent.analysed(attempt, atoms=1).ok()
    table = cast.alice("GET", f"/jobs/{leased['job']}/results").ok()
    assert table["rows"][0][-1] == 1


def test_nothing_starts_while_paused(cast: Cast, leased: Any) -> None:
    cast.olga("POST", "/apparatus/sim/pause", {"message": "vacuum"}).ok()
    refused = cast.agent.start(leased)
    assert code(refused) == (409, "paused")
    assert "vacuum" in refused.body["detail"]
    assert cast.agent.poll(shots=1).ok()["paused"] is True
    cast.olga("POST", "/apparatus/sim/resume").ok()
    assert code(cast.agent.start(leased)) == (409, "lease_lost")


def test_what_was_leased_before_a_pause_starts_at_once_after_it(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one(shots=3)
    running, *waiting = cast.agent.lease(3)
    cast.agent.start(running).ok()
    cast.olga("POST", "/apparatus/sim/pause").ok()
    states = [shot["state"] for shot in shots_of(cast, running["job"])]
    assert states == ["started", "compiled", "compiled"]
    cast.olga("POST", "/apparatus/sim/resume").ok()
    again = cast.agent.lease(3)
    assert [x["shot"] for x in again] == [x["shot"] for x in waiting]
    cast.agent.start(again[0]).ok()


def shots_of(cast: Cast, job: str) -> list[Any]:
    return list(cast.alice("GET", f"/jobs/{job}/shots").ok())


def test_cancelling_ends_what_waits_and_lets_end_what_runs(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=3)
    running, leased = cast.agent.lease(2)
    attempt = cast.agent.start(running).ok()["attempt"]
    view = cast.alice("POST", f"/jobs/{job}/cancel").ok()
    assert view["state"] == "cancelling"
    assert cast.agent.poll().ok()["cancelled"] == [job]
    assert cast.agent.poll().ok()["cancelled"] == []
    assert code(cast.agent.start(leased)) == (409, "cancelled")
    cast.agent.finish(attempt).ok()
    assert cast.alice("GET", f"/jobs/{job}").ok()["state"] == "cancelled"
    assert cast.alice("POST", f"/jobs/{job}/cancel").ok()["state"] == "cancelled"


def test_a_running_shot_is_aborted_if_its_owner_wants_it(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=2)
    [lease] = cast.agent.lease()
    attempt = cast.agent.start(lease).ok()["attempt"]
    assert cast.bob("POST", f"/jobs/{job}/cancel?abort=1").status == 404
    cast.alice("POST", f"/jobs/{job}/cancel").ok()
    assert cast.agent.poll().ok()["abort"] == []
    cast.alice("POST", f"/jobs/{job}/cancel?abort=1").ok()
    told = cast.agent.poll().ok()
    assert (told["cancelled"], told["abort"]) == ([job], [attempt])
    assert cast.agent.poll().ok()["abort"] == [attempt]  # the answer may have been lost
    cast.agent.finish(attempt, "aborted", reason="aborted by its owner").ok()
    assert cast.agent.poll().ok()["abort"] == []
    assert cast.alice("GET", f"/jobs/{job}").ok()["state"] == "cancelled"
    whats = [e["what"] for e in cast.alice("GET", f"/jobs/{job}/events").ok()]
    assert whats.count("job.abort") == 1


def test_there_is_nothing_to_abort_where_nothing_runs(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    view = cast.alice("POST", f"/jobs/{job}/cancel?abort=1").ok()
    assert view["state"] == "cancelled"
    assert cast.agent.poll().ok()["abort"] == []


@pytest.mark.parametrize("compiles", [False, True])
def test_a_job_not_yet_compiled_is_cancelled(
    cast: Cast, submit: Submit, *, compiles: bool
) -> None:
    job = submit()["id"]
    if compiles:
        cast.agent.poll(compile=1).ok()
    state = cast.alice("DELETE", f"/jobs/{job}").ok()["state"]
    if compiles:
        assert state == "cancelling"
        cast.agent.compiled(job, 2).ok()
    assert cast.alice("GET", f"/jobs/{job}").ok()["state"] == "cancelled"
    assert not Shot.objects.exists()


def test_a_finished_job_cannot_be_cancelled(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one()
    cast.agent.run_one()
    cast.agent.end_job()
    assert code(cast.alice("DELETE", f"/jobs/{job}")) == (409, "job_ended")


def test_compiled_shots_reported_twice_are_stored_once(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=2)
    cast.agent.compiled(job, 2).ok()
    assert Shot.objects.count() == 2
    assert code(cast.agent.compiled(job, 3)) == (409, "not_compiling")


@pytest.mark.parametrize(
    ("changes", "code_"),
    [
        ({"shots": [{"index": 1, "globals": {}, "duration": 1.0}]}, "bad_index"),
        ({"shots": [{"index": 0, "globals": {}, "duration": -1.0}]}, "out_of_range"),
    ],
)
def test_shots_that_make_no_sense_are_refused(
    cast: Cast, submit: Submit, changes: Any, code_: str
) -> None:
    job = submit()["id"]
    cast.agent.poll(compile=1).ok()
    assert code(cast.agent.compiled(job, 1, **changes)) == (422, code_)
    assert code(cast.agent.compiled(job, 201)) == (422, "too_many_shots")
    assert cast.alice("GET", f"/jobs/{job}").ok()["state"] == "compiling"


@pytest.mark.parametrize("number", [-1, 0, 10**30])
def test_numbers_beyond_the_database_are_not_there(cast: Cast, number: int) -> None:
    lease = {"shot": abs(number), "fence": number}
    assert cast.agent.start(lease).status in {404, 422}
    assert cast.agent.finish(abs(number)).status in {404, 422}
    job = "x" * 300
    assert cast.alice("GET", f"/jobs/{job}").status == 404
    assert cast.alice("GET", f"/jobs/{job}?since={abs(number)}").status == 404


def test_no_more_than_a_minute_of_work_is_leased_however_much_is_asked(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one(shots=150)
    leases = cast.agent.lease(10**9)
    assert len(leases) == 60
    assert cast.agent.lease(10**9) == []
    cast.agent.start(leases[0]).ok()
    assert len(cast.agent.lease(10**9)) == 1


def test_users_take_turns_of_a_slice_each(cast: Cast, submit: Submit) -> None:
    cast.agent.open(queue={"round_seconds": 4.0, "express_credit": 0.0})
    a = submit(cast.alice)["id"]
    cast.agent.compile_one(shots=6)
    b = submit(cast.bob)["id"]
    cast.agent.compile_one(shots=2)
    blocks = [[lease["job"] for lease in cast.agent.lease(8)] for _ in range(3)]
    assert blocks == [[a, a], [b, b], [a, a, a, a]]


def test_a_user_is_charged_the_time_that_his_shots_took(
    cast: Cast, submit: Submit
) -> None:
    cast.agent.open(queue={"round_seconds": 2.0, "express_credit": 0.0})
    a = submit(cast.alice)["id"]
    cast.agent.compile_one(shots=5)
    b = submit(cast.bob)["id"]
    cast.agent.compile_one(shots=5)
    [lease] = cast.agent.lease()
    assert lease["job"] == a
    attempt = cast.agent.start(lease).ok()["attempt"]
    opened = clock.now() - timedelta(seconds=100)
    Attempt.objects.update(opened=opened)
    began, ended = opened.isoformat(), (opened + timedelta(seconds=3.5)).isoformat()
    cast.agent.finish(attempt, began=began, ended=ended).ok()
    assert [cast.agent.lease()[0]["job"] for _ in range(5)] == [b, b, b, b, a]


def test_events_cannot_be_changed_or_deleted(
    guarded_tables: None, cast: Cast, submit: Submit
) -> None:
    submit()
    attacks = ("UPDATE jobs_event SET what = 'x'", "DELETE FROM jobs_event")
    for attack in attacks:
        refused = pytest.raises(IntegrityError, match="never changed")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attack)
    with connection.cursor() as cursor:  # control: without the triggers it works
        append_only.remove(cursor)
    assert Event.objects.update(what="x")


def _in_threads(number: int, call: Callable[[int], Answer]) -> list[Answer]:
    def run(i: int) -> Answer:
        try:
            return call(i)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def _twin(agent: ScriptedAgent) -> ScriptedAgent:
    caller = Caller()
    caller.headers = agent.call.headers
    return ScriptedAgent(caller, epoch=agent.epoch)


@pytest.mark.django_db(transaction=True)
def test_two_leases_at_once_never_give_the_same_shot(lasting_cast: Cast) -> None:
    cast = lasting_cast
    cast.alice("POST", "/jobs", PROCEDURE).ok()
    cast.agent.compile_one(shots=8)
    answers = _in_threads(4, lambda _: _twin(cast.agent).poll(shots=3))
    leases = [lease for answer in answers for lease in answer.ok()["shots"]]
    assert sorted(lease["index"] for lease in leases) == list(range(8))
    assert len({lease["fence"] for lease in leases}) == 8


@pytest.mark.django_db(transaction=True)
def test_simultaneous_starts_make_one_attempt(lasting_cast: Cast) -> None:
    cast = lasting_cast
    cast.alice("POST", "/jobs", PROCEDURE).ok()
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    answers = _in_threads(4, lambda _: _twin(cast.agent).start(lease))
    assert len({answer.ok()["attempt"] for answer in answers}) == 1
    assert Attempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_simultaneous_submissions_with_one_key_make_one_job(
    lasting_cast: Cast,
) -> None:
    cast = lasting_cast
    cast.alice("GET", "/me").ok()

    def send(_: int) -> Answer:
        caller = Caller()
        caller.headers = cast.alice.headers
        return caller("POST", "/jobs", PROCEDURE, Idempotency_Key="k1")

    answers = _in_threads(4, send)
    assert len({answer.ok()["id"] for answer in answers}) == 1
    assert Job.objects.count() == 1
