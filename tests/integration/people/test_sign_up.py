"""Who may sign up, what it takes to get in, and what is on the record of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from tests.integration.people.conftest import PASSWORD, Newcomer
from tests.integration.server.hub_cast import Cast

from shothub.domain.people import SignUp
from shothub.runtime import clock
from shothub.server.accounts import people_queries, people_services
from shothub.server.accounts.group_services import create_group
from shothub.server.accounts.models import Code, User
from shothub.server.audit.models import Entry
from shothub.server.outbox.models import Message
from shothub.server.outbox.services import welcoming
from shothub.server.refusals import Conflict, Invalid, NotThere

Configured = Callable[..., None]
MAILS = {"smtp_host": "mail.test"}


@pytest.fixture
def opened(configured: Configured) -> Callable[..., None]:
    """Open the hub for sign-up in a mode."""

    def open_for(mode: str, **more: object) -> None:
        configured(sign_up=SignUp(mode), **MAILS, **more)

    return open_for


def state(name: str = "nina") -> str:
    return User.objects.get(username=name).state


def acts() -> list[str]:
    return list(Entry.objects.order_by("id").values_list("what", flat=True))


def details() -> list[object]:
    return list(Entry.objects.values_list("detail", flat=True))


def test_nobody_signs_up_unless_the_lab_wants_it(nina: Newcomer) -> None:
    assert "No sign-up here" in nina.signs_up()
    assert not User.objects.filter(username="nina").exists()
    assert "make one for you" in nina.client.get("/login").content.decode()


def test_a_closed_hub_takes_no_invitation_either(nina: Newcomer) -> None:
    with pytest.raises(Conflict, match="Nobody can sign up"):
        people_services.invite(by=None, now=clock.now())


def test_an_open_hub_lets_in_who_confirms_his_address(
    opened: Configured, nina: Newcomer
) -> None:
    opened("open")
    assert "Look into your mail" in nina.signs_up()
    assert state() == "pending"
    page = nina.confirms()
    assert "Welcome, nina" in page
    user = User.objects.get(username="nina")
    assert (user.state, user.key) == ("active", "nina")
    assert user.decided is not None
    assert nina.client.get("/").status_code == 200
    assert [act for act in acts() if act in {"user.signed_up", "user.approved"}] == [
        "user.signed_up",
        "user.approved",
    ]


def test_nobody_gets_in_before_he_confirms_his_address(
    opened: Configured, nina: Newcomer
) -> None:
    opened("open")
    nina.signs_up()
    assert "Look into your mail" in nina.logs_in()
    assert nina.client.get("/").status_code == 302
    assert state() == "pending"


def test_the_link_of_the_mail_is_one_of_the_hubs_own_address(
    opened: Configured, nina: Newcomer
) -> None:
    opened("open", public_url="https://shots.example.org")
    nina.client.post(
        "/sign-up",
        {"username": "nina", "email": nina.email, "password1": PASSWORD},
        headers={"Host": "localhost"},
    )
    assert "https://shots.example.org/account/email/confirm/" in nina.mails()[0].body


def test_a_link_confirms_once(opened: Configured, nina: Newcomer) -> None:
    opened("open")
    nina.signs_up()
    link = nina.link()
    nina.confirms()
    again = Client().get(link).content.decode()
    assert "not good any more" in again


def test_a_wrong_link_confirms_nothing(opened: Configured, nina: Newcomer) -> None:
    opened("open")
    nina.signs_up()
    wrong = nina.link()[:-4] + "AAAA"
    assert "not good any more" in nina.client.get(wrong).content.decode()
    nina.client.post(wrong)
    assert state() == "pending"


def test_the_lab_approves_and_gives_the_key(
    cast: Cast, opened: Configured, nina: Newcomer
) -> None:
    opened("approval")
    User.objects.filter(username="olga").update(is_staff=True, email="olga@lab.test")
    nina.signs_up()
    page = nina.confirms()
    assert "have been asked to let you in" in page
    [told] = Message.objects.filter(event="sign_up")
    assert "nina asks for an account" in told.subject
    assert nina.client.get("/").headers["Location"] == "/welcome"

    welcoming.approve("nina", key="ni", now=clock.now())
    assert User.objects.get(username="nina").key == "ni"
    [told] = Message.objects.filter(event="approved")
    assert told.body["path"] == "/welcome"
    assert "Your key is <code>ni</code>" in nina.client.get("/welcome").content.decode()


def test_one_who_waits_can_do_nothing_by_the_api(
    cast: Cast, opened: Configured, nina: Newcomer
) -> None:
    opened("approval")
    nina.signs_up()
    nina.confirms()
    answer = nina.client.get("/api/v1/jobs")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_active"


def test_the_lab_approves_nobody_whose_address_is_not_confirmed(
    opened: Configured, nina: Newcomer
) -> None:
    opened("approval")
    nina.signs_up()
    with pytest.raises(Conflict, match="not confirmed"):
        people_services.approve("nina", now=clock.now())


def test_nobody_is_approved_twice(opened: Configured, nina: Newcomer) -> None:
    opened("open")
    nina.signs_up()
    nina.confirms()
    with pytest.raises(Conflict, match="does not wait"):
        people_services.approve("nina", key="other", now=clock.now())
    assert User.objects.get(username="nina").key == "nina"


@pytest.mark.parametrize("key", ["Nina", "../up", "alice", "9", ""])
def test_a_key_is_a_free_name_of_a_folder(
    key: str, cast: Cast, opened: Configured, nina: Newcomer
) -> None:
    opened("approval")
    nina.signs_up()
    nina.confirms()
    if key:
        with pytest.raises(Invalid):
            people_services.approve("nina", key=key, now=clock.now())
        assert state() == "pending"
    else:
        assert people_services.approve("nina", now=clock.now()).key == "nina"


def test_two_who_are_called_alike_get_different_keys(
    opened: Configured, cast: Cast
) -> None:
    opened("open")
    newcomer = Newcomer(name="Alice.", email="alice2@example.org")
    newcomer.signs_up()
    newcomer.confirms()
    assert User.objects.get(username="Alice.").key == "alice-2"


def test_an_address_of_the_domain_lets_in_and_no_other(
    opened: Configured, nina: Newcomer
) -> None:
    opened("domain", sign_up_domains=["example.org"])
    nina.signs_up()
    nina.confirms()
    assert state() == "active"
    other = Newcomer(name="eve", email="eve@example.org.evil.test")
    assert "own domains" in other.signs_up()
    assert not User.objects.filter(username="eve").exists()


def test_without_an_invitation_nobody_signs_up_where_one_is_needed(
    opened: Configured, nina: Newcomer
) -> None:
    opened("invited")
    assert "needs an invitation" in nina.signs_up()
    assert "not valid" in nina.signs_up(invitation="abcde-fghjk-mnpqr-stvwx")
    assert not User.objects.filter(username="nina").exists()


def test_an_invitation_lets_in_once_and_into_its_group(
    opened: Configured, nina: Newcomer
) -> None:
    opened("invited")
    create_group(name="bec", title="", weight=1.0, now=clock.now())
    code = people_services.invite(by=None, group="bec", now=clock.now())
    nina.signs_up(invitation=f" {code.upper()} ")
    nina.confirms()
    user = User.objects.get(username="nina")
    assert user.state == "active"
    assert [m.group.name for m in user.memberships.all()] == ["bec"]
    second = Newcomer(name="eve", email="eve@example.org")
    assert "not valid" in second.signs_up(invitation=code)


def test_an_invitation_is_not_kept_in_plain_text(opened: Configured) -> None:
    opened("invited")
    code = people_services.invite(by=None, now=clock.now())
    row = Code.objects.get()
    assert code.encode() not in bytes(row.digest)
    assert all(code not in str(detail) for detail in details())


def test_an_invitation_for_an_address_is_good_for_it_alone(
    opened: Configured, nina: Newcomer
) -> None:
    opened("invited")
    code = people_services.invite(by=None, email="Nina@example.org", now=clock.now())
    other = Newcomer(name="eve", email="eve@example.org")
    assert "not valid" in other.signs_up(invitation=code)
    nina.signs_up(invitation=code)
    nina.confirms()
    assert state() == "active"


def test_an_invitation_expires_and_can_be_withdrawn(opened: Configured) -> None:
    opened("invited")
    now = clock.now()
    code = people_services.invite(by=None, days=2, now=now)
    late = now + timedelta(days=3)
    assert people_queries.invitation(code, email="", now=now)
    assert people_queries.invitation(code, email="", now=late) is None
    [row] = people_queries.invitations(now)
    people_services.withdraw_invitation(row.pk, now=now)
    assert people_queries.invitation(code, email="", now=now) is None
    with pytest.raises(NotThere):
        people_services.withdraw_invitation(row.pk, now=now)


def test_the_link_of_an_invitation_fills_the_form_in(
    opened: Configured, nina: Newcomer
) -> None:
    opened("invited")
    code = people_services.invite(by=None, now=clock.now())
    answer = nina.client.get(f"/invitation/{code}", follow=True)
    assert answer.redirect_chain == [("/sign-up", 302)]
    assert f'value="{code}"' in answer.content.decode()


def test_an_address_that_has_an_account_is_not_given_away(
    cast: Cast, opened: Configured, nina: Newcomer
) -> None:
    opened("open")
    User.objects.filter(username="alice").update(email=nina.email)
    assert "Look into your mail" in nina.signs_up()
    assert not User.objects.filter(username="nina").exists()
    assert "an account already" in nina.mails()[0].subject


@pytest.mark.parametrize(
    "wrong",
    [
        {"password1": "short"},
        {"password1": "password123"},
        {"password1": "nina@example.org"},
        {"username": "alice"},
        {"username": "ALICE"},
        {"username": "a"},
        {"username": "root"},
        {"username": "../../etc"},
        {"username": "closed-1"},
        {"username": "New-abc"},
        {"username": "аlice"},  # noqa: RUF001  (a letter that only looks like an a)
        {"email": "nobody"},
        {"email": ""},
    ],
)
def test_what_makes_no_account_is_refused(
    wrong: dict[str, str], cast: Cast, opened: Configured, nina: Newcomer
) -> None:
    opened("open")
    before = User.objects.count()
    assert 'role="alert"' in nina.signs_up(**wrong)
    assert User.objects.count() == before
    assert not mail.outbox


def test_who_never_confirms_is_forgotten_after_a_week(
    opened: Configured, nina: Newcomer
) -> None:
    opened("approval")
    nina.signs_up()
    confirmed = Newcomer(name="carl", email="carl@example.org")
    confirmed.signs_up()
    confirmed.confirms()
    now = clock.now()
    people_services.forget_unconfirmed(now + timedelta(days=6))
    assert state() == "pending"
    people_services.forget_unconfirmed(now + timedelta(days=8))
    assert not User.objects.filter(username="nina").exists()
    assert state("carl") == "pending"


def test_the_lab_may_decline(opened: Configured, nina: Newcomer) -> None:
    opened("approval")
    nina.signs_up()
    nina.confirms()
    assert [a.username for a in people_queries.applicants()] == ["nina"]
    people_services.decline("nina", now=clock.now())
    assert not User.objects.filter(username="nina").exists()
    assert acts()[-1] == "user.closed"


def test_a_hub_without_a_mail_server_mails_nobody(nina: Newcomer, cast: Cast) -> None:
    User.objects.filter(username="alice").update(email=nina.email)
    nina.client.post("/account/password/forgotten", {"email": nina.email})
    assert not mail.outbox
