"""Groups, and what users and groups may take."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from tests.integration.server.hub_cast import Cast

from shothub.runtime import clock
from shothub.server.accounts import group_queries as queries
from shothub.server.accounts import group_services as services
from shothub.server.accounts.buckets import Rates
from shothub.server.apparatus.models import Apparatus, Usage
from shothub.server.jobs.models import Job, Submission
from shothub.server.jobs.services.submit import forget_submissions
from shothub.server.refusals import Invalid, NotThere
from shothub.server.results.models import File

Submit = Callable[..., Any]
BODY = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


def group(cast: Cast, name: str, *members: str) -> Any:
    made = services.create_group(name=name, now=clock.now())
    for member in members:
        services.set_member(made, cast.users[member], now=clock.now())
    return made


def test_a_first_group_is_the_default_one(cast: Cast, submit: Submit) -> None:
    group(cast, "atoms", "alice")
    other = group(cast, "ions", "alice")
    assert submit()["group"] == "atoms"
    assert submit(group="ions")["group"] == "ions"
    assert submit(group="-")["group"] == ""
    services.set_member(other, cast.users["alice"], is_default=True, now=clock.now())
    assert submit()["group"] == "ions"
    assert [g["name"] for g in cast.alice("GET", "/me").ok()["groups"]] == [
        "atoms",
        "ions",
    ]


def test_nobody_runs_on_a_group_that_he_is_not_in(cast: Cast) -> None:
    made = group(cast, "atoms", "alice")
    answer = cast.bob("POST", "/jobs", BODY | {"group": "atoms"})
    assert (answer.status, answer.body["code"]) == (422, "not_in_group")
    services.remove_member(made, cast.users["alice"], now=clock.now())
    answer = cast.alice("POST", "/jobs", BODY | {"group": "atoms"})
    assert answer.status == 422
    with pytest.raises(NotThere):
        services.remove_member(made, cast.users["alice"], now=clock.now())


def test_groups_have_names_and_weights_that_make_sense(cast: Cast) -> None:
    group(cast, "atoms")
    for name, weight in (("atoms", 1.0), ("No Slug", 1.0), ("ions", 0.0)):
        with pytest.raises(Invalid):
            services.create_group(name=name, weight=weight, now=clock.now())
    assert [g["name"] for g in queries.groups()] == ["atoms"]


@pytest.mark.parametrize("service", ["safety", "calibration"])
def test_classes_of_the_lab_are_for_operators(cast: Cast, service: str) -> None:
    answer = cast.alice("POST", "/jobs", BODY | {"service": service})
    assert (answer.status, answer.body["code"]) == (403, "operator_not_granted")
    assert cast.alice("POST", "/jobs", BODY | {"service": "scavenger"}).status == 201


def test_a_group_as_a_whole_has_a_bound(cast: Cast) -> None:
    made = group(cast, "atoms", "alice", "bob")
    services.set_quota(group=made, limits={"pending_jobs": 2}, now=clock.now())
    cast.alice("POST", "/jobs", BODY).ok()
    cast.bob("POST", "/jobs", BODY).ok()
    answer = cast.bob("POST", "/jobs", BODY)
    assert (answer.status, answer.body["code"]) == (429, "too_many_pending_jobs")
    assert "group atoms" in answer.body["detail"]
    assert cast.bob("POST", "/jobs", BODY | {"group": "-"}).status == 201


def test_a_bound_on_one_apparatus_holds_there_alone(cast: Cast) -> None:
    services.set_quota(apparatus="other", limits={"pending_jobs": 0}, now=clock.now())
    assert cast.alice("POST", "/jobs", BODY).status == 201
    services.set_quota(apparatus="sim", limits={"pending_jobs": 1}, now=clock.now())
    answer = cast.alice("POST", "/jobs", BODY)
    assert answer.status == 429
    assert "on sim" in answer.body["detail"]


def use(cast: Cast, seconds: float, *, days_ago: float = 0.0) -> None:
    day = (clock.now() - timedelta(days=days_ago)).date()
    sim = Apparatus.objects.get(name="sim")
    Usage.objects.create(
        apparatus=sim, user=cast.users["alice"], day=day, seconds=seconds, shots=1
    )


def test_machine_time_that_is_used_up_comes_back(cast: Cast) -> None:
    services.set_quota(
        user=cast.users["alice"], limits={"machine_day": 100}, now=clock.now()
    )
    cast.alice("POST", "/jobs", BODY).ok()
    use(cast, 150.0)
    answer = cast.alice("POST", "/jobs", BODY)
    assert (answer.status, answer.body["code"]) == (429, "quota_machine_day")
    assert "150 s are taken" in answer.body["detail"]
    assert "100 s are allowed" in answer.body["detail"]
    assert "UTC" in answer.body["hint"]
    assert cast.bob("POST", "/jobs", BODY).status == 201


def test_what_waits_counts_at_its_foreseen_length(cast: Cast, submit: Submit) -> None:
    services.set_quota(limits={"machine_week": 25}, now=clock.now())
    first = submit()["id"]
    cast.agent.compile_one(shots=10)
    Job.objects.filter(pk=first).update(shot_seconds=1.0)
    ten = {"globals": {"tof": {"linspace": [0.005, 0.015, 10]}}}
    second = submit(**ten)["id"]
    assert Job.objects.get(pk=second).shot_seconds == 1.0
    answer = cast.alice("POST", "/jobs", BODY | ten)
    assert (answer.status, answer.body["code"]) == (429, "quota_machine_week")
    assert "20 s wait, 10 s are asked for; 25 s are allowed" in answer.body["detail"]


def test_what_is_stored_is_bounded(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    services.set_quota(limits={"stored": 1000}, now=clock.now())
    submit()
    File.objects.create(
        job_id=job, name="a", kind="image", size=1000, sha256="", at=clock.now()
    )
    answer = cast.alice("POST", "/jobs", BODY)
    assert (answer.status, answer.body["code"]) == (429, "quota_stored")
    assert cast.bob("POST", "/jobs", BODY).status == 201


def test_everybody_sees_his_use_against_his_quotas(cast: Cast, submit: Submit) -> None:
    submit(globals={"tof": {"linspace": [0.005, 0.015, 10]}})
    services.set_quota(limits={"machine_day": 500}, now=clock.now())
    use(cast, 20.0)
    told = {q["what"]: q for q in cast.alice("GET", "/me").ok()["quotas"]}
    assert (told["pending_shots"]["used"], told["pending_shots"]["limit"]) == (
        10,
        20_000,
    )
    assert (told["machine_day"]["used"], told["machine_day"]["unit"]) == (20, "s")


def test_who_asks_too_often_is_told_when_to_ask_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps.get_app_config("accounts"), "rates", Rates())
    services.set_quota(user=cast.users["bob"], limits={"requests": 3}, now=clock.now())
    answers = [cast.bob("GET", "/apparatus") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].body["code"] == "too_many_requests"
    assert all(cast.alice("GET", "/apparatus").status == 200 for _ in range(4))
    assert all(cast.agent.poll().status == 200 for _ in range(4))


def test_a_dry_run_says_what_would_be_refused_and_what_is_odd(cast: Cast) -> None:
    services.set_quota(limits={"pending_shots": 10}, now=clock.now())
    ten = {"globals": {"tof": {"linspace": [0.005, 0.015, 9]}}}
    told = cast.alice("POST", "/jobs?dry_run=1", BODY | ten).ok()
    assert (told["shots"], told["faults"]) == (9, [])
    assert any("10 are allowed" in said for said in told["warnings"])
    more = {"globals": {"tof": {"linspace": [0.005, 0.015, 11]}}}
    told = cast.alice("POST", "/jobs?dry_run=1", BODY | more).ok()
    assert told["faults"][0]["code"] == "too_many_pending_shots"
    past = (clock.now() - timedelta(hours=1)).isoformat()
    cast.olga("POST", "/apparatus/sim/drain", {"message": "until noon"}).ok()
    told = cast.alice("POST", "/jobs?dry_run=1", BODY | {"not_before": past}).ok()
    assert any("over already" in said for said in told["warnings"])
    assert any("until noon" in said for said in told["warnings"])
    assert Job.objects.count() == 0


def test_answers_of_keys_are_forgotten_after_a_day(cast: Cast) -> None:
    first = cast.alice("POST", "/jobs", BODY, Idempotency_Key="k1").ok()["id"]
    forget_submissions(clock.now() + timedelta(hours=23))
    again = cast.alice("POST", "/jobs", BODY, Idempotency_Key="k1").ok()["id"]
    assert again == first
    forget_submissions(clock.now() + timedelta(hours=25))
    assert Submission.objects.count() == 0
    assert cast.alice("POST", "/jobs", BODY, Idempotency_Key="k1").ok()["id"] != first


def test_one_key_at_the_same_time_makes_one_job(lasting_cast: Cast) -> None:
    answers: list[Any] = []

    def send() -> None:
        answers.append(lasting_cast.alice("POST", "/jobs", BODY, Idempotency_Key="k"))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert Job.objects.count() == 1
