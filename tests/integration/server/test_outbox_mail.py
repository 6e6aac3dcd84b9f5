"""E-mail and the messages of jobs: who is told, in which words, and how much."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings
from tests.fakes.mail_server import MailServer, mail_server
from tests.integration.server.hub_cast import Cast
from tests.integration.server.test_outbox_webhooks import Configured, deliver

from shothub.domain.notices import CHOOSABLE, GIVE_UP_AFTER, MAILED
from shothub.runtime import clock
from shothub.server.accounts.models import Grant
from shothub.server.outbox.models import Message
from shothub.server.outbox.services import tell, tell_staff

Submit = Callable[..., Any]


@pytest.fixture
def mails(
    cast: Cast, settings: Settings, configured: Configured
) -> Iterator[MailServer]:
    """A hub with a mail server; everybody has an address."""
    for name, user in cast.users.items():
        user.email = f"{name}@example.org"
        user.save()
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS = False
        settings.DEFAULT_FROM_EMAIL = "shots@example.org"
        configured(
            smtp_host="127.0.0.1",
            smtp_from="shots@example.org",
            public_url="https://shots.example.org",
            mails_per_hour=3,
        )
        yield server


def choose(cast: Cast, *events: str) -> Any:
    return cast.alice("PUT", "/me/notifications", {"email": list(events)}).ok()


def say(cast: Cast, number: int = 1) -> None:
    for index in range(number):
        text, data = f"Text {index}.", {"path": f"/jobs/j{index}"}
        alice = cast.users["alice"].pk
        tell(alice, "done", f"Job j{index}", text, now=clock.now(), data=data)


def test_one_chooses_of_what_one_is_mailed(cast: Cast, mails: MailServer) -> None:
    before = cast.alice("GET", "/me/notifications").ok()
    assert before["email"] == list(MAILED)
    assert (before["address"], before["sends_mail"]) == ("alice@example.org", True)
    assert {e["audience"] for e in before["events"]} == {"owner"}
    after = choose(cast, "done", "unknown")
    assert after["email"] == [e for e in CHOOSABLE if e in {"done", "unknown"}]
    assert cast.alice("GET", "/me/notifications").ok() == after
    assert cast.bob("GET", "/me/notifications").ok()["email"] == list(MAILED)
    bad = cast.alice("PUT", "/me/notifications", {"email": ["lunch"]})
    assert (bad.status, bad.body["code"]) == (422, "unknown_event")


def test_a_mail_is_plain_and_links_to_the_job(cast: Cast, mails: MailServer) -> None:
    choose(cast, "done")
    say(cast)
    deliver()
    (mail,) = mails.mails
    assert mail["To"] == "alice@example.org"
    assert mail["From"] == "shots@example.org"
    assert mail["Subject"] == "[shothub] Job j0"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    assert "Text 0." in text
    assert "https://shots.example.org/jobs/j0" in text
    assert "https://shots.example.org/notifications" in text
    assert mail["Message-ID"].startswith(f"<{Message.objects.get().ident}@")


def test_nobody_is_mailed_what_he_did_not_choose(cast: Cast, mails: MailServer) -> None:
    choose(cast)
    say(cast)
    assert not Message.objects.exists()
    choose(cast, "done")
    cast.users["alice"].is_active = False
    cast.users["alice"].save()
    say(cast)
    assert not Message.objects.exists()


def test_a_hub_without_a_mail_server_keeps_no_mails(cast: Cast) -> None:
    cast.users["alice"].email = "alice@example.org"
    cast.users["alice"].save()
    view = choose(cast, "done")
    assert view["sends_mail"] is False
    say(cast)
    assert not Message.objects.exists()


def test_a_line_break_in_a_name_adds_no_header(cast: Cast, mails: MailServer) -> None:
    alice = cast.users["alice"].pk
    tell(alice, "failed", "x\r\nBcc: eve@example.org", "y", now=clock.now())
    deliver()
    (mail,) = mails.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[shothub] x Bcc: eve@example.org"


def test_the_last_mail_of_an_hour_carries_all_that_wait(
    cast: Cast, mails: MailServer
) -> None:
    choose(cast, "done")
    say(cast, 10)
    now = clock.now()
    deliver(now)
    assert [m["Subject"] for m in mails.mails] == [
        "[shothub] Job j0",
        "[shothub] Job j1",
        "[shothub] 8 messages",
    ]
    digest = mails.mails[-1].get_content()
    assert all(f"https://shots.example.org/jobs/j{n}" in digest for n in range(2, 10))
    assert Message.objects.filter(outcome="delivered").count() == 10
    say(cast, 4)
    deliver(now + timedelta(minutes=30))
    assert len(mails.mails) == 3
    deliver(now + timedelta(minutes=61))
    assert len(mails.mails) == 6
    assert "2 messages" in mails.mails[-1]["Subject"]


def test_a_busy_mail_server_is_asked_again_later(cast: Cast, mails: MailServer) -> None:
    choose(cast, "done")
    say(cast)
    mails.busy = 1
    now = clock.now()
    deliver(now)
    assert mails.mails == []
    assert "421" in Message.objects.get().last_error
    deliver(now + timedelta(seconds=5))
    assert len(mails.mails) == 1


def test_an_address_that_the_server_refuses_is_given_up(
    cast: Cast, mails: MailServer
) -> None:
    choose(cast, "done")
    mails.refused.add("alice@example.org")
    say(cast)
    deliver()
    assert "550" in Message.objects.get().outcome


def test_what_cannot_be_mailed_for_three_days_is_given_up(
    cast: Cast, mails: MailServer
) -> None:
    choose(cast, "done")
    say(cast)
    mails.busy = 2
    now = clock.now()
    deliver(now)
    deliver(now + GIVE_UP_AFTER)
    assert "given up" in Message.objects.get().outcome
    assert mails.mails == []


def end(cast: Cast, job: str, outcome: str) -> None:
    assert cast.agent.compile_one() == job
    (lease,) = cast.agent.lease()
    cast.agent.finish(cast.agent.start(lease).ok()["attempt"], outcome).ok()


def told(user: str) -> list[tuple[str, str]]:
    rows = Message.objects.filter(user__username=user, channel="email").order_by("id")
    return [(m.event, m.subject) for m in rows]


def test_an_owner_is_told_how_his_job_ended(
    cast: Cast, mails: MailServer, submit: Submit
) -> None:
    job = submit(name="tof scan")["id"]
    end(cast, job, "failed")
    assert told("alice") == [("failed", f"tof scan ({job}) failed")]
    deliver()
    text = mails.mails[0].get_content()
    assert "Apparatus: sim" in text
    assert "0 of 1 done, 1 failed" in text
    assert f"https://shots.example.org/jobs/{job}" in text


def test_an_unknown_outcome_is_told_to_the_owner_and_the_operators(
    cast: Cast, mails: MailServer, submit: Submit
) -> None:
    job = submit()["id"]
    end(cast, job, "unknown")
    assert [event for event, _ in told("alice")] == ["unknown", "failed"]
    assert told("olga") == [
        ("unknown_shot", f"How shot 0 of job {job} ended is unknown")
    ]
    assert told("bob") == []


def test_cancelling_is_told_to_those_who_chose_it(
    cast: Cast, mails: MailServer, submit: Submit
) -> None:
    choose(cast, "cancelled")
    job = submit()["id"]
    cast.alice("POST", f"/jobs/{job}/cancel").ok()
    assert [event for event, _ in told("alice")] == ["cancelled"]


def test_staff_and_operators_hear_of_holds(cast: Cast, mails: MailServer) -> None:
    cast.users["bob"].is_staff = True
    cast.users["bob"].save()
    tell_staff("sim", "hold", "sim is held", "Two agents.", now=clock.now())
    tell_staff("other", "hold", "other is held", "Two agents.", now=clock.now())
    assert told("olga") == [("hold", "sim is held")]
    assert told("bob") == [("hold", "sim is held"), ("hold", "other is held")]
    assert told("alice") == []


def test_an_admin_of_an_apparatus_hears_of_its_holds(
    cast: Cast, mails: MailServer
) -> None:
    Grant.objects.update_or_create(
        user=cast.users["bob"], apparatus="sim", defaults={"admin": True}
    )
    tell_staff("sim", "hold", "sim is held", "Two agents.", now=clock.now())
    assert told("bob") == [("hold", "sim is held")]


def test_an_occasion_that_is_not_known_is_a_mistake_of_ours(cast: Cast) -> None:
    with pytest.raises(KeyError):
        tell(cast.users["alice"].pk, "lunch", "x", "y", now=clock.now())
