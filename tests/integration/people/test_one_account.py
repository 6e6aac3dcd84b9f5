"""One's own account: password, address, sessions, second factors, and leaving."""

import re
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.core import mail
from django.db import transaction
from django.test import Client
from tests.integration.people.conftest import PASSWORD
from tests.integration.server.hub_cast import Cast

from shothub.runtime import clock
from shothub.server.accounts import people_queries, people_services
from shothub.server.accounts.models import Token, User
from shothub.server.accounts.services import set_password
from shothub.server.audit.models import Entry
from shothub.server.jobs.models import Job

OTHER = "another-horse-8"
APP = "/account/second-factor/app"
CODES = "/account/second-factor/codes"


@pytest.fixture(autouse=True)
def _mailing(configured: Callable[..., None]) -> None:
    configured(smtp_host="mail.test")


@pytest.fixture
def alice(cast: Cast) -> User:
    """Alice, who has a password and an address."""
    user = cast.users["alice"]
    set_password(user, PASSWORD)
    user.email = "alice@example.org"
    user.save()
    people_services.vouch(user)
    return User.objects.get(pk=user.pk)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do at once what is done when a transaction commits, which a test's never does."""
    monkeypatch.setattr(transaction, "on_commit", lambda do, **_: do())


def log_in(**more: str) -> Client:
    client = Client()
    client.post("/login", {"login": "alice", "password": PASSWORD} | more)
    return client


def is_in(client: Client) -> bool:
    return bool(client.get("/tokens").status_code == 200)


def acts() -> list[str]:
    return list(Entry.objects.order_by("id").values_list("what", flat=True))


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def prove(client: Client, page: str) -> None:
    """Show the password again, as pages ask for that change how one logs in."""
    asked = client.get(page)
    assert asked.headers["Location"].startswith("/account/prove")
    client.post(asked.headers["Location"], {"password": PASSWORD})


def add_app(client: Client) -> str:
    """Add an authenticator app; return its secret."""
    prove(client, APP)
    text = client.get(APP).content.decode()
    found = re.search(r'value="([A-Z2-7]{32})"', text)
    assert found is not None
    client.post(APP, {"code": code_of(found[1])})
    return found[1]


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org"])
def test_one_logs_in_by_name_or_address(alice: User, name: str) -> None:
    assert is_in(log_in(login=name))


def test_a_user_of_the_lab_without_any_address_logs_in(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(email="")
    EmailAddress.objects.all().delete()
    assert is_in(log_in())


def test_guessing_a_password_is_stopped_even_for_the_right_one(alice: User) -> None:
    for _ in range(5):
        assert not is_in(log_in(password="wrong"))
    client = Client()
    page = client.post("/login", {"login": "alice", "password": PASSWORD})
    assert "Too many tries" in page.content.decode()
    assert not is_in(client)


def test_login_answers_the_same_for_a_name_that_nobody_has(alice: User) -> None:
    known = Client().post("/login", {"login": "alice", "password": "wrong"})
    unknown = Client().post("/login", {"login": "nobody", "password": "wrong"})
    assert known.status_code == unknown.status_code
    texts = [
        re.sub(r"csrf\w+\"[^>]*|nobody|alice", "", page.content.decode())
        for page in (known, unknown)
    ]
    assert texts[0] == texts[1]


def test_who_is_suspended_is_logged_out_at_once_and_told_why(alice: User) -> None:
    client = log_in()
    User.objects.filter(pk=alice.pk).update(
        state="suspended", is_active=False, suspended_why="the laser lock was moved"
    )
    assert not is_in(client)
    page = Client().post("/login", {"login": "alice", "password": PASSWORD})
    assert page.status_code == 403
    assert "the laser lock was moved" in page.content.decode()
    stranger = Client().post("/login", {"login": "alice", "password": "wrong"})
    assert "laser" not in stranger.content.decode()


def test_a_session_does_not_survive_a_change_of_state_alone(alice: User) -> None:
    client = log_in()
    User.objects.filter(pk=alice.pk).update(state="suspended")
    assert not is_in(client)


def test_a_changed_password_ends_the_other_sessions(alice: User) -> None:
    client, other = log_in(), log_in()
    asked = {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
    client.post("/account/password", asked)
    assert is_in(client)
    assert not is_in(other)
    assert "user.password_changed" in acts()
    assert "Your account was changed" in mail.outbox[-1].body


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(
    alice: User,
) -> None:
    stolen = log_in()
    client = Client()
    client.post("/account/password/forgotten", {"email": "alice@example.org"})
    found = re.search(r"http://testserver(/account/password/new/\S+)", _last_mail())
    assert found is not None
    form = client.get(found[1], follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": OTHER, "password2": OTHER})
    assert is_in(log_in(password=OTHER))
    assert not is_in(stolen)
    again = Client().get(found[1], follow=True).content.decode()
    assert "not good any more" in again


def _last_mail() -> str:
    return str(mail.outbox[-1].body)


def test_asking_for_a_password_of_nobody_looks_the_same(alice: User) -> None:
    answers = [
        Client().post("/account/password/forgotten", {"email": email})
        for email in ("alice@example.org", "nobody@example.org")
    ]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert "no account here has this address" in _last_mail()


def test_a_new_address_holds_once_it_is_confirmed(alice: User) -> None:
    client = log_in()
    wanted = {"action_add": "", "email": "alice@new.example"}
    asked = client.post("/account/email", wanted).headers["Location"]
    assert not mail.outbox
    client.post(asked, {"password": PASSWORD})
    assert User.objects.get(pk=alice.pk).email == "alice@example.org"
    link = re.search(r"http://testserver(/account/email/confirm/\S+)", _last_mail())
    assert link is not None
    assert "waits to be confirmed" in client.get("/account").content.decode()
    client.post(link[1])
    assert User.objects.get(pk=alice.pk).email == "alice@new.example"
    assert "user.email_changed" in acts()
    assert "alice@example.org" in {to for sent in mail.outbox for to in sent.to}


def test_sessions_are_listed_and_the_others_ended(alice: User) -> None:
    client, other = log_in(), log_in()
    page = client.get("/account/sessions").content.decode()
    assert page.count("127.0.0.1") == 2
    client.post("/account/sessions")
    assert is_in(client)
    assert not is_in(other)
    assert UserSession.objects.filter(user=alice).count() == 1
    assert acts()[-1] == "user.session_ended"


def test_sessions_that_are_over_are_forgotten(alice: User) -> None:
    client = log_in()
    people_services.forget_old_sessions(clock.now())
    assert is_in(client)
    assert UserSession.objects.count() == 1
    people_services.forget_old_sessions(clock.now() + timedelta(days=15))
    assert not is_in(client)
    assert not UserSession.objects.exists()


def test_a_second_factor_is_asked_for_and_must_be_right(alice: User) -> None:
    secret = add_app(log_in())
    client = log_in()
    assert not is_in(client)
    ask = "/account/second-factor/ask"
    assert client.get("/login", follow=True).status_code == 200
    client.post(ask, {"code": "000000"})
    assert not is_in(client)
    assert acts()[-1] == "user.login_failed"
    Authenticator.objects.filter(type="totp").update(last_used_at=None)
    client.post(ask, {"code": code_of(secret)})
    assert is_in(client) or _used_a_moment_ago(client, ask, secret)


def _used_a_moment_ago(client: Client, ask: str, secret: str) -> bool:
    """A code is good once: the one that added the app was the present one."""
    later = format_hotp_value(hotp_value(secret, int(time.time()) // 30 + 1))
    client.post(ask, {"code": later})
    return is_in(client)


def test_a_code_of_the_app_is_good_once(alice: User) -> None:
    secret = add_app(log_in())
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30 + 1))
    first, second = log_in(), log_in()
    first.post("/account/second-factor/ask", {"code": code})
    second.post("/account/second-factor/ask", {"code": code})
    assert is_in(first)
    assert not is_in(second)


def test_guessing_codes_is_stopped(alice: User) -> None:
    secret = add_app(log_in())
    client = log_in()
    for _ in range(5):
        client.post("/account/second-factor/ask", {"code": "123456"})
    later = format_hotp_value(hotp_value(secret, int(time.time()) // 30 + 1))
    page = client.post("/account/second-factor/ask", {"code": later})
    assert not is_in(client)
    assert "Too many tries" in page.content.decode()


def test_a_recovery_code_stands_in_once_and_is_on_the_record(
    alice: User, commits: None
) -> None:
    client = log_in()
    add_app(client)
    page = client.get(CODES).content.decode()
    code = re.search(r"<textarea[^>]*>\s*(\S+)", page)
    assert code is not None
    for expected in (True, False):
        other = log_in()
        other.post("/account/second-factor/ask", {"code": code[1]})
        assert is_in(other) is expected
    assert "user.recovery_codes_made" in acts()
    assert "user.recovery_code_used" in acts()


def test_secrets_of_second_factors_are_stored_encrypted(
    alice: User, commits: None
) -> None:
    secret = add_app(log_in())
    [stored] = Authenticator.objects.filter(type="totp")
    assert secret not in str(stored.data)
    assert "user.second_factor_added" in acts()


def test_a_second_factor_is_not_removed_without_proof(alice: User) -> None:
    add_app(log_in())
    client = Client()
    client.force_login(alice)
    answer = client.post(f"{APP}/remove")
    assert "prove" in answer.headers["Location"]
    assert Authenticator.objects.filter(type="totp").exists()


def test_djangos_own_login_page_does_not_avoid_the_second_factor(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    add_app(log_in())
    client = Client()
    asked = {"username": "alice", "password": PASSWORD, "next": "/admin/"}
    client.post("/admin/login/", asked)
    assert client.get("/admin/").status_code == 302
    assert not is_in(client)


def test_closing_needs_the_password_and_the_name(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    form = {"username": "alice"}
    asked = client.post("/account/close", form).headers["Location"]
    assert asked.startswith("/account/prove")
    client = log_in()
    assert client.post("/account/close", {"username": "bob"}).status_code == 422
    assert User.objects.get(pk=alice.pk).state == "active"


def test_a_closed_account_keeps_what_ran_and_nothing_else(
    cast: Cast, alice: User
) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    job = cast.alice("POST", "/jobs", body).ok()["id"]
    client, other = log_in(), log_in()
    add_app(client)
    assert client.get("/account/close").status_code == 200
    client.post("/account/close", {"username": "alice"})

    closed = User.objects.get(pk=alice.pk)
    assert (closed.state, closed.key, closed.email) == ("closed", "alice", "")
    assert closed.username == f"closed-{alice.pk}"
    assert not closed.has_usable_password()
    assert not Authenticator.objects.filter(user=alice).exists()
    assert not Token.objects.filter(owner=alice, revoked=None).exists()
    assert cast.alice("GET", "/jobs").status == 401
    assert not is_in(client)
    assert not is_in(other)
    assert Job.objects.get(pk=job).state == "cancelled"
    assert "user.closed" in acts()
    assert not is_in(log_in())


def test_an_account_on_which_an_agent_depends_is_not_closed(cast: Cast) -> None:
    robot = cast.users["robot"]
    set_password(robot, PASSWORD)
    client = log_in(login="robot")
    page = client.post("/account/close", {"username": "robot"})
    assert "agent of sim" in page.content.decode()
    assert User.objects.get(pk=robot.pk).state == "active"


@pytest.mark.parametrize("page", ["/login", "/account", APP, "/account/password"])
def test_pages_of_the_account_are_kept_by_no_cache(page: str, alice: User) -> None:
    client = log_in()
    prove(client, APP)
    assert "no-store" in client.get(page).headers["Cache-Control"]


def test_the_key_of_a_closed_account_is_never_given_again(alice: User) -> None:
    people_services.close(alice.pk, now=clock.now())
    User.objects.create(username="alice", state="pending", email="a@b.example")
    assert people_queries.free_key("alice") == "alice-2"


def test_the_first_job_is_one_press_away_and_runs_once(cast: Cast, alice: User) -> None:
    client = log_in()
    page = client.get("/welcome").content.decode()
    assert "Run my first job" in page
    first = client.post("/welcome/first-job").headers["Location"]
    again = client.post("/welcome/first-job").headers["Location"]
    assert first == again
    assert "my first job" in client.get(first).content.decode()
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    "page", ["/account", "/welcome", "/account/close", "/account/email", APP, CODES]
)
def test_pages_of_the_account_ask_strangers_to_log_in(page: str, cast: Cast) -> None:
    answer = Client().get(page)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")


def test_what_waits_is_pruned_only_when_it_is_old(alice: User) -> None:
    people_services.forget_unconfirmed(clock.now() + timedelta(days=400))
    assert User.objects.filter(pk=alice.pk).exists()
