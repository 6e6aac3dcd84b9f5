"""A token for some apparatus only: the others are not there for it, whatever it asks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.runtime import clock
from shothub.server.accounts.grant_services import grant
from shothub.server.accounts.models import Token
from shothub.server.accounts.services import authenticate, mint_token
from shothub.server.audit.models import Entry
from shothub.server.outbox.models import Message
from shothub.server.outbox.services import hears, tell

Submit = Callable[..., Any]


def bound(cast: Cast, *apparatus: str, user: str = "alice", **more: Any) -> Caller:
    raw = mint_token(user=cast.users[user], now=clock.now(), only_on=apparatus, **more)
    return Caller(raw)


@pytest.mark.parametrize(
    "path",
    ["", "/procedures", "/api", "/outputs", "/connection-table", "/queue"],
)
def test_another_apparatus_is_not_there(cast: Cast, path: str) -> None:
    caller = bound(cast, "sim")
    assert caller("GET", f"/apparatus/sim{path}").status == 200
    answer = caller("GET", f"/apparatus/other{path}")
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert "sim only" in answer.body["hint"]
    assert cast.alice("GET", f"/apparatus/other{path}").status == 200  # the control


def test_it_lists_its_own_apparatus_only(cast: Cast) -> None:
    names = [a["name"] for a in bound(cast, "sim")("GET", "/apparatus").ok()]
    assert names == ["sim"]
    assert len(cast.alice("GET", "/apparatus").ok()) == 2


def test_it_submits_to_its_own_apparatus_only(cast: Cast) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    answer = bound(cast, "other")("POST", "/jobs", body)
    assert (answer.status, answer.body["code"]) == (403, "not_for_apparatus")
    assert bound(cast, "other")("POST", "/jobs?dry_run=1", body).status == 403
    assert bound(cast, "other", "sim")("POST", "/jobs", body).status == 201


@pytest.mark.parametrize(
    "path", ["", "/shots", "/results", "/files", "/logs", "/events"]
)
def test_a_job_elsewhere_is_not_there_though_it_is_ones_own(
    cast: Cast, submit: Submit, path: str
) -> None:
    job = submit()["id"]
    assert bound(cast, "other")("GET", f"/jobs/{job}{path}").status == 404
    assert bound(cast, "sim")("GET", f"/jobs/{job}{path}").status == 200


def test_a_job_elsewhere_is_neither_listed_nor_cancelled(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    caller = bound(cast, "other")
    assert caller("GET", "/jobs").ok()["jobs"] == []
    assert caller("POST", f"/jobs/{job}/cancel").status == 404
    assert cast.alice("GET", f"/jobs/{job}").ok()["state"] == "submitted"


def test_an_operators_token_controls_its_own_apparatus_only(cast: Cast) -> None:
    scopes = ["apparatus:read", "apparatus:control", "queue:manage"]
    caller = bound(cast, "other", user="olga", scopes=scopes)
    answer = caller("POST", "/apparatus/sim/pause")
    assert (answer.status, answer.body["code"]) == (403, "missing_scope")
    grant(user=cast.users["olga"], apparatus="other", operator=True, now=clock.now())
    assert caller("POST", "/apparatus/sim/pause").status == 404
    assert caller("POST", "/apparatus/other/pause").status == 200
    caller = bound(cast, "sim", user="olga", scopes=scopes)
    assert caller("POST", "/apparatus/sim/pause").status == 200


@pytest.mark.parametrize("staff", [False, True])
def test_its_feed_is_of_its_own_apparatus(
    cast: Cast, submit: Submit, staff: bool
) -> None:
    submit()
    user = cast.users["olga"]
    user.is_staff = staff
    user.save()
    scopes = ["apparatus:read", "queue:manage", "apparatus:control", "jobs:read"]
    elsewhere = bound(cast, "other", user="olga", scopes=scopes)
    answer = elsewhere("GET", "/events?since=0")
    if staff:
        assert answer.ok()["events"] == []
    else:
        assert answer.status == 403
    here = bound(cast, "sim", user="olga", scopes=scopes)
    assert here("GET", "/events?since=0").ok()["events"]


def test_its_calendar_is_of_its_own_apparatus(cast: Cast) -> None:
    cast.agent.open(reservations={"hours_per_week": 4.0, "longest_hours": 3.0})
    begin = clock.now() + timedelta(hours=2)
    asked = {
        "apparatus": "sim",
        "starts": begin.isoformat(),
        "ends": (begin + timedelta(hours=1)).isoformat(),
    }
    caller = bound(cast, "other")
    assert caller("POST", "/reservations", asked).status == 404
    number = bound(cast, "sim")("POST", "/reservations", asked).ok()["id"]
    assert caller("GET", "/reservations").ok() == []
    assert caller("GET", f"/reservations/{number}").status == 404
    assert caller("DELETE", f"/reservations/{number}").status == 404
    assert len(bound(cast, "sim")("GET", "/reservations").ok()) == 1


def test_it_asks_for_turns_on_its_own_apparatus_only(cast: Cast) -> None:
    caller = bound(cast, "other")
    assert caller("POST", "/sessions", {"apparatus": "sim"}).status == 404
    assert caller("GET", "/sessions?apparatus=sim").status == 404


def test_its_webhooks_hear_of_its_own_apparatus_only(cast: Cast) -> None:
    asked = {"url": "https://example.org/hook", "events": ["done"]}
    hook = bound(cast, "sim")("POST", "/webhooks", asked).ok()["id"]

    def heard(**data: JsonValue) -> int:
        before = Message.objects.count()
        alice = cast.users["alice"].pk
        tell(alice, "done", "A job", "It ended.", now=clock.now(), data=data)
        return Message.objects.count() - before

    assert (heard(apparatus="sim"), heard(apparatus="other"), heard()) == (1, 0, 0)
    assert hears(cast.users["alice"].pk, "done")
    elsewhere = bound(cast, "other")
    assert elsewhere("GET", "/webhooks").ok() == []
    assert elsewhere("GET", f"/webhooks/{hook}/deliveries").status == 404
    assert elsewhere("DELETE", f"/webhooks/{hook}").status == 404
    assert len(cast.alice("GET", "/webhooks").ok()) == 1


def test_a_webhook_of_an_unbound_token_hears_of_all(cast: Cast) -> None:
    """The control: it is the token's bound that kept the other one from hearing."""
    asked = {"url": "https://example.org/hook", "events": ["done"]}
    cast.alice("POST", "/webhooks", asked).ok()
    for data in ({"apparatus": "sim"}, {"apparatus": "other"}, {}):
        told: dict[str, JsonValue] = {**data}
        tell(
            cast.users["alice"].pk, "done", "A job", "Well.", now=clock.now(), data=told
        )
    assert Message.objects.count() == 3


def test_a_child_is_bound_as_its_parent_is(cast: Cast) -> None:
    caller = bound(cast, "sim")

    def child(**more: Any) -> tuple[int, Any]:
        asked = {"name": "child", "scopes": ["jobs:read"], "days": 3}
        answer = caller("POST", "/tokens", asked | more)
        return answer.status, answer.body.get("apparatus", answer.body.get("code"))

    assert child() == (201, ["sim"])
    assert child(apparatus=["sim"]) == (201, ["sim"])
    assert child(apparatus=["sim", "other"]) == (403, "exceeds")
    assert child(apparatus=["other"]) == (403, "exceeds")
    assert child(apparatus=["nowhere"]) == (422, "unknown_apparatus")


def test_one_is_told_what_a_token_is_bound_to(cast: Cast) -> None:
    assert bound(cast, "sim")("GET", "/me").ok()["only_on"] == ["sim"]
    listed = cast.alice("GET", "/tokens").ok()
    assert [t["apparatus"] for t in listed] == [["sim"], []]


def test_one_sees_when_and_from_where_a_token_was_last_used(cast: Cast) -> None:
    raw, now = mint_token(user=cast.users["bob"], now=clock.now()), clock.now()
    authenticate(raw, now=now, address="198.51.100.7")
    [token, _] = cast.bob("GET", "/tokens").ok()
    assert token["last_address"] == "198.51.100.7"
    assert token["last_used"] is not None


def test_a_token_may_end_itself_whatever_its_scopes(cast: Cast) -> None:
    raw = mint_token(user=cast.users["bob"], now=clock.now(), scopes=[])
    assert Caller(raw)("DELETE", "/me/token").ok()["revoked"]
    assert Caller(raw)("GET", "/me").status == 401
    assert cast.bob("GET", "/me").status == 200


def test_ending_itself_ends_its_children_too(cast: Cast) -> None:
    asked = {"name": "child", "scopes": ["jobs:read"], "days": 3}
    child = cast.alice("POST", "/tokens", asked).ok()["token"]
    cast.alice("DELETE", "/me/token").ok()
    assert Caller(child)("GET", "/me").status == 401


def test_what_is_done_with_a_token_is_on_the_record(cast: Cast) -> None:
    asked = {"name": "child", "scopes": ["jobs:read"], "days": 3}
    child = cast.alice("POST", "/tokens", asked).ok()
    cast.alice("DELETE", f"/tokens/{child['id']}").ok()
    entries = Entry.objects.filter(on=f"token {child['id']}").order_by("id")
    assert [e.what for e in entries] == ["token.created", "token.revoked"]
    assert {e.subject for e in entries} == {cast.users["alice"].pk}
    assert {e.actor for e in entries} == {cast.users["alice"].pk}
    secret = child["token"].split("_")[3]
    assert all(secret not in str(vars(entry)) for entry in entries)
    assert Token.objects.filter(ident=child["id"]).exists()  # never deleted


@pytest.mark.parametrize("ident", ["%00", "x", "%C2%B2", "a" * 200, "shb_pat_x"])
def test_a_token_that_there_is_not_is_not_revoked(cast: Cast, ident: str) -> None:
    answer = cast.alice("DELETE", f"/tokens/{ident}")
    assert (answer.status, answer.body["code"]) == (404, "not_found")
