"""Staff reads all that is on record, users what concerns their own account."""

import csv
import io
import json
from collections.abc import Callable

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast

from shothub.domain.acts import Act
from shothub.runtime import clock
from shothub.server.accounts.models import User
from shothub.server.audit.services import Account, Actor, acting_as, record
from shothub.server.web.acts import WORDS

Browser = Callable[[str], Client]
ELSEWHERE = "203.0.113.9"


@pytest.fixture
def bobs_secret(cast: Cast) -> None:
    """Something on record that is no business of Alice's."""
    bob = cast.users["bob"]
    with acting_as(Actor(user=bob.pk, name="bob", by="session", address=ELSEWHERE)):
        record(
            Act.TOKEN_CREATED,
            now=clock.now(),
            subject=Account(bob.pk, "bob"),
            on="token bobs-own",
        )


@pytest.fixture
def done_to_alice(cast: Cast) -> None:
    """Something that Olga did to Alice's account, from her home."""
    olga = cast.users["olga"]
    with acting_as(Actor(user=olga.pk, name="olga", by="session", address=ELSEWHERE)):
        record(
            Act.GRANT_CHANGED,
            now=clock.now(),
            subject=Account(cast.users["alice"].pk, "alice"),
            detail={"scripts": True},
        )


@pytest.fixture
def staff(cast: Cast, browser: Browser) -> Client:
    User.objects.filter(username="olga").update(is_staff=True)
    return browser("olga")


def test_every_act_has_words() -> None:
    assert set(WORDS) == set(Act)


def test_a_user_reads_what_concerns_his_account_alone(
    alice: Client, bobs_secret: None, done_to_alice: None
) -> None:
    page = alice.get("/record").content.decode()
    assert "grant changed" in page
    assert "bobs-own" not in page


def test_a_user_does_not_learn_where_others_are(
    alice: Client, done_to_alice: None
) -> None:
    assert ELSEWHERE not in alice.get("/record").content.decode()
    assert ELSEWHERE not in alice.get("/record.csv").content.decode()


def test_staff_reads_all_of_it(
    staff: Client, bobs_secret: None, done_to_alice: None
) -> None:
    page = staff.get("/record").content.decode()
    assert "bobs-own" in page
    assert ELSEWHERE in page


@pytest.mark.parametrize("query", ["what=token", "what=token.created", "who=bob"])
def test_it_is_narrowed(
    staff: Client, bobs_secret: None, done_to_alice: None, query: str
) -> None:
    page = staff.get(f"/record?{query}").content.decode()
    assert "bobs-own" in page
    assert "scripts: True" not in page


def test_filters_do_not_widen_what_one_may_read(
    alice: Client, bobs_secret: None
) -> None:
    assert "bobs-own" not in alice.get("/record?who=bob").content.decode()


def test_days_that_are_none_are_refused(alice: Client) -> None:
    assert alice.get("/record?since=yesterday").status_code == 400
    assert alice.get("/record?since=2026-01-01&until=2026-12-31").status_code == 200


def test_it_comes_in_pages(cast: Cast, staff: Client) -> None:
    for number in range(150):
        record(Act.LIMITS_CHANGED, now=clock.now(), on=f"limit {number}.")
    first = staff.get("/record?what=apparatus.limits_changed")
    assert "limit 149." in first.content.decode()
    assert "limit 49." not in first.content.decode()
    older = first.context["older"]
    second = staff.get(f"/record?what=apparatus.limits_changed&before={older}")
    assert "limit 49." in second.content.decode()
    assert second.context["older"] is None


def test_it_is_saved_as_a_table_and_as_json(staff: Client, bobs_secret: None) -> None:
    table = staff.get("/record.csv?on=bobs-own").content.decode()
    [row] = list(csv.DictReader(io.StringIO(table)))
    assert (row["what"], row["actor"]) == ("token.created", "bob")
    [line] = staff.get("/record.jsonl?on=bobs-own").content.decode().splitlines()
    assert json.loads(line)["on"] == "token bobs-own"
    assert staff.get("/record.exe").status_code == 404


def test_no_cell_of_the_table_is_a_formula(cast: Cast, staff: Client) -> None:
    record(Act.GROUP_CHANGED, now=clock.now(), on="=HYPERLINK(1)")
    table = staff.get("/record.csv?what=group").content.decode()
    assert "'=HYPERLINK" in table
    assert ",=" not in table


def test_it_cannot_be_posted_to(alice: Client) -> None:
    assert alice.post("/record").status_code == 405
