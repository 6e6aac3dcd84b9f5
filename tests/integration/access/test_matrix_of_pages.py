"""Every page and every button with every kind of visitor, own things and those of others."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from tests.integration.access.credentials import BURIED, Asker, leave
from tests.integration.access.pages import APART, FORMS, PAGES, Page
from tests.integration.access.verdicts import RIGHTS, Verdict, verdict
from tests.integration.access.world import Parts, World, undone, writes

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
MIGHTY = "sam, who has just proved it"
pytestmark = pytest.mark.django_db


def _walk(resolver: URLResolver) -> Iterator[str]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield each.name or str(each.pattern)
        elif each.app_name != "admin" and each.namespace != "api":
            yield from _walk(each)


FOUND = set(_walk(get_resolver()))
SENT = "POST "
TABLE = PAGES | {f"{SENT}{name}": page for name, page in FORMS.items()}
KNOWN = [entry for entry in TABLE if entry.removeprefix(SENT) in FOUND]
ACTS = [entry for entry in KNOWN if TABLE[entry].is_act]
CLOSED = [entry for entry in KNOWN if TABLE[entry].kind != "open"]
FOR_MEMBERS = [entry for entry in KNOWN if TABLE[entry].kind == "member"]
MERE_PAGES = [name for name in FOR_MEMBERS if name not in [*ACTS, *FORMS]]
every_entry = pytest.mark.parametrize("entry", KNOWN)


@pytest.fixture(scope="module")
def visitors(world: World) -> dict[str, Asker]:
    return {name: visitor(name) for name in VISITORS}


@pytest.fixture(scope="module")
def outsiders(world: World) -> dict[str, Asker]:
    """Those whom the lab has not let in, or not any more."""
    return {n: make(world) for n, make in BURIED.items() if n.startswith("a session")}


def visitor(name: str) -> Asker:
    person = User.objects.get(username=name.split("'")[0].split(",")[0])
    return Asker(user=person, proved=RIGHTS[name].proved)


def address(entry: str, parts: Parts) -> str:
    name, given = entry.removeprefix(SENT), {**parts, **TABLE[entry].parts}
    [(_, wanted)], *_ = get_resolver().reverse_dict.getlist(name)[0]
    filled = {part: given[_ALIASES.get(part, part)] for part in wanted}
    return reverse(name, kwargs=filled)


def visit(client: Client, entry: str, parts: Parts) -> tuple[int, str]:
    """Open a page or press a button; return the status and where it leads."""
    page, target = TABLE[entry], address(entry, parts)
    data = {name: value.format_map(parts) for name, value in page.data.items()}
    response = send(client, target, data) if page.is_act else client.get(target)
    leave(response)
    return response.status_code, urlsplit(response.headers.get("Location", "")).path


def send(client: Client, target: str, data: Mapping[str, str]) -> HttpResponseBase:
    """Send a form with the token that the page had in it."""
    token = client.cookies["csrftoken"].value
    answer: HttpResponseBase = client.post(
        target, {**data, "csrfmiddlewaretoken": token}
    )
    return answer


def parts_of(entry: str, world: World, whose: str = "") -> Parts:
    of = TABLE[entry].rule.of
    return world.parts(of, whose or OWNERS[of][0])


def test_every_page_is_classified() -> None:
    """Say in pages.py who may open a new page, before it is let in here."""
    assert set(PAGES) | set(APART) == FOUND


@pytest.mark.parametrize("entry", MERE_PAGES)
def test_every_form_is_classified(
    world: World, visitors: dict[str, Asker], entry: str
) -> None:
    """Say in pages.py who may send one to a page that begins to take it."""
    with undone():
        target = address(entry, parts_of(entry, world))
        response = send(visitors[MIGHTY].anew(), target, {})
        leave(response)
    assert response.status_code == 405


@pytest.mark.parametrize("entry", CLOSED)
def test_a_stranger_is_asked_to_log_in(world: World, entry: str) -> None:
    with undone():
        stranger = Client()
        stranger.cookies["csrftoken"] = "a" * 32
        status, there = visit(stranger, entry, parts_of(entry, world))
    assert (status, there) == (302, "/login")


@pytest.mark.parametrize("entry", FOR_MEMBERS)
def test_who_is_not_let_in_sees_nothing_of_the_lab(
    world: World, outsiders: dict[str, Asker], entry: str
) -> None:
    wrong = []
    for how, asker in outsiders.items():
        with undone():
            status, there = visit(asker.anew(), entry, parts_of(entry, world))
        if status != 302 or there not in {"/login", "/welcome"}:
            wrong.append((how, status, there))
    assert wrong == []


@every_entry
def test_each_gets_what_the_table_says(
    world: World, visitors: dict[str, Asker], entry: str
) -> None:
    page, wrong = TABLE[entry], []
    for who, asker in visitors.items():
        for whose in OWNERS[page.rule.of]:
            right = verdict(page.rule, "", RIGHTS[who], whose)
            with undone(), writes() as written:
                parts = parts_of(entry, world, whose)
                status, there = visit(asker.anew(), entry, parts)
            if not _fits(right, status, there, page):
                wrong.append((who, whose, right, status, there))
            elif right is not Verdict.DONE and written:
                wrong.append((who, whose, right, written))
    assert wrong == []


def _fits(right: Verdict, status: int, there: str, page: Page) -> bool:
    asks_for_proof = status == 302 and there.startswith("/account/prove")
    if right is Verdict.FORBIDDEN:
        return status == 403 or asks_for_proof
    if right is Verdict.NOT_THERE:
        return status == 404
    fine = {200, 204, 302, 422, *page.others}
    stopped = asks_for_proof or there in {"/login", "/welcome"}
    return status in fine and (page.kind != "member" or not stopped)


@pytest.mark.parametrize("entry", ACTS)
def test_a_button_wants_a_form_with_its_csrf_token(
    world: World, visitors: dict[str, Asker], entry: str
) -> None:
    client = visitors[MIGHTY].anew()
    with undone():
        target = address(entry, parts_of(entry, world))
        if entry in PAGES:
            assert client.get(target).status_code == 405
        assert client.post(target, TABLE[entry].data).status_code == 403


def test_the_admin_pages_are_for_staff(visitors: dict[str, Asker]) -> None:
    with undone():
        for name in ("alice's browser", "olga's browser"):
            answer = visitors[name].anew().get("/admin/accounts/user/")
            assert answer.status_code in {302, 403}, name
        assert Client().get("/admin/accounts/user/").status_code == 302
