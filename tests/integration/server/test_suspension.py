"""A suspended user is out at once, and nothing of his starts until he is let in again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.domain.tokens import OPERATOR_SCOPES, USER_SCOPES
from shothub.runtime import clock
from shothub.server.accounts.models import Token
from shothub.server.accounts.services import authenticate, mint_token
from shothub.server.api import access
from shothub.server.apparatus.models import Apparatus
from shothub.server.audit.models import Entry
from shothub.server.jobs.models import Job
from shothub.server.jobs.services.suspension import reinstate, suspend
from shothub.server.refusals import Conflict, Invalid, NotThere
from shothub.server.reservations.models import Reservation

Submit = Callable[..., Any]
WHY = "Burnt the MOT coils."


def out(username: str = "alice", **more: Any) -> Any:
    return suspend(username, why=WHY, now=clock.now(), **more)


def test_his_tokens_are_dead_when_the_call_returns(cast: Cast) -> None:
    assert cast.alice("GET", "/me").status == 200  # control
    assert out().tokens == 1
    assert cast.alice("GET", "/me").status == 401
    assert cast.bob("GET", "/me").status == 200


def test_his_sessions_are_dead_when_the_call_returns(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.users["alice"])
    assert client.get("/tokens").status_code == 200  # control
    out()
    assert client.get("/tokens").status_code == 302
    assert client.get("/api/v1/me").status_code == 401


def test_tokens_stay_dead_after_he_is_let_in_again(cast: Cast) -> None:
    out()
    reinstate("alice", now=clock.now())
    assert cast.alice("GET", "/me").status == 401
    fresh = Caller(mint_token(user=cast.users["alice"], now=clock.now()))
    assert fresh("GET", "/me").status == 200


def test_what_waits_is_held_and_goes_on_once_he_is_let_in(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=1)
    assert out().jobs == 1
    assert cast.agent.lease() == []
    reinstate("alice", now=clock.now())
    [lease] = cast.agent.lease()
    assert lease["job"] == job


def test_what_was_leased_ahead_cannot_start(cast: Cast, submit: Submit) -> None:
    submit()
    cast.agent.compile_one(shots=1)
    [lease] = cast.agent.lease()
    out()
    assert cast.agent.start(lease).status == 409


def test_the_shot_that_runs_ends_by_itself(cast: Cast, submit: Submit) -> None:
    submit()
    cast.agent.compile_one(shots=2)
    [lease, *_] = cast.agent.lease()
    attempt = cast.agent.start(lease).ok()["attempt"]
    out()
    cast.agent.finish(attempt).ok()
    job = Job.objects.get()
    assert (job.shots_done, job.held_by) == (1, "the lab")
    assert cast.agent.lease() == []


def test_his_jobs_can_be_cancelled_instead(cast: Cast, submit: Submit) -> None:
    submit()
    assert out(cancel=True).jobs == 1
    assert Job.objects.get().state == "cancelled"


def test_what_an_operator_held_stays_held(cast: Cast, submit: Submit) -> None:
    submit()
    Job.objects.update(held_by="olga")
    out()
    reinstate("alice", now=clock.now())
    assert Job.objects.get().held_by == "olga"


@pytest.mark.parametrize("held_by", ["the lab", "olga"])
def test_no_operator_releases_what_is_his(
    cast: Cast, submit: Submit, held_by: str
) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=1)
    out()
    Job.objects.update(held_by=held_by)
    may = USER_SCOPES | OPERATOR_SCOPES
    token = mint_token(user=cast.users["olga"], now=clock.now(), scopes=may)
    olga = Caller(token)
    refused = olga("POST", f"/jobs/{job}/release")
    assert (refused.status, refused.body["code"]) == (409, "owner_suspended")
    assert cast.agent.lease() == []
    reinstate("alice", now=clock.now())
    olga("POST", f"/jobs/{job}/release").ok()  # control
    assert len(cast.agent.lease()) == 1


def test_others_jobs_go_on(cast: Cast, submit: Submit) -> None:
    submit(cast.bob)
    cast.agent.compile_one(shots=1)
    out()
    assert len(cast.agent.lease()) == 1


def test_his_reserved_time_is_everybodys_again(cast: Cast) -> None:
    sim = Apparatus.objects.get(name="sim")
    starts = clock.now() + timedelta(hours=1)
    for kind in ("exclusive", "maintenance"):
        Reservation.objects.create(
            apparatus=sim,
            kind=kind,
            owner=cast.users["alice"],
            starts=starts,
            ends=starts + timedelta(hours=1),
            created=starts,
        )
        starts += timedelta(hours=2)
    assert out().reservations == 1
    [standing] = Reservation.objects.filter(cancelled=None)
    assert standing.kind == "maintenance"


def test_an_agent_whose_token_is_his_is_named_and_cut_off(cast: Cast) -> None:
    assert out("robot").agents == ("sim",)
    assert cast.agent.poll().status == 401
    assert not Token.objects.filter(kind="agt").exclude(revoked=None).exists()
    reinstate("robot", now=clock.now())
    assert cast.agent.poll().status == 200


def test_it_is_on_record_with_the_reason(cast: Cast) -> None:
    out()
    entry = Entry.objects.get(what="user.suspended")
    assert entry.subject_name == "alice"
    assert entry.detail["why"] == WHY


@pytest.mark.parametrize("why", ["", "  ", "x" * 501])
def test_a_reason_is_needed(cast: Cast, why: str) -> None:
    with pytest.raises(Invalid, match="why"):
        suspend("alice", why=why, now=clock.now())


def test_nobody_suspends_himself(cast: Cast) -> None:
    with pytest.raises(Conflict, match="himself"):
        out(by=cast.users["alice"].pk)


def test_only_the_active_are_suspended_and_only_the_suspended_let_in(
    cast: Cast,
) -> None:
    with pytest.raises(NotThere):
        out("nobody")
    with pytest.raises(Conflict, match="not suspended"):
        reinstate("alice", now=clock.now())
    out()
    with pytest.raises(Conflict, match="suspended"):
        out()


def test_a_request_that_was_let_in_just_before_adds_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = authenticate(token_of(cast.alice), now=clock.now())
    out()
    monkeypatch.setattr(access, "authenticate", lambda *_, **__: known)
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    assert cast.alice("POST", "/jobs", body).status == 401
    made = {"name": "x", "scopes": ["jobs:read"], "days": 1}
    assert cast.alice("POST", "/tokens", made).status == 401
    assert not Job.objects.exists()


def token_of(caller: Caller) -> str:
    return caller.headers["Authorization"].removeprefix("Bearer ")
