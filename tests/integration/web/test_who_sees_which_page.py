"""Every page opens for its owner, for nobody else, and asks strangers to log in."""

from collections.abc import Callable

import pytest
from django.test import Client

PAGES = [
    "/",
    "/?state=done&apparatus=sim&tag=x&q=tof",
    "/submit",
    "/apparatus",
    "/apparatus/sim",
    "/apparatus/sim/live",
    "/apparatus/other",
    "/apparatus/sim/connection-table",
    "/apparatus/sim/functions",
    "/apparatus/sim/script",
    "/apparatus/sim/procedures/bec_tof",
    "/tokens",
    "/privacy",
]
JOB_PAGES = [
    "/jobs/{job}",
    "/jobs/{job}?x=shot&y=atom_number/atoms",
    "/jobs/{job}/live",
    "/jobs/{job}/outcome",
    "/jobs/{job}/record",
    "/jobs/{job}/files/previews/absorption/0.png",
    "/jobs/{job}/files/images/absorption/0.npy",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_for_a_user(page: str, alice: Client) -> None:
    assert alice.get(page).status_code == 200


@pytest.mark.parametrize("page", JOB_PAGES)
def test_a_page_of_a_job_opens_for_its_owner(
    page: str, alice: Client, finished_job: str
) -> None:
    response = alice.get(page.format(job=finished_job))
    assert response.status_code == 200
    response.close()


@pytest.mark.parametrize("page", JOB_PAGES)
def test_a_page_of_a_job_is_not_there_for_others(
    page: str, bob: Client, finished_job: str
) -> None:
    response = bob.get(page.format(job=finished_job))
    assert response.status_code == 404
    assert b"tof scan" not in response.content


@pytest.mark.parametrize("page", [*PAGES, *JOB_PAGES])
def test_a_page_asks_a_stranger_to_log_in(
    page: str, browser: Callable[[str], Client], finished_job: str
) -> None:
    response = browser("").get(page.format(job=finished_job))
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login?next=")


def test_a_live_part_whose_session_ended_loads_the_page_again(
    browser: Callable[[str], Client], finished_job: str
) -> None:
    response = browser("").get(
        f"/jobs/{finished_job}/live", headers={"HX-Request": "true"}
    )
    assert response.headers["HX-Refresh"] == "true"


@pytest.mark.parametrize(
    "action", ["/jobs/{job}/cancel", "/apparatus/sim/pause", "/apparatus/sim/resume"]
)
def test_actions_need_a_post(action: str, alice: Client, finished_job: str) -> None:
    assert alice.get(action.format(job=finished_job)).status_code == 405


def test_actions_need_a_csrf_token(cast: object, finished_job: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.users["alice"])  # type: ignore[attr-defined]
    response = client.post("/apparatus/sim/pause")
    assert response.status_code == 403
    assert "keeps no cookies" in response.content.decode()


def test_another_ones_job_cannot_be_cancelled(bob: Client, finished_job: str) -> None:
    assert bob.post(f"/jobs/{finished_job}/cancel").status_code == 404


def test_a_script_form_is_not_for_users_without_the_grant(bob: Client) -> None:
    response = bob.get("/apparatus/sim/script")
    assert response.status_code == 403
    assert "ask the lab" in response.content.decode()


def test_only_an_operator_pauses(browser: Callable[[str], Client], bob: Client) -> None:
    assert bob.post("/apparatus/sim/pause").status_code == 403
    olga = browser("olga")
    assert olga.post("/apparatus/sim/pause").status_code == 302
    page = olga.get("/apparatus/sim").content.decode()
    assert "An operator has paused it" in page
    assert "Resume" in page
    olga.post("/apparatus/sim/resume")
    assert "Pause" in olga.get("/apparatus/sim").content.decode()


def test_a_wrong_password_gets_a_clear_error(
    cast: object, browser: Callable[[str], Client]
) -> None:
    response = browser("").post("/login", {"login": "alice", "password": "wrong"})
    assert "do not fit together" in response.content.decode()


def test_a_page_that_is_not_there_looks_like_the_others(alice: Client) -> None:
    response = alice.get("/no/such/page")
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()
