"""Old results are deleted, after their owner was told, unless he keeps them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from tests.integration.server.hub_cast import Cast

from shothub.runtime import clock
from shothub.server.accounts.models import User
from shothub.server.audit.models import Entry
from shothub.server.jobs.models import Event, Job
from shothub.server.outbox.models import Message
from shothub.server.results import retention
from shothub.server.results.models import File, RoutineRun

Configured = Callable[..., None]
BODY = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


@pytest.fixture(autouse=True)
def policy(configured: Configured) -> None:
    configured(keep_results_days=100, warn_results_days=10, smtp_host="mail.invalid")


@pytest.fixture
def job(cast: Cast) -> str:
    User.objects.filter(username="alice").update(email="alice@example.org")
    ident = str(cast.alice("POST", "/jobs", BODY).ok()["id"])
    cast.agent.compile_one(shots=1)
    cast.agent.run_one(atoms=1.0, fraction=0.5)
    cast.agent.upload(ident, "figures/fit.png", b"picture", kind="figure").ok()
    assert cast.agent.end_job() == ident
    return ident


def later(days: float) -> datetime:
    return clock.now() + timedelta(days=days)


def folder(job: str) -> Path:
    return Path(settings.SHOTHUB.data) / "files" / job


def told() -> list[str]:
    return list(
        Message.objects.filter(event="results_end").values_list("body", flat=True)
    )


def test_results_stay_until_they_are_old(cast: Cast, job: str) -> None:
    retention.tend(later(89))
    assert not told()
    assert cast.alice("GET", f"/jobs/{job}").ok()["results_end"] is None


def test_the_owner_is_told_once_and_then_they_go(cast: Cast, job: str) -> None:
    retention.tend(later(91))
    retention.tend(later(92))
    [said] = told()
    assert job in str(said)
    assert cast.alice("GET", f"/jobs/{job}").ok()["results_end"]
    retention.tend(later(100.9))
    assert folder(job).is_dir()
    retention.tend(later(101.1))
    assert not folder(job).exists()
    assert not File.objects.filter(job=job).exists()
    assert not RoutineRun.objects.filter(job=job).exists()
    seen = cast.alice("GET", f"/jobs/{job}").ok()
    assert seen["state"] == "done"
    assert seen["results_deleted"]
    assert cast.alice("GET", f"/jobs/{job}/files/figures/fit.png").status == 404
    assert cast.alice("GET", f"/jobs/{job}/results").ok()["states"] == ["done"]


def test_a_deletion_is_among_the_events_and_on_the_record(cast: Cast, job: str) -> None:
    retention.tend(later(91))
    retention.tend(later(102))
    retention.tend(later(103))
    assert Event.objects.filter(job=job, what="results.deleted").count() == 1
    [entry] = Entry.objects.filter(what="results.deleted")
    assert (entry.subject_name, entry.on, entry.by) == ("alice", f"job {job}", "hub")
    assert entry.detail == {"files": 1, "bytes": 7}


def test_nobody_is_surprised_by_a_new_rule(job: str) -> None:
    """Results that are old already when the rule comes stay for a whole warning."""
    retention.tend(later(1000))
    retention.tend(later(1009))
    assert folder(job).is_dir()
    retention.tend(later(1011))
    assert not folder(job).exists()


def test_what_its_owner_keeps_stays(cast: Cast, job: str) -> None:
    retention.tend(later(91))
    kept = cast.alice("POST", f"/jobs/{job}/keep", {"keep": True}).ok()
    assert (kept["kept"], kept["results_end"]) == (True, None)
    retention.tend(later(1000))
    assert folder(job).is_dir()
    cast.alice("POST", f"/jobs/{job}/keep", {"keep": False}).ok()
    retention.tend(later(1000))
    assert folder(job).is_dir(), "told again, before"
    retention.tend(later(1011))
    assert not folder(job).exists()
    late = cast.alice("POST", f"/jobs/{job}/keep", {"keep": True})
    assert (late.status, late.body["code"]) == (409, "results_deleted")


def test_only_the_owner_keeps_or_lets_go(cast: Cast, job: str) -> None:
    for caller in (cast.bob, cast.stranger):
        answer = caller("POST", f"/jobs/{job}/keep", {"keep": True})
        assert answer.status in {401, 404}


def test_without_the_rule_an_announced_end_is_taken_back(
    job: str, configured: Configured
) -> None:
    retention.tend(later(91))
    configured(keep_results_days=0)
    retention.tend(later(200))
    assert Job.objects.get(pk=job).results_end is None
    assert folder(job).is_dir()


def test_a_longer_rule_takes_an_announced_end_back(
    job: str, configured: Configured
) -> None:
    retention.tend(later(91))
    configured(keep_results_days=200)
    retention.tend(later(102))
    assert folder(job).is_dir()
    retention.tend(later(191))
    assert len(told()) == 2
    retention.tend(later(202))
    assert not folder(job).exists()


def test_results_of_whoever_is_suspended_wait(cast: Cast, job: str) -> None:
    retention.tend(later(91))
    User.objects.filter(username="alice").update(state="suspended", is_active=False)
    retention.tend(later(200))
    assert folder(job).is_dir()
    User.objects.filter(username="alice").update(state="active", is_active=True)
    retention.tend(later(201))
    assert not folder(job).exists()


def test_jobs_that_have_not_ended_are_left_alone(cast: Cast) -> None:
    waits = str(cast.alice("POST", "/jobs", BODY).ok()["id"])
    cast.agent.upload(waits, "log.txt", b"x", kind="log").ok()
    retention.tend(later(1000))
    retention.tend(later(2000))
    assert folder(waits).is_dir()
    assert not told()


def test_results_that_arrive_late_get_their_own_time(cast: Cast, job: str) -> None:
    retention.tend(later(91))
    retention.tend(later(102))
    Job.objects.filter(pk=job).update(results_deleted=clock.now() - timedelta(days=1))
    cast.agent.upload(job, "late.png", b"late", kind="figure").ok()
    retention.tend(later(103))
    assert Job.objects.get(pk=job).results_deleted is None
    assert folder(job).is_dir()
    retention.tend(later(114))
    assert not folder(job).exists()


def test_files_that_a_crash_left_behind_are_removed(cast: Cast, job: str) -> None:
    retention.tend(later(91))
    retention.tend(later(102))
    folder(job).mkdir()
    (folder(job) / "left").write_bytes(b"x")
    retention.tend(later(103))
    assert not folder(job).exists()
