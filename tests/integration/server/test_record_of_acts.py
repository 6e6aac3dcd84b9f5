"""Acts that touch security are on record: what, who, whose, from where; for good."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.shortcuts import resolve_url
from django.test import Client
from django.urls import reverse
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.domain.acts import Act
from shothub.domain.tokens import OPERATOR_SCOPES, USER_SCOPES
from shothub.runtime import clock
from shothub.server.accounts.models import User
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.audit.append_only import RECORD
from shothub.server.audit.models import Entry
from shothub.server.audit.services import acting, record

Submit = Callable[..., Any]
PASSWORD = "correct-horse-9"
HOUR = timedelta(hours=1)


def last(what: str) -> Entry:
    found = Entry.objects.filter(what=what).order_by("pk").last()
    assert found is not None, f"no {what} on record"
    return found


@pytest.fixture
def carol(db: None) -> User:
    return create_user(username="carol", password=PASSWORD, key="carol")


def log_in(name: str, password: str) -> Client:
    client = Client()
    page = resolve_url(settings.LOGIN_URL)
    client.post(page, {"login": name, "username": name, "password": password})
    return client


@pytest.mark.parametrize(
    "attack",
    ["UPDATE audit_entry SET what = 'x'", "DELETE FROM audit_entry"],
)
def test_the_record_cannot_be_changed(guarded_tables: None, attack: str) -> None:
    record(Act.TOKEN_REVOKED, now=clock.now())
    refused = pytest.raises(IntegrityError, match="never changed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)
    with connection.cursor() as cursor:  # control: without the triggers it works
        RECORD.remove(cursor)
        cursor.execute(attack)
        assert cursor.rowcount


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
def test_the_record_cannot_be_emptied_at_once(guarded_tables: None) -> None:
    record(Act.TOKEN_REVOKED, now=clock.now())
    refused = pytest.raises(IntegrityError, match="never changed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_entry")


def test_what_an_undone_act_recorded_is_undone_too(db: None) -> None:
    before = Entry.objects.count()
    with transaction.atomic():
        record(Act.TOKEN_REVOKED, now=clock.now())
        transaction.set_rollback(True)
    assert Entry.objects.count() == before


def test_logins_and_logouts_are_on_record(carol: User) -> None:
    client = log_in("carol", PASSWORD)
    entry = last("user.logged_in")
    assert (entry.actor, entry.subject, entry.by) == (carol.pk, carol.pk, "session")
    assert entry.address == "127.0.0.1"
    client.post(reverse("account_logout"))
    assert last("user.logged_out").actor == carol.pk


def test_a_failed_login_concerns_the_account_and_names_nobody(carol: User) -> None:
    log_in("carol", "wrong")
    entry = last("user.login_failed")
    assert (entry.subject, entry.actor, entry.by) == (carol.pk, None, "nobody")
    assert entry.address == "127.0.0.1"


def test_a_password_typed_as_a_name_is_not_on_record(carol: User) -> None:
    log_in(PASSWORD, "x")
    entry = last("user.login_failed")
    row = [str(value) for value in vars(entry).values()]
    assert not [value for value in row if PASSWORD in value]


def test_an_act_by_token_names_the_token(cast: Cast) -> None:
    cast.olga("POST", "/apparatus/sim/pause", {"message": "chiller"}).ok()
    entry = last("apparatus.controlled")
    assert entry.actor_name == "olga"
    assert entry.by.startswith("token ")
    assert (entry.on, entry.detail["did"]) == ("apparatus sim", "paused")


def test_nobody_acts_as_who_asked_before_him(cast: Cast) -> None:
    cast.olga("POST", "/apparatus/sim/pause").ok()
    assert cast.stranger("POST", "/apparatus/sim/resume").status == 401
    assert acting().by == "hub"  # a request's actor ends with it


def test_only_what_was_done_is_on_record(cast: Cast) -> None:
    before = Entry.objects.count()
    assert cast.bob("POST", "/apparatus/sim/pause").status == 403
    assert Entry.objects.count() == before


@pytest.mark.parametrize("act", ["hold", "release"])
def test_an_owner_reads_what_an_operator_did_with_his_job(
    cast: Cast, submit: Submit, act: str
) -> None:
    job = submit()["id"]
    scopes = USER_SCOPES | OPERATOR_SCOPES
    now = clock.now()
    olga = Caller(mint_token(user=cast.users["olga"], now=now, scopes=scopes))
    olga("POST", f"/jobs/{job}/hold").ok()
    if act == "release":
        olga("POST", f"/jobs/{job}/release").ok()
    entry = last("job.of_another_controlled")
    assert entry.on == f"job {job}"
    assert (entry.actor_name, entry.subject_name) == ("olga", "alice")


def test_what_an_owner_does_with_his_own_job_is_his_affair(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    before = Entry.objects.count()
    cast.alice("POST", f"/jobs/{job}/hold").ok()
    assert Entry.objects.count() == before


def test_new_apparatus_are_on_record(cast: Cast) -> None:
    assert last("apparatus.created").on == "apparatus other"


def test_new_users_are_on_record(carol: User) -> None:
    entry = last("user.created")
    assert (entry.subject_name, entry.detail["key"]) == ("carol", "carol")


def test_other_limits_are_on_record(cast: Cast) -> None:
    before = Entry.objects.filter(what="apparatus.limits_changed")
    described = [
        {"name": "coil", "device": "ni", "connection": "ao0", "type": "analog"}
    ]
    cast.agent.open(outputs=[{**described[0], "maximum": 5.0}])
    cast.agent.open(outputs=[{**described[0], "maximum": 5.0}])
    assert not before.exists()  # first limits, and the same again
    cast.agent.open(outputs=[{**described[0], "maximum": 9.0}])
    entry = last("apparatus.limits_changed")
    assert (entry.on, entry.detail["outputs"]) == ("apparatus sim", ["coil"])


def test_a_reservation_that_an_operator_cancels_is_on_its_owners_record(
    cast: Cast,
) -> None:
    cast.agent.open(reservations={"hours_per_week": 4.0, "longest_hours": 3.0})
    starts = clock.now() + timedelta(days=2)
    span = {"starts": starts.isoformat(), "ends": (starts + HOUR).isoformat()}
    booked = cast.alice("POST", "/reservations", {"apparatus": "sim", **span}).ok()
    operator = Caller(mint_token(user=cast.users["olga"], now=clock.now()))
    operator("DELETE", f"/reservations/{booked['id']}").ok()
    entry = last("reservation.of_another_changed")
    assert (entry.actor_name, entry.subject_name) == ("olga", "alice")
    assert entry.detail["did"] == "cancelled"
