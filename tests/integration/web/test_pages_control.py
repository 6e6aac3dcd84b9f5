"""Holding, deciding, draining and quotas on the pages."""

from collections.abc import Callable

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.web.alices_jobs import submit

from shothub.runtime import clock
from shothub.server.accounts import group_services
from shothub.server.jobs.models import Job

Browser = Callable[[str], Client]


def page(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_a_job_is_held_and_released_by_buttons(cast: Cast, alice: Client) -> None:
    job = submit(cast)
    assert "Hold" in page(alice, f"/jobs/{job}")
    alice.post(f"/jobs/{job}/hold")
    shown = page(alice, f"/jobs/{job}")
    assert "Release" in shown
    assert "holds it back" in shown
    alice.post(f"/jobs/{job}/release")
    assert "holds it back" not in page(alice, f"/jobs/{job}")


def test_a_job_that_cannot_wait_offers_no_hold(
    alice: Client, finished_job: str
) -> None:
    assert ">Hold<" not in page(alice, f"/jobs/{finished_job}")
    assert alice.post(f"/jobs/{finished_job}/hold").status_code == 302


@pytest.mark.parametrize("choice", ["keep", "give_up", "rerun"])
def test_each_choice_about_an_unknown_shot_is_a_button(
    alice: Client, finished_job: str, choice: str
) -> None:
    shown = page(alice, f"/jobs/{finished_job}")
    assert "Unknown outcome" in shown
    assert f'value="{choice}"' in shown
    decision = f"/jobs/{finished_job}/shots/2/decision"
    assert alice.post(decision, {"choice": choice}).status_code == 302
    shown = page(alice, f"/jobs/{finished_job}")
    assert "Unknown outcome" not in shown
    state = Job.objects.get(pk=finished_job).state
    assert state == ("queued" if choice == "rerun" else "done")


def test_no_other_choice_is_taken(
    alice: Client, bob: Client, finished_job: str
) -> None:
    decision = f"/jobs/{finished_job}/shots/2/decision"
    assert alice.post(decision, {"choice": "fire"}).status_code == 400
    assert bob.post(decision, {"choice": "keep"}).status_code == 404
    assert alice.get(decision).status_code == 405


def test_operators_find_undecided_shots_on_the_apparatus_page(
    browser: Browser, bob: Client, finished_job: str
) -> None:
    olga = browser("olga")
    assert finished_job in page(olga, "/apparatus/sim")
    assert "Shots of unknown outcome" not in page(bob, "/apparatus/sim")
    answer = olga.post(
        f"/jobs/{finished_job}/shots/2/decision", {"choice": "rerun", "back": "sim"}
    )
    assert answer.headers["Location"] == "/apparatus/sim"
    assert "Shots of unknown outcome" not in page(olga, "/apparatus/sim")


def test_an_operator_drains_with_a_message_that_users_read(
    cast: Cast, browser: Browser, alice: Client
) -> None:
    olga = browser("olga")
    assert "Operate" not in page(alice, "/apparatus/sim")
    drained = {"do": "drain", "message": "new coils at noon"}
    assert olga.post("/apparatus/sim/pause", drained).status_code == 302
    for path in ("/apparatus/sim", f"/jobs/{submit(cast)}"):
        assert "new coils at noon" in page(alice, path)
    olga.post("/apparatus/sim/resume")
    assert "new coils at noon" not in page(alice, "/apparatus/sim")


def test_the_form_takes_terms(cast: Cast, alice: Client) -> None:
    group = group_services.create_group(
        name="atoms", now=cast.users["alice"].date_joined
    )
    group_services.set_member(group, cast.users["alice"], now=clock.now())
    form = "/apparatus/sim/procedures/bec_tof"
    shown = page(alice, form)
    assert "Advanced" in shown
    assert '<option value="atoms">' in shown
    filled = {"g.tof": "0.01", "g.atoms": "1", "do": "submit", "priority": "0"}
    terms = {"hold": "on", "group": "atoms", "not_before": "2999-01-01T10:00"}
    alice.post(form, filled | terms)
    job = Job.objects.get()
    assert (job.held, job.group_id, job.barred) == (True, group.pk, "held")
    assert job.not_before is not None
    assert job.not_before.year == 2999


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("not_before", "soon", "A time such as"),
        ("after", "no id!", "job ids"),
        ("start_by", "2001-01-01T10:00", "is over"),
        ("after", "zzzzzzzzzzzz", "no job"),
    ],
)
def test_terms_that_make_no_sense_are_told(
    cast: Cast, alice: Client, name: str, value: str, said: str
) -> None:
    filled = {"g.tof": "0.01", "g.atoms": "1", "do": "submit", "priority": "0"}
    form = "/apparatus/sim/procedures/bec_tof"
    answer = alice.post(form, filled | {name: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Job.objects.exists()


def test_everybody_sees_what_he_takes_of_his_quotas(cast: Cast, alice: Client) -> None:
    group_services.set_quota(limits={"machine_day": 3600}, now=clock.now())
    assert "/quotas" in page(alice, "/")
    shown = page(alice, "/quotas")
    assert "Machine time in 24 hours" in shown
    assert "3,600 s" in shown
