import ssl
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.fakes.client_hub import FakeHub, course, problem

from shothub.client import (
    Conflict,
    Forbidden,
    HubFailed,
    HubUnreachable,
    NotFound,
    RateLimited,
    Refused,
    Unauthorized,
    UnexpectedAnswer,
)


@pytest.fixture
def fake() -> FakeHub:
    return FakeHub()


def test_a_lost_reply_makes_one_job_with_the_same_key(fake: FakeHub) -> None:
    apparatus = fake.hub().apparatus("sim")
    fake.troubles.extend(["lost", "lost"])
    job = apparatus.run(procedure="bec_tof")
    sent = fake.sent("POST", "/jobs")
    assert len(sent) == 3
    assert len({request.headers["Idempotency-Key"] for request in sent}) == 1
    assert len({request.content for request in sent}) == 1
    assert list(fake.jobs.values()) == [job.view]


def test_two_submissions_are_two_jobs(fake: FakeHub) -> None:
    apparatus = fake.hub().apparatus("sim")
    assert apparatus.run(procedure="p").id != apparatus.run(procedure="p").id


def test_a_token_is_not_asked_for_twice_when_its_reply_was_lost(fake: FakeHub) -> None:
    fake.troubles.append(httpx.ReadError("reset"))
    with pytest.raises(HubUnreachable):
        fake.hub().tokens.create("laptop")
    assert len(fake.sent("POST", "/tokens")) == 1


def test_a_token_is_asked_for_again_when_nothing_was_sent(fake: FakeHub) -> None:
    fake.troubles.append(httpx.ConnectError("refused"))
    with pytest.raises(NotFound):  # the fake hub has no tokens
        fake.hub().tokens.create("laptop")
    assert len(fake.sent("POST", "/tokens")) == 2


def test_connection_errors_are_retried_with_growing_delays(fake: FakeHub) -> None:
    fake.troubles.extend([httpx.ConnectError("refused")] * 4)
    said: list[str] = []
    fake.hub(on_retry=said.append).me()
    assert fake.clock.pauses == [0.25, 0.5, 1.0, 2.0]
    assert "refused" in said[0]


def test_patience_ends_and_the_error_tells_what_to_do(fake: FakeHub) -> None:
    fake.troubles.extend([httpx.ConnectTimeout("slow")] * 100)
    with pytest.raises(HubUnreachable) as caught:
        fake.hub(patience=5.0).me()
    assert fake.clock.time <= 5.0
    assert caught.value.faults[0].where == "http://hub.test"
    assert "jobs on the hub go on" in str(caught.value)


def test_endless_patience_outlasts_an_hour(fake: FakeHub) -> None:
    fake.troubles.extend([httpx.ConnectError("down")] * 250)
    fake.hub(patience=None).me()
    assert fake.clock.time > timedelta(hours=1).total_seconds() * 0.9


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(fake: FakeHub, status: int) -> None:
    fake.troubles.append(problem(status, "busy", headers={"Retry-After": "7"}))
    fake.hub().me()
    assert fake.clock.pauses == [7.0]


def test_retry_after_may_be_a_date(fake: FakeHub) -> None:
    headers = {
        "Retry-After": "Fri, 02 Jan 2026 12:00:09 GMT",
        "Date": "Fri, 02 Jan 2026 12:00:00 GMT",
    }
    fake.troubles.append(problem(503, "busy", headers=headers))
    fake.hub().me()
    assert fake.clock.pauses == [9.0]


def test_a_longer_retry_after_than_patience_is_told_at_once(fake: FakeHub) -> None:
    fake.troubles.append(problem(429, "too_many", headers={"Retry-After": "3600"}))
    with pytest.raises(RateLimited) as caught:
        fake.hub().me()
    assert caught.value.retry_after == 3600
    assert fake.clock.pauses == []


def test_a_bad_certificate_is_not_retried(fake: FakeHub) -> None:
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError("expired")
    fake.troubles.append(error)
    with pytest.raises(HubUnreachable, match="certificate"):
        fake.hub().me()
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (413, Refused),
        (422, Refused),
        (500, HubFailed),
    ],
)
def test_each_refusal_has_its_exception_and_is_not_retried(
    fake: FakeHub, status: int, kind: type[Exception]
) -> None:
    fake.troubles.append(problem(status, "code_x", where="body.x", hint="do that"))
    with pytest.raises(kind) as caught:
        fake.hub().me()
    assert len(fake.requests) == 1
    fault = caught.value.faults[0]  # type: ignore[attr-defined]
    assert (fault.code, fault.where, fault.hint) == ("code_x", "body.x", "do that")


def test_all_faults_of_a_refusal_are_kept(fake: FakeHub) -> None:
    faults = [
        {"code": "a", "detail": "A.", "where": "globals.a"},
        {"code": "b", "detail": "B."},
    ]
    fake.troubles.append(problem(422, "a", faults=faults))
    with pytest.raises(Refused) as caught:
        fake.hub().me()
    assert [fault.code for fault in caught.value.faults] == ["a", "b"]


def test_a_missing_scope_is_named(fake: FakeHub) -> None:
    detail = "The credential lacks the scope jobs:submit."
    fake.troubles.append(problem(403, "missing_scope", detail=detail))
    with pytest.raises(Forbidden) as caught:
        fake.hub().me()
    assert caught.value.scope == "jobs:submit"


def test_a_fault_of_the_hub_gives_the_request_id(fake: FakeHub) -> None:
    fake.troubles.append(problem(500, "internal_error", request_id="r-77"))
    with pytest.raises(HubFailed, match="r-77"):
        fake.hub().me()


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 200, "html": "<h1>Welcome to the hotel</h1>"},
        {"status_code": 200, "json": {"hello": "world"}},
        {"status_code": 404, "html": "not found"},
        {"status_code": 302, "headers": {"location": "https://hub.test/"}},
    ],
)
def test_what_is_no_hub_is_called_so(fake: FakeHub, answer: dict[str, Any]) -> None:
    fake.troubles.append(httpx.Response(**answer))
    with pytest.raises(UnexpectedAnswer):
        fake.hub().me()


def test_a_gateway_error_is_retried_only_where_that_is_safe(fake: FakeHub) -> None:
    fake.troubles.append(httpx.Response(502, html="bad gateway"))
    fake.hub().me()
    assert len(fake.requests) == 2
    fake.troubles.append(httpx.Response(502, html="bad gateway"))
    with pytest.raises(HubFailed):
        fake.hub().tokens.create("laptop")


def test_unknown_fields_of_a_newer_hub_are_ignored(fake: FakeHub) -> None:
    body = {"username": "alice", "key": "alice", "favourite_colour": "blue"}
    fake.answers["GET /me"] = lambda _request: httpx.Response(200, json=body)
    assert fake.hub().me().key == "alice"


def test_a_state_that_is_not_known_is_an_error_not_a_loop(fake: FakeHub) -> None:
    body = {**fake.course[0].model_dump(mode="json"), "state": "levitating"}
    fake.answers["GET /jobs/j1"] = lambda _request: httpx.Response(200, json=body)
    with pytest.raises(UnexpectedAnswer):
        fake.hub().job("j1")


def test_cancelling_survives_a_lost_reply(fake: FakeHub) -> None:
    fake.course = course({"state": "queued"}, {"state": "cancelled"})
    job = fake.hub().job("j1")
    fake.course.popleft()
    fake.answers["POST /jobs/j1/cancel"] = lambda _request: problem(409, "ended")
    fake.troubles.append("lost")
    assert job.cancel().state == "cancelled"


def test_cancelling_a_finished_job_is_a_conflict(fake: FakeHub) -> None:
    fake.course = course({"state": "done"})
    job = fake.hub().job("j1")
    fake.answers["POST /jobs/j1/cancel"] = lambda _request: problem(409, "ended")
    with pytest.raises(Conflict):
        job.cancel()


def test_the_token_is_in_the_header_and_nowhere_else(fake: FakeHub) -> None:
    hub = fake.hub()
    hub.me()
    request = fake.requests[0]
    assert request.headers["Authorization"] == "Bearer shb_pat_x"
    assert "shb_pat" not in str(request.url)
    assert "shb_pat" not in repr(hub)
