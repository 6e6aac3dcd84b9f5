"""Staff approves, invites and suspends on pages; nobody else does, and nobody unproved."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.web.conftest import prove

from shothub.domain.people import SignUp
from shothub.server.accounts.models import Code, User
from shothub.server.audit.models import Entry

Browser = Callable[[str], Client]
PAGES = ("/people", "/people/of/alice")
ACTS = (
    "/people/invite",
    "/people/invitations/1/withdraw",
    "/people/of/zoe/approve",
    "/people/of/zoe/decline",
    "/people/of/alice/suspend",
    "/people/of/alice/reinstate",
)


@pytest.fixture
def stella(cast: Cast, browser: Browser) -> Client:
    """The browser of a member of the staff who has just proved who she is."""
    User.objects.filter(username="bob").update(is_staff=True)
    return browser("bob")


@pytest.fixture
def invites(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub lets the invited sign up."""
    config = settings.SHOTHUB.model_copy(update={"sign_up": SignUp.INVITED})
    monkeypatch.setattr(settings, "SHOTHUB", config)


@pytest.fixture
def zoe(cast: Cast) -> User:
    """Somebody who has signed up and confirmed her address."""
    zoe = User.objects.create(username="zoe", email="zoe@x.org", state="pending")
    EmailAddress.objects.create(user=zoe, email=zoe.email, verified=True, primary=True)
    return zoe


def test_staff_sees_who_is_there_and_who_waits(stella: Client, zoe: User) -> None:
    page = stella.get("/people").content.decode()
    assert "Waiting for approval" in page
    assert "zoe@x.org" in page
    assert ">alice<" in page


@pytest.mark.parametrize("path", PAGES)
def test_others_see_no_people(alice: Client, path: str) -> None:
    assert alice.get(path).status_code == 403


@pytest.mark.parametrize("path", ACTS)
def test_others_do_nothing_with_people(
    cast: Cast, alice: Client, zoe: User, path: str
) -> None:
    before = Entry.objects.count()
    assert alice.post(path, {"why": "x"}).status_code == 403
    assert Entry.objects.count() == before


@pytest.mark.parametrize("path", ACTS)
def test_staff_proves_again_who_it_is(
    cast: Cast, browser: Browser, zoe: User, path: str
) -> None:
    User.objects.filter(username="bob").update(is_staff=True)
    client = browser("bob")
    prove(client, ago=3600)
    answer = client.post(path, {"why": "x"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(("/account/", "/login"))
    assert User.objects.get(username="alice").state == "active"
    assert User.objects.get(username="zoe").state == "pending"


def test_staff_approves_with_a_key(stella: Client, zoe: User) -> None:
    stella.post("/people/of/zoe/approve", {"key": "zoe-bec"})
    zoe.refresh_from_db()
    assert (zoe.state, zoe.key) == ("active", "zoe-bec")
    entry = Entry.objects.get(what="user.approved")
    assert (entry.actor_name, entry.by) == ("bob", "session")


def test_a_bad_key_is_explained(stella: Client, zoe: User) -> None:
    answer = stella.post("/people/of/zoe/approve", {"key": "alice"})
    assert answer.status_code == 422
    assert "taken" in answer.content.decode()


def test_staff_declines(stella: Client, zoe: User) -> None:
    stella.post("/people/of/zoe/decline")
    assert not User.objects.filter(username="zoe").exists()


def test_staff_suspends_and_lets_in_again(cast: Cast, stella: Client) -> None:
    answer = stella.post("/people/of/alice/suspend", {"why": "Too hot."}, follow=True)
    assert "Too hot." in answer.content.decode()
    assert cast.alice("GET", "/me").status == 401
    stella.post("/people/of/alice/reinstate")
    assert User.objects.get(username="alice").state == "active"


def test_a_suspension_without_a_reason_is_explained(stella: Client) -> None:
    answer = stella.post("/people/of/alice/suspend", {"why": " "})
    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()


def test_staff_cannot_suspend_itself(stella: Client) -> None:
    answer = stella.post("/people/of/bob/suspend", {"why": "x"})
    assert answer.status_code == 422
    assert User.objects.get(username="bob").state == "active"


def test_staff_invites_and_withdraws(stella: Client, invites: None) -> None:
    page = stella.post("/people/invite", {"email": ""}).content.decode()
    assert "/invitation/" in page
    assert "/invitation/" not in stella.get("/people").content.decode()
    code = Code.objects.get()
    stella.post(f"/people/invitations/{code.pk}/withdraw")
    assert "anybody with the link</td>" not in stella.get("/people").content.decode()


@pytest.mark.parametrize("email", ["nobody", "a@b\nBcc: x@y.org"])
def test_an_invitation_goes_to_addresses_only(
    stella: Client, invites: None, email: str
) -> None:
    assert stella.post("/people/invite", {"email": email}).status_code == 422
    assert not Code.objects.exists()


def test_people_are_found_by_text_and_state(stella: Client) -> None:
    page = stella.get("/people?q=ali&state=active").content.decode()
    assert ">alice<" in page
    assert ">olga<" not in page
    assert "Nobody fits" in stella.get("/people?state=closed").content.decode()


def test_a_users_page_leads_to_what_is_granted(stella: Client) -> None:
    page = stella.get("/people/of/alice").content.decode()
    assert "/apparatus/sim/grants?user=alice" in page
    assert "scripts, hdf5" in page


def test_who_is_not_there_is_not_found(stella: Client) -> None:
    assert stella.get("/people/of/nobody").status_code == 404
