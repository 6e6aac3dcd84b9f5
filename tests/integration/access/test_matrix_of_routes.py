"""Every route with every kind of credential, for one's own things and those of others."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from ninja import NinjaAPI, Router
from tests.integration.access.credentials import BURIED, FALLEN, Asker, without
from tests.integration.access.rules import RULES, Rule, address
from tests.integration.access.verdicts import RIGHTS, Verdict, verdict
from tests.integration.access.world import Parts, World, undone, writes
from tests.integration.server.scripted_agent import Answer

from shothub.runtime import clock
from shothub.server.accounts.models import Token, User
from shothub.server.api import access, root
from shothub.server.api.access import ANY, OPEN, Needs, principal_of
from shothub.server.api.root import RouteWithoutScope, routes
from shothub.server.jobs import reach
from shothub.server.urls import api

ROUTES = {f"{m} {p}": (m, p, scope) for m, p, scope in sorted(routes(api))}
_EVERYWHERE = ("alice", "gina", "bob", "alice-elsewhere")
OWNERS = {
    "": ("",),
    "apparatus": ("sim", "other"),
    "token": ("alice", "gina", "bob"),
    "webhook": ("alice", "gina", "bob"),
    "group": ("gina", "bob"),
    "shared job": _EVERYWHERE,
    "agent's job": _EVERYWHERE,
    "reservation": _EVERYWHERE,
    "session": _EVERYWHERE,
}
"""Of which things there are whose."""
_UNKNOWN = {
    "job": "aaaaaaaaaaaa", "token": "aaaaaaaaaa", "webhook": "999", "index": "0",
    "reservation": "999", "session": "nothere", "name": "nothere", "label": "nothere",
    "procedure": "nothere", "shot": "999999", "attempt": "999999", "group": "nothere",
    "share": "999",
}  # fmt: skip
DETAIL = {
    "shared job": "GET /jobs/{job}",
    "token": "DELETE /tokens/{token}",
    "webhook": "DELETE /webhooks/{webhook}",
    "group": "GET /groups/{group}",
    "apparatus": "GET /apparatus/{name}",
    "reservation": "GET /reservations/{int:reservation}",
    "session": "GET /sessions/{session}",
}
"""By which route one looks at a thing of a list."""
KNOWN = [route for route in ROUTES if route in RULES]
SCOPED = [route for route in KNOWN if ROUTES[route][2] not in {ANY, OPEN}]
LISTING = [route for route in KNOWN if RULES[route].lists]
WRITING = [
    route for route in KNOWN if ROUTES[route][0] != "GET" and not RULES[route].is_open
]


def _seeker(route: str) -> str:
    return "the agent of other" if "agent" in RULES[route].whom else "alice"


def _hidden(route: str) -> str:
    """Return whose thing a route must hide from its seeker; empty if nobody's."""
    rule, scope, who = RULES[route], ROUTES[route][2], RIGHTS[_seeker(route)]
    answers = {whose: verdict(rule, scope, who, whose) for whose in OWNERS[rule.of]}
    return next((w for w, a in answers.items() if a is Verdict.NOT_THERE), "")


HIDING = [route for route in KNOWN if _hidden(route)]
pytestmark = pytest.mark.django_db
every_route = pytest.mark.parametrize("route", KNOWN)


def ask(asker: Asker, route: str, world: World, whose: str = "") -> Answer:
    """Call a route for somebody's thing, with what it takes to succeed."""
    of = RULES[route].of
    return call(asker, route, world.parts(of, whose or OWNERS[of][0]))


def call(asker: Asker, route: str, parts: Parts) -> Answer:
    rule, (method, path, _) = RULES[route], ROUTES[route]
    body = rule.body() if rule.body else None
    more = {"X_Content_SHA256": rule.digest} if rule.digest else {}
    return asker(method, address(path, parts) + rule.query, body, **more)


def unclassified(of: NinjaAPI) -> set[str]:
    """Return the routes that are in no table, and what is in the table without a route."""
    return {f"{method} {path}" for method, path, _ in routes(of)} ^ set(RULES)


def test_every_route_is_classified() -> None:
    """Say in rules.py who may call a new route, before it is let in here."""
    assert unclassified(api) == set()


def new_route(*, auth: Needs | None) -> Router:
    """Return a router with a route that nobody knows."""
    router = Router()

    @router.get("/new", auth=auth)
    def view(request: object) -> str:
        return ""

    return router


def test_a_new_route_is_noticed_until_it_is_classified() -> None:
    """The control: however it has come into the API."""
    more = NinjaAPI(urls_namespace="more")
    more.add_router("/deep", new_route(auth=Needs("jobs:read")))
    assert "GET /deep/new" in unclassified(more)
    more.get("/jobs/{job}", auth=Needs("jobs:read"))(lambda request, job: "")
    assert "GET /jobs/{job}" not in unclassified(more)


@pytest.mark.parametrize("auth", [None, Needs(ANY)])
def test_an_api_with_an_open_route_does_not_start(
    monkeypatch: pytest.MonkeyPatch, auth: Needs | None
) -> None:
    monkeypatch.setattr(root, "Api", _with_one_route(auth))
    if auth:  # the control
        assert root.build()
        return
    with pytest.raises(RouteWithoutScope, match="GET /deep/new"):
        root.build()


def _with_one_route(auth: Needs | None) -> type[NinjaAPI]:
    """Return an API whose routers are left out for one that nobody knows."""

    class OneRoute(NinjaAPI):
        def __init__(self, **known: Any) -> None:
            super().__init__(**known | {"urls_namespace": f"one-{auth is None}"})
            super().add_router("/deep", new_route(auth=auth))

        def add_router(self, *_: Any, **__: Any) -> None:
            """Leave it out: it is the other API's."""

    return OneRoute


@every_route
def test_a_dead_credential_opens_nothing(
    world: World, dead: dict[str, Asker], route: str
) -> None:
    rule, wrong = RULES[route], []
    for name, asker in dead.items():
        with undone():
            answer = ask(asker, route, world)
        if answer.status != (rule.ok if rule.is_open else 401):
            wrong.append((name, answer))
    assert wrong == []


def test_a_dead_credential_would_open_if_it_lived(dead: dict[str, Asker]) -> None:
    """The control: it is dead for what befell it, and for nothing else."""
    later = clock.now() + timedelta(days=1)
    with undone():
        User.objects.filter(username__startswith=FALLEN).update(
            state="active", is_active=True
        )
        Token.objects.update(revoked=None, expires=later)
        answers = {name: dead[name]("GET", "/me").status for name in BURIED}
    assert answers == dict.fromkeys(BURIED, 200)


@pytest.mark.parametrize("route", SCOPED)
def test_a_route_wants_its_scope(world: World, route: str) -> None:
    scope = ROUTES[route][2]
    with undone():
        answer = ask(without(scope, world), route, world)
    assert (answer.status, answer.body["code"]) == (403, "missing_scope")
    assert scope in answer.body["detail"]


@every_route
def test_each_gets_what_the_table_says(
    world: World, askers: dict[str, Asker], route: str
) -> None:
    assert [*mistakes(world, askers, route)] == []


Mistake = tuple[str, str, Verdict, object]


def mistakes(world: World, askers: dict[str, Asker], route: str) -> Iterator[Mistake]:
    """Return who is answered otherwise than the table says, or has written for all that."""
    rule, scope = RULES[route], ROUTES[route][2]
    for name, asker in askers.items():
        for whose in OWNERS[rule.of]:
            right = verdict(rule, scope, RIGHTS[name], whose)
            with undone(), writes() as written:
                answer = ask(asker, route, world, whose)
            if not _fits(right, answer, rule):
                yield name, whose, right, answer
            elif right is not Verdict.DONE and written:
                yield name, whose, right, written


def _fits(right: Verdict, answer: Answer, rule: Rule) -> bool:
    if right is Verdict.DONE:
        return answer.status in {rule.ok, *rule.others}
    return answer.status == int(right.value)


def test_what_is_written_is_seen(world: World, askers: dict[str, Asker]) -> None:
    """The control of the test that refusals change nothing."""
    with undone(), writes() as written:
        ask(askers["alice"], "DELETE /jobs/{job}", world)
    assert "jobs_job" in written


READING = ("GET /jobs/{job}", "GET /jobs/{job}/results", "GET /jobs/{job}/shots")


@pytest.mark.parametrize("route", READING)
def test_a_route_that_shows_anothers_job_is_noticed(
    world: World, askers: dict[str, Asker], monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """The control: without the gate that says whose a job is."""
    monkeypatch.setattr(reach, "_visible", lambda _: Q(pk__isnull=False))
    assert ("bob", "alice", Verdict.NOT_THERE) in {
        mistake[:3] for mistake in mistakes(world, askers, route)
    }


def test_a_route_that_forgets_its_scope_is_noticed(
    world: World, askers: dict[str, Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the credential looked at, and the scope not."""
    monkeypatch.setattr(Needs, "__call__", lambda _, request: principal_of(request))
    route = "POST /webhooks/{webhook}/test"
    assert "the agent of sim" in {m[0] for m in mistakes(world, askers, route)}
    with undone():
        answer = ask(without(ROUTES[route][2], world), route, world)
    assert answer.status != 403


@pytest.mark.parametrize("route", HIDING)
def test_what_is_not_ones_own_looks_like_what_never_was(
    world: World, askers: dict[str, Asker], route: str
) -> None:
    asker, whose = askers[_seeker(route)], _hidden(route)
    parts = world.parts(RULES[route].of, whose)
    unknown = {part: _UNKNOWN.get(part, parts[part]) for part in parts}
    with undone():
        hidden, nothing = call(asker, route, parts), call(asker, route, unknown)
    assert (hidden.status, nothing.status) == (404, 404)
    assert _without_name(hidden, parts) == _without_name(nothing, unknown)


def _without_name(answer: Answer, parts: Parts) -> str:
    said = f"{answer.body['code']} {answer.body['detail']} {answer.body['hint']}"
    for part in sorted(parts.values(), key=len, reverse=True):
        said = said.replace(part, "…")
    return said


def test_a_word_that_tells_more_is_noticed() -> None:
    """The control."""
    parts = {"job": "aaaaaaaaaaaa"}
    said = {"code": "not_found", "detail": "There is no aaaaaaaaaaaa.", "hint": ""}
    more = said | {"detail": "The job aaaaaaaaaaaa is Bob's."}
    plain, told = (_without_name(Answer(404, body), parts) for body in (said, more))
    assert plain == "not_found There is no …. "
    assert plain != told


@pytest.mark.parametrize("route", LISTING)
def test_a_list_names_what_one_may_see(
    world: World, askers: dict[str, Asker], route: str
) -> None:
    """No more than the things that its reader may look at, and all of his own."""
    for name, (listed, seen) in named(world, askers, route).items():
        assert listed <= seen, name
        own = {whose for whose in seen if whose.split("-")[0] == RIGHTS[name].owner}
        assert own <= listed, name


def test_a_list_that_names_anothers_job_is_noticed(
    world: World, askers: dict[str, Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(reach, "_own", lambda _: Q(pk__isnull=False))
    listed, seen = named(world, {"bob": askers["bob"]}, "GET /jobs")["bob"]
    assert (seen, listed - seen) == ({"bob"}, {"alice", "gina", "alice-elsewhere"})


Named = tuple[set[str], set[str]]


def named(world: World, askers: dict[str, Asker], route: str) -> dict[str, Named]:
    """Return whose things a list names to each, and whose he may look at."""
    rule, scope = RULES[route], ROUTES[route][2]
    kind, detail = rule.lists, RULES[DETAIL[rule.lists]]
    part = "name" if kind == "apparatus" else kind.split()[-1]
    things = {
        parts[part]: whose for (of, whose), parts in world.things.items() if of == kind
    }
    found = {}
    for name, asker in askers.items():
        who = RIGHTS[name]
        if verdict(rule, scope, who, "") is not Verdict.DONE:
            continue
        with undone():
            names = _named(ask(asker, route, world), rule, things)
        listed = {things[each] for each in names}
        seen = {
            whose
            for whose in things.values()
            if verdict(detail, "", who, whose) is Verdict.DONE
        }
        found[name] = (listed, seen)
    return found


def _named(answer: Answer, rule: Rule, things: dict[str, str]) -> list[str]:
    """Return the names in a list, of the things that the world has."""
    found = answer.ok()
    rows = found if isinstance(found, list) else found.get("jobs", found.get("events"))
    return [name for row in rows if (name := str(row[rule.name])) in things]


@pytest.mark.parametrize("route", WRITING)
def test_a_browser_writes_with_its_csrf_token_only(world: World, route: str) -> None:
    with undone():
        lacking = Asker(user=world.users["alice"], csrf=False)
        answer = ask(lacking, route, world)
    assert (answer.status, answer.body["code"]) == (403, "csrf")


def test_a_route_that_wants_no_csrf_token_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(access, "check_csrf", lambda _: None)
    with undone():
        lacking = Asker(user=world.users["alice"], csrf=False)
        assert ask(lacking, "DELETE /jobs/{job}", world).status == 200
