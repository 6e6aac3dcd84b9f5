"""What keeps jobs waiting: holds, times, other jobs, a draining apparatus."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.domain.tokens import OPERATOR_SCOPES, USER_SCOPES
from shothub.runtime import clock
from shothub.server.accounts.services import mint_token
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Job
from shothub.server.jobs.services.bars import sweep_all

Submit = Callable[..., Any]


@pytest.fixture
def operator(cast: Cast) -> Caller:
    scopes = USER_SCOPES | OPERATOR_SCOPES
    raw = mint_token(user=cast.users["olga"], now=clock.now(), scopes=scopes)
    return Caller(raw)


def at(seconds: float) -> str:
    return (clock.now() + timedelta(seconds=seconds)).isoformat()


def view(cast: Cast, job: str) -> Any:
    return cast.alice("GET", f"/jobs/{job}").ok()


def act(caller: Caller, job: str, what: str) -> Any:
    return caller("POST", f"/jobs/{job}/{what}")


def pass_time(job: str, field: str) -> None:
    """Let a time of a job have come a second ago."""
    Job.objects.filter(pk=job).update(**{field: clock.now() - timedelta(seconds=1)})


def test_a_held_job_is_compiled_and_not_leased(cast: Cast, submit: Submit) -> None:
    job = submit(hold=True)["id"]
    cast.agent.compile_one()
    assert cast.agent.lease() == []
    seen = view(cast, job)
    assert (seen["state"], seen["held"]) == ("queued", True)
    assert "holds it back" in seen["notice"]
    assert act(cast.alice, job, "release").ok()["held"] is False
    assert len(cast.agent.lease()) == 1


def test_a_hold_takes_back_what_was_leased(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=2)
    first, second = cast.agent.lease(2)
    attempt = cast.agent.start(first).ok()["attempt"]
    act(cast.alice, job, "hold").ok()
    refused = cast.agent.start(second)
    assert (refused.status, refused.body["code"]) == (409, "lease_lost")
    cast.agent.finish(attempt).ok()
    assert cast.agent.lease() == []
    assert view(cast, job)["state"] == "running", "what ran has ended by itself"
    act(cast.alice, job, "release").ok()
    assert len(cast.agent.lease(2)) == 1


def test_only_an_operator_releases_what_an_operator_holds(
    cast: Cast, submit: Submit, operator: Caller
) -> None:
    job = submit()["id"]
    assert act(cast.bob, job, "hold").status == 404
    assert act(operator, job, "hold").ok()["held"] is True
    refused = act(cast.alice, job, "release")
    assert (refused.status, refused.body["code"]) == (403, "held_by_operator")
    assert act(operator, job, "release").ok()["held"] is False


def test_owner_and_operator_hold_a_job_apart(
    cast: Cast, submit: Submit, operator: Caller
) -> None:
    job = submit(hold=True)["id"]
    act(operator, job, "hold").ok()
    assert act(operator, job, "release").ok()["held"] is True
    refused = act(operator, job, "release")
    assert (refused.status, refused.body["code"]) == (409, "held_by_owner")
    assert act(cast.alice, job, "release").ok()["held"] is False


def test_holding_twice_is_holding_once(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    act(cast.alice, job, "hold").ok()
    rev = act(cast.alice, job, "hold").ok()["rev"]
    assert act(cast.alice, job, "hold").ok()["rev"] == rev
    act(cast.alice, job, "release").ok()
    assert act(cast.alice, job, "release").status == 200


def test_a_held_job_can_be_cancelled(cast: Cast, submit: Submit) -> None:
    job = submit(hold=True)["id"]
    cast.agent.compile_one()
    assert act(cast.alice, job, "cancel").ok()["state"] == "cancelled"
    assert act(cast.alice, job, "hold").status == 409


def test_nothing_starts_before_its_time(cast: Cast, submit: Submit) -> None:
    job = submit(not_before=at(3600))["id"]
    cast.agent.compile_one()
    assert cast.agent.lease() == []
    assert "may start from" in view(cast, job)["notice"]
    pass_time(job, "not_before")
    assert len(cast.agent.lease()) == 1, "the poll finds that its time has come"


def test_the_hub_finds_it_by_itself_too(cast: Cast, submit: Submit) -> None:
    job = submit(not_before=at(3600))["id"]
    cast.agent.compile_one()
    sweep_all(clock.now())
    assert Job.objects.get(pk=job).barred == "not_before"
    sweep_all(clock.now() + timedelta(hours=2))
    assert Job.objects.get(pk=job).barred == ""


@pytest.mark.parametrize("stage", ["submitted", "compiling", "queued", "leased"])
def test_a_job_that_was_not_started_in_time_expires(
    cast: Cast, submit: Submit, stage: str
) -> None:
    job = submit(start_by=at(3600))["id"]
    if stage == "compiling":
        cast.agent.poll(compile=1).ok()
    elif stage != "submitted":
        cast.agent.compile_one(shots=2)
    leases = cast.agent.lease(2) if stage == "leased" else []
    pass_time(job, "start_by")
    sweep_all(clock.now())
    seen = view(cast, job)
    assert seen["state"] == "expired"
    assert seen["faults"][0]["code"] == "expired"
    told = cast.agent.poll(compile=1, shots=1).ok()
    assert (told["compile"], told["shots"]) == ([], [])
    assert told["cancelled"] == ([job] if stage in {"compiling", "leased"} else [])
    for lease in leases:
        assert cast.agent.start(lease).status == 409
    if stage == "compiling":
        assert cast.agent.compiled(job, 2).status == 200, "nobody wants it any more"


def test_a_job_of_which_a_shot_has_started_does_not_expire(
    cast: Cast, submit: Submit
) -> None:
    job = submit(start_by=at(3600))["id"]
    cast.agent.compile_one(shots=2)
    [lease] = cast.agent.lease()
    cast.agent.start(lease).ok()
    pass_time(job, "start_by")
    sweep_all(clock.now())
    assert view(cast, job)["state"] == "running"


@pytest.mark.parametrize(
    ("terms", "code", "where"),
    [
        ({"start_by": -5}, "start_by_over", "body.start_by"),
        ({"start_by": 50, "not_before": 60}, "no_time_to_start", "body.start_by"),
    ],
)
def test_times_that_make_no_sense_are_refused(
    cast: Cast, terms: dict[str, float], code: str, where: str
) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    times = {name: at(seconds) for name, seconds in terms.items()}
    answer = cast.alice("POST", "/jobs", body | times)
    assert (answer.status, answer.body["code"]) == (422, code)
    assert answer.body["where"] == where


def test_a_time_without_a_zone_is_refused_with_an_example(cast: Cast) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    answer = cast.alice("POST", "/jobs", body | {"not_before": "2026-12-24 14:30"})
    assert (answer.status, answer.body["where"]) == (422, "body.not_before")
    assert answer.body["hint"] == "write it with its zone, as in 2026-12-24T14:30:00Z"


def test_a_job_runs_after_another_that_is_good(cast: Cast, submit: Submit) -> None:
    first = submit()["id"]
    second = submit(after=[first])["id"]
    cast.agent.compile_one()
    cast.agent.compile_one()
    seen = view(cast, second)
    assert seen["after"] == [first]
    assert f"after job {first}" in seen["notice"]
    cast.agent.run_one()
    assert cast.agent.lease() == []
    cast.agent.end_job()
    [lease] = cast.agent.lease()
    assert lease["job"] == second


@pytest.mark.parametrize("end", ["failed", "cancelled", "partly"])
def test_a_chain_of_jobs_fails_with_its_first(
    cast: Cast, submit: Submit, end: str
) -> None:
    first = submit()["id"]
    second = submit(after=[first])["id"]
    third = submit(after=[second])["id"]
    cast.agent.compile_one(shots=2)
    if end == "cancelled":
        act(cast.alice, first, "cancel").ok()
    else:
        for outcome in ("failed", "done" if end == "partly" else "failed"):
            [lease] = cast.agent.lease()
            attempt = cast.agent.start(lease).ok()["attempt"]
            cast.agent.finish(attempt, outcome).ok()
            if outcome == "done":
                cast.agent.analysed(attempt).ok()
                cast.agent.end_job()
    sweep_all(clock.now())
    for job, earlier in ((second, first), (third, second)):
        seen = view(cast, job)
        assert seen["state"] == "failed"
        assert seen["faults"][0]["code"] == "predecessor_failed"
        assert earlier in seen["faults"][0]["detail"]


def test_an_undecided_shot_keeps_those_waiting_that_come_after(
    cast: Cast, submit: Submit
) -> None:
    first = submit()["id"]
    second = submit(after=[first])["id"]
    cast.agent.compile_one()
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    cast.agent.finish(cast.agent.start(lease).ok()["attempt"], "unknown").ok()
    sweep_all(clock.now())
    seen = view(cast, second)
    assert seen["state"] == "queued"
    assert "shot 0 is unknown" in seen["notice"]
    decision = f"/jobs/{first}/shots/0/decision"
    cast.alice("POST", decision, {"choice": "rerun"}).ok()
    cast.agent.run_one()
    cast.agent.end_job()
    [lease] = cast.agent.lease()
    assert lease["job"] == second


def test_a_shot_that_is_kept_unknown_is_not_good_to_follow(
    cast: Cast, submit: Submit
) -> None:
    first = submit()["id"]
    second = submit(after=[first])["id"]
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    cast.agent.finish(cast.agent.start(lease).ok()["attempt"], "unknown").ok()
    cast.alice("POST", f"/jobs/{first}/shots/0/decision", {"choice": "keep"}).ok()
    sweep_all(clock.now())
    assert view(cast, second)["state"] == "failed"


def test_jobs_of_one_list_may_name_one_another(cast: Cast) -> None:
    one = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    made = cast.alice("POST", "/jobs", [one, one | {"after": ["#0"]}]).ok()
    assert made[1]["after"] == [made[0]["id"]]
    assert view(cast, made[1]["id"])["after"] == [made[0]["id"]]
    listed = cast.alice("GET", "/jobs").ok()["jobs"]
    assert sorted(len(job["after"]) for job in listed) == [0, 1]
    answer = cast.alice("POST", "/jobs", [one | {"after": ["#0"]}, one])
    assert (answer.status, answer.body["code"]) == (422, "unknown_job")
    assert answer.body["where"] == "body.0.after"


def test_one_waits_only_for_jobs_that_one_sees(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    answer = cast.bob("POST", "/jobs", body | {"after": [job]})
    assert (answer.status, answer.body["code"]) == (422, "unknown_job")
    act(cast.alice, job, "cancel").ok()
    answer = cast.alice("POST", "/jobs", body | {"after": [job]})
    assert (answer.status, answer.body["code"]) == (422, "predecessor_failed")


def test_a_draining_apparatus_runs_out_what_waits_and_nothing_newer(
    cast: Cast, submit: Submit
) -> None:
    before = submit()["id"]
    asked = {"message": "coil change at noon"}
    shown = cast.olga("POST", "/apparatus/sim/drain", asked).ok()
    assert (shown["draining"], shown["pause_message"]) == (True, asked["message"])
    later = submit()["id"]
    cast.agent.compile_one()
    cast.agent.compile_one()
    [lease] = cast.agent.lease(5)
    assert lease["job"] == before
    assert asked["message"] in view(cast, later)["notice"]
    shown = cast.olga("POST", "/apparatus/sim/resume").ok()
    assert (shown["draining"], shown["pause_message"]) == (False, "")
    [lease] = cast.agent.lease(5)
    assert lease["job"] == later


def test_a_pause_says_why(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    asked = {"message": "laser unlocked"}
    cast.olga("POST", "/apparatus/sim/pause", asked).ok()
    assert asked["message"] in view(cast, job)["notice"]
    assert cast.alice("GET", "/apparatus/sim").ok()["pause_message"] == asked["message"]


def test_an_operator_lifts_the_hubs_hold(cast: Cast, submit: Submit) -> None:
    Apparatus.objects.update(hold="two agents fight")
    submit()
    cast.agent.compile_one()
    assert cast.agent.lease() == []
    assert cast.alice("GET", "/apparatus/sim").ok()["held"] == "two agents fight"
    assert cast.alice("POST", "/apparatus/sim/lift-hold").status == 403
    assert cast.olga("POST", "/apparatus/sim/lift-hold").ok()["held"] == ""
    assert len(cast.agent.lease()) == 1


def test_start_does_not_wait_for_the_hub_to_look(cast: Cast, submit: Submit) -> None:
    job = submit(start_by=at(3600))["id"]
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    pass_time(job, "start_by")
    refused = cast.agent.start(lease)
    assert (refused.status, refused.body["code"]) == (409, "expired")


def test_several_sweeps_at_once_do_each_thing_once(lasting_cast: Cast) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    late = lasting_cast.alice("POST", "/jobs", body | {"start_by": at(3600)}).ok()["id"]
    after = lasting_cast.alice("POST", "/jobs", body | {"after": [late]}).ok()["id"]
    pass_time(late, "start_by")

    def look() -> None:
        sweep_all(clock.now())
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for job, ended in ((late, "job.expired"), (after, "job.failed")):
        events = lasting_cast.alice("GET", f"/jobs/{job}/events").ok()
        assert [e["what"] for e in events].count(ended) == 1
