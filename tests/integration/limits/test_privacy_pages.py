"""The page of what is stored: what, why, until when; the download; keeping results."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast

from shothub.runtime import clock
from shothub.server.jobs.models import Job
from shothub.server.results import retention
from shothub.server.results.personal_kinds import KINDS

Configured = Callable[..., None]
BODY = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


@pytest.fixture
def browser(cast: Cast) -> Callable[[str], Client]:
    def of(name: str) -> Client:
        client = Client()
        client.force_login(cast.users[name])
        return client

    return of


@pytest.fixture
def alice(browser: Callable[[str], Client]) -> Client:
    return browser("alice")


def finished(cast: Cast) -> str:
    job = str(cast.alice("POST", "/jobs", BODY | {"name": "tof scan"}).ok()["id"])
    cast.agent.compile_one(shots=1)
    cast.agent.run_one(atoms=1.0, fraction=0.5)
    assert cast.agent.end_job() == job
    return job


def test_the_page_names_every_kind(alice: Client) -> None:
    text = alice.get("/privacy").content.decode().casefold()
    for kind in KINDS:
        assert kind.until.casefold() in text
        assert kind.what.partition(" ")[0] in text
    assert "this hub deletes no results" in text
    assert "What is stored about you" in alice.get("/").content.decode()


def test_the_download_is_the_export(cast: Cast, alice: Client) -> None:
    finished(cast)
    assert alice.get("/privacy/export").status_code == 405
    answer = alice.post("/privacy/export")
    assert 'filename="shothub-alice.json"' in answer.headers["Content-Disposition"]
    told = json.loads(answer.getvalue())
    assert [row["name"] for row in told["jobs"]] == ["tof scan"]


def test_results_that_end_soon_are_shown_and_can_be_kept(
    cast: Cast, alice: Client, configured: Configured
) -> None:
    configured(keep_results_days=30, warn_results_days=5)
    job = finished(cast)
    assert "None of yours" in alice.get("/privacy").content.decode()
    retention.tend(clock.now() + timedelta(days=26))
    page = alice.get("/privacy").content.decode()
    assert "30 days after its end" in page
    assert "tof scan" in page
    assert "will be deleted on" in alice.get(f"/jobs/{job}").content.decode()
    answer = alice.post(f"/jobs/{job}/keep", {"back": "privacy"})
    assert answer.headers["Location"] == "/privacy#results"
    assert Job.objects.get(pk=job).kept
    assert "are kept however old" in alice.get(f"/jobs/{job}").content.decode()
    alice.post(f"/jobs/{job}/keep", {"keep": "no"})
    assert not Job.objects.get(pk=job).kept


def test_a_job_whose_results_are_gone_says_so(
    cast: Cast, alice: Client, configured: Configured
) -> None:
    configured(keep_results_days=30, warn_results_days=5)
    job = finished(cast)
    for days in (26, 32):
        retention.tend(clock.now() + timedelta(days=days))
    page = alice.get(f"/jobs/{job}").content.decode()
    assert "were deleted on" in page
    assert "Keep the results" not in page


def test_another_user_keeps_nothing(
    cast: Cast, browser: Callable[[str], Client]
) -> None:
    job = finished(cast)
    assert browser("bob").post(f"/jobs/{job}/keep").status_code == 404
    assert not Job.objects.get(pk=job).kept
