"""Every page and every button with every kind of visitor, own things and those of others."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from tests.integration.access.credentials import Asker
from tests.integration.access.pages import APART, PAGES, Page
from tests.integration.access.verdicts import RIGHTS, Verdict, verdict
from tests.integration.access.world import Parts, World, undone

from shothub.server.accounts.models import User

OWNERS = {
    "": ("",),
    "apparatus": ("sim",),
    "token": ("alice", "bob"),
    "webhook": ("alice", "bob"),
    "group": ("gina", "bob"),
    "shared job": ("alice", "gina", "bob"),
    "reservation": ("alice", "bob"),
    "session": ("alice", "bob"),
}
_ALIASES = {"job_id": "job", "procedure_name": "procedure"}
VISITORS = [name for name, rights in RIGHTS.items() if rights.browses]
OUTSIDE = {
    "pending": {"state": "pending"},
    "suspended": {"state": "suspended", "is_active": False},
    "closed": {"state": "closed", "is_active": False},
}
pytestmark = pytest.mark.django_db
Found = dict[str, URLPattern]


def _walk(resolver: URLResolver) -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield each.name or str(each.pattern), each
        elif each.app_name != "admin" and each.namespace != "api":
            yield from _walk(each)


FOUND = dict(_walk(get_resolver()))
KNOWN = [name for name in PAGES if name in FOUND]
ACTS = [name for name in KNOWN if PAGES[name].is_act]
CLOSED = [name for name in KNOWN if PAGES[name].kind != "open"]
FOR_MEMBERS = [name for name in KNOWN if PAGES[name].kind == "member"]


def visitor(name: str, world: World) -> Client:
    person = User.objects.get(username=name.split("'")[0].split(",")[0])
    return Asker(user=person, proved=RIGHTS[name].proved).client


def address(name: str, parts: Parts) -> str:
    given = {**parts, **PAGES[name].parts}
    wanted = FOUND[name].pattern.regex.groupindex
    filled = {part: given[_ALIASES.get(part, part)] for part in wanted}
    return reverse(name, kwargs=filled)


def visit(client: Client, name: str, parts: Parts) -> tuple[int, str]:
    """Open a page or press a button; return the status and where it leads."""
    page, target = PAGES[name], address(name, parts)
    if page.is_act:
        token = client.cookies["csrftoken"].value if client.cookies else ""
        data = {**page.data, "csrfmiddlewaretoken": token}
        response = client.post(target, data)
    else:
        response = client.get(target)
    response.close()
    return response.status_code, urlsplit(response.headers.get("Location", "")).path


def parts_of(name: str, world: World, whose: str = "") -> Parts:
    of = PAGES[name].rule.of
    return world.parts(of, whose or OWNERS[of][0])


def test_every_page_is_classified() -> None:
    """Say in pages.py who may open a new page, before it is let in here."""
    assert set(FOUND) == set(PAGES) | set(APART)


@pytest.mark.parametrize("name", CLOSED)
def test_a_stranger_is_asked_to_log_in(world: World, name: str) -> None:
    with undone():
        stranger = Client()
        stranger.cookies["csrftoken"] = "a" * 32
        status, there = visit(stranger, name, parts_of(name, world))
    assert (status, there) == (302, "/login")


@pytest.mark.parametrize("name", FOR_MEMBERS)
def test_who_is_not_let_in_sees_nothing_of_the_lab(world: World, name: str) -> None:
    wrong = []
    for how, columns in OUTSIDE.items():
        with undone():
            client = Asker(user=world.users["alice"]).client
            User.objects.filter(username="alice").update(**columns)
            status, there = visit(client, name, parts_of(name, world))
        if status != 302 or there not in {"/login", "/welcome"}:
            wrong.append((how, status, there))
    assert wrong == []


@pytest.mark.parametrize("name", KNOWN)
def test_each_gets_what_the_table_says(world: World, name: str) -> None:
    page, wrong = PAGES[name], []
    for who in VISITORS:
        for whose in OWNERS[page.rule.of]:
            right = verdict(page.rule, "", RIGHTS[who], whose)
            with undone():
                client = visitor(who, world)
                status, there = visit(client, name, parts_of(name, world, whose))
            if not _fits(right, status, there, page):
                wrong.append((who, whose, right, status, there))
    assert wrong == []


def _fits(right: Verdict, status: int, there: str, page: Page) -> bool:
    asks_for_proof = status == 302 and there.startswith("/account/prove")
    if right is Verdict.FORBIDDEN:
        return status == 403 or asks_for_proof
    if right is Verdict.NOT_THERE:
        return status == 404
    fine = {200, 204, 302, 422, *page.others}
    return status in fine and (page.kind != "member" or not asks_for_proof)


@pytest.mark.parametrize("name", ACTS)
def test_a_button_wants_a_form_with_its_csrf_token(world: World, name: str) -> None:
    with undone():
        client = visitor("sam, who has just proved it", world)
        target = address(name, parts_of(name, world))
        assert client.get(target).status_code == 405
        assert client.post(target, PAGES[name].data).status_code == 403


def test_the_admin_pages_are_for_staff(world: World) -> None:
    with undone():
        for name in ("alice's browser", "olga's browser"):
            answer = visitor(name, world).get("/admin/accounts/user/")
            assert answer.status_code in {302, 403}, name
        assert Client().get("/admin/accounts/user/").status_code == 302
