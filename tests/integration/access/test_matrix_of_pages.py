"""Every page and every button with every kind of visitor, own things and those of others."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import pytest
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.test import Client
from django.urls import (
    URLPattern,
    URLResolver,
    get_resolver,
    include,
    path,
    reverse,
)
from django.urls.resolvers import RegexPattern
from tests.integration.access.credentials import BURIED, FALLEN, Asker, leave
from tests.integration.access.pages import APART, FORMS, PAGES, Page
from tests.integration.access.verdicts import RIGHTS, Verdict, verdict
from tests.integration.access.world import Parts, World, undone, writes

from shothub.server.accounts.models import User
from shothub.server.jobs import reach

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


def unclassified(resolver: URLResolver) -> set[str]:
    """Return the pages that are in no table, and what is in the table without a page."""
    return set(PAGES | APART) ^ set(_walk(resolver))


def test_every_page_is_classified() -> None:
    """Say in pages.py who may open a new page, before it is let in here."""
    assert unclassified(get_resolver()) == set()
    assert set(FORMS) <= set(PAGES)


def test_each_page_has_a_name_of_its_own() -> None:
    """Of two with one name, the table would speak of either."""
    found = [*_walk(get_resolver())]
    assert sorted(found) == sorted(FOUND)


def test_a_new_page_is_noticed_until_it_is_classified() -> None:
    """The control: however deep it lies."""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    new: list[URLPattern | URLResolver] = [
        path("deep/", include([path("new", view, name="new")])),
        path("bare", view),
    ]
    urls = [*get_resolver().url_patterns, *new]
    assert unclassified(URLResolver(RegexPattern("^/"), urls)) == {"new", "bare"}


def takes_forms(world: World, visitors: dict[str, Asker], name: str) -> bool:
    with undone():
        target = address(name, parts_of(name, world))
        response = send(visitors[MIGHTY].anew(), target, {})
        leave(response)
    return response.status_code != 405


@pytest.mark.parametrize("entry", MERE_PAGES)
def test_every_form_is_classified(
    world: World, visitors: dict[str, Asker], entry: str
) -> None:
    """Say in pages.py who may send one to a page that begins to take it."""
    assert not takes_forms(world, visitors, entry)


@pytest.mark.parametrize("name", FORMS)
def test_a_page_that_takes_forms_is_noticed(
    world: World, visitors: dict[str, Asker], name: str
) -> None:
    """The control."""
    assert takes_forms(world, visitors, name)


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
    assert let_in(world, outsiders, entry) == []


def test_who_is_let_in_sees_the_lab(world: World, outsiders: dict[str, Asker]) -> None:
    """The control: they are kept out for what befell them, and for nothing else."""
    with undone():
        fallen = User.objects.filter(username__startswith=FALLEN)
        fallen.update(state="active", is_active=True)
        seeing = let_in(world, outsiders, "jobs")
    assert seeing == [(how, 200, "") for how in outsiders]


def let_in(
    world: World, outsiders: dict[str, Asker], entry: str
) -> list[tuple[str, int, str]]:
    """Return who is not sent away, and what he gets."""
    wrong = []
    for how, asker in outsiders.items():
        with undone():
            status, there = visit(asker.anew(), entry, parts_of(entry, world))
        if status != 302 or there not in {"/login", "/welcome"}:
            wrong.append((how, status, there))
    return wrong


@every_entry
def test_each_gets_what_the_table_says(
    world: World, visitors: dict[str, Asker], entry: str
) -> None:
    assert [*mistakes(world, visitors, entry)] == []


@pytest.mark.parametrize("entry", ["job", "job_live", "job_results", "job_file"])
def test_a_page_that_shows_anothers_job_is_noticed(
    world: World,
    visitors: dict[str, Asker],
    monkeypatch: pytest.MonkeyPatch,
    entry: str,
) -> None:
    """The control: without the gate that says whose a job is."""
    monkeypatch.setattr(reach, "_visible", lambda _: Q(pk__isnull=False))
    assert ("bob's browser", "alice", Verdict.NOT_THERE) in {
        mistake[:3] for mistake in mistakes(world, visitors, entry)
    }


def test_a_button_that_anybody_may_press_is_noticed(
    world: World, visitors: dict[str, Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(reach, "_own", lambda _: Q(pk__isnull=False))
    found = {m[:3] for m in mistakes(world, visitors, "job_hold")}
    assert ("bob's browser", "alice", Verdict.NOT_THERE) in found


Mistake = tuple[str, str, Verdict, object]


def mistakes(world: World, visitors: dict[str, Asker], entry: str) -> Iterator[Mistake]:
    """Return who is answered otherwise than the table says, or has written for all that."""
    page = TABLE[entry]
    for who, asker in visitors.items():
        for whose in OWNERS[page.rule.of]:
            right = verdict(page.rule, "", RIGHTS[who], whose)
            with undone(), writes() as written:
                parts = parts_of(entry, world, whose)
                status, there = visit(asker.anew(), entry, parts)
            if not _fits(right, status, there, page):
                yield who, whose, right, (status, there)
            elif right is not Verdict.DONE and written:
                yield who, whose, right, written


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


def test_a_button_that_wants_no_csrf_token_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(CsrfViewMiddleware, "process_view", lambda *_: None)
    with undone():
        alice = Asker(user=world.users["alice"])
        target = address("job_cancel", parts_of("job_cancel", world))
        assert alice.client.post(target).status_code == 302


def admin_pages() -> list[str]:
    """Return an address of every page of Django's admin site."""
    [site] = [
        each
        for each in get_resolver().url_patterns
        if isinstance(each, URLResolver) and each.app_name == "admin"
    ]
    forms = [
        form
        for _, entries in site.reverse_dict.lists()
        for possible, *_ in entries
        for form in possible
    ]
    parts = {"app_label": "accounts"}
    filled = [text % {name: parts.get(name, "1") for name in n} for text, n in forms]
    return sorted({f"/admin/{address}" for address in filled})


@pytest.mark.parametrize("target", admin_pages())
def test_the_admin_pages_are_for_staff(
    visitors: dict[str, Asker], outsiders: dict[str, Asker], target: str
) -> None:
    others = {name: who for name, who in visitors.items() if not RIGHTS[name].staff}
    seen = set()
    for asker in [*others.values(), *outsiders.values()]:
        with undone():
            response = send(asker.anew(), target, {})
            seen |= {asker.anew().get(target).status_code, response.status_code}
    with undone():
        seen.add(Client().get(target).status_code)
    assert seen <= {302, 403}


def test_staff_see_the_admin_pages(visitors: dict[str, Asker]) -> None:
    """The control; and that they are many."""
    assert len(admin_pages()) > 20
    with undone():
        assert visitors["sam's browser"].anew().get("/admin/").status_code == 200
