"""Every kind of credential: dead ones, lacking ones, and those of everybody."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.cookies import SimpleCookie

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http.response import HttpResponseBase
from django.test import Client
from tests.integration.access.world import World, token_of
from tests.integration.server.scripted_agent import BASE, Answer

from shothub.domain.tokens import ENROLMENT, make_token
from shothub.runtime import clock
from shothub.server.accounts.models import Token, User
from shothub.server.accounts.services import create_user, mint_token, revoke_tree

_CSRF = "a" * 32
PROOFS = "account_authentication_methods"
_STREAM = "text/event-stream"
_EARLIER = timedelta(hours=1)


@dataclass
class Asker:
    """Asks the hub with one credential: a header, or a browser's cookies.

    Attributes:
        proved: whether the person at the browser has just proved who he is.
    """

    header: str = ""
    user: User | None = None
    csrf: bool = True
    proved: bool = False
    client: Client = field(init=False)
    _own: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        if self.user:
            self.client.force_login(self.user)
            self.client.cookies["csrftoken"] = _CSRF
        if self.proved:
            session = self.client.session
            session[PROOFS] = [{"method": "password", "at": time.time()}]
            session.save()
        self._own = self.cookies()

    def anew(self) -> Client:
        """Return the client with its first cookies, whatever it was answered since."""
        self.client.cookies = SimpleCookie(self._own)
        return self.client

    def headers(self) -> dict[str, str]:
        """Return the headers by which he shows who he is."""
        if self.header:
            return {"Authorization": self.header}
        return {"X-CSRFToken": _CSRF} if self.user else {}

    def cookies(self) -> dict[str, str]:
        """Return the cookies by which he shows who he is."""
        return {name: each.value for name, each in self.client.cookies.items()}

    def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        """Return the answer; of a stream nothing but that there is one."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.header:
            given["Authorization"] = self.header
        if self.user and self.csrf:
            given["X-CSRFToken"] = _CSRF
        data = body if isinstance(body, bytes) else json.dumps(body)
        response = self.anew().generic(
            method,
            f"{BASE}{path}",
            data="" if body is None else data,
            content_type="application/json",
            headers=given,
        )
        kind = response.headers.get("Content-Type", "")
        if kind == _STREAM:
            leave(response)
            return Answer(response.status_code, None)
        content = response.getvalue()
        return Answer(
            response.status_code, json.loads(content) if "json" in kind else content
        )


@contextmanager
def connected() -> Iterator[None]:
    """Keep the test's connection to the database, which the end of a request closes."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def leave(response: HttpResponseBase) -> None:
    """End an answer that was not read."""
    with connected():
        response.close()


def bearer(raw: str) -> Asker:
    """Return who asks with a token."""
    return Asker(header=f"Bearer {raw}")


Make = Callable[[World], Asker]
ALICE, FALLEN = "alice", "fallen"


def _alice(world: World, **changes: object) -> Asker:
    return bearer(token_of(world.users[ALICE], **changes))


def _fallen(make: Callable[[User], Asker], **changes: object) -> Asker:
    """Return who had a credential before something befell him."""
    name = f"{FALLEN}-{User.objects.count()}"
    user = create_user(username=name, password=None, key=name)
    asker = make(user)
    User.objects.filter(pk=user.pk).update(**changes)
    return asker


def _by_token(user: User) -> Asker:
    return bearer(token_of(user))


def _by_browser(user: User) -> Asker:
    return Asker(user=user)


def _forged(world: World) -> Asker:
    """Return who knows the public part of a token, and has guessed the secret."""
    raw = token_of(world.users[ALICE])
    ident = iter(raw.split("_")[2])
    forged = make_token(
        "pat", lambda choices: next(ident, None) or secrets.choice(choices)
    )
    assert forged.split("_")[2] == raw.split("_")[2]
    assert forged != raw
    return bearer(forged)


def _of_revoked_parent(world: World) -> Asker:
    parent = token_of(world.users[ALICE])
    row = Token.objects.get(ident=parent.split("_")[2])
    child = _alice(world, parent=row)
    revoke_tree(row.pk, now=clock.now())
    return child


def _logged_out(world: World) -> Asker:
    asker = Asker(user=world.users[ALICE])
    asker.client.session.flush()
    return asker


def _past() -> datetime:
    return clock.now() - _EARLIER


UNBORN: dict[str, Make] = {
    "nothing": lambda _: Asker(),
    "another scheme": lambda _: Asker(header="Basic YWxpY2U6YWxpY2U="),
    "an empty token": lambda _: bearer(""),
    "nonsense": lambda _: bearer("shb_pat_nonsense"),
    "a mistyped token": lambda w: bearer(token_of(w.users[ALICE])[:-1] + "-"),
    "a token that never was": lambda _: bearer(make_token("pat", secrets.choice)),
    "a forged token": _forged,
    "a code of enrolment": lambda _: bearer(make_token(ENROLMENT, secrets.choice)),
    "a forgotten session": _logged_out,
}
"""That never were any."""

BURIED: dict[str, Make] = {
    "a revoked token": lambda w: _alice(w, revoked=_past()),
    "a token of a revoked one": _of_revoked_parent,
    "an expired token of an agent": lambda w: bearer(
        mint_token(user=w.users["robot"], now=_past(), apparatus="sim", days=0)
    ),
    "an expired token": lambda w: _alice(w, expires=_past()),
    "a token of a pending user": lambda _: _fallen(_by_token, state="pending"),
    "a token of a suspended user": lambda _: _fallen(_by_token, state="suspended"),
    "a token of a closed account": lambda _: _fallen(_by_token, state="closed"),
    "a token of who may not log in": lambda _: _fallen(_by_token, is_active=False),
    "a session of a pending user": lambda _: _fallen(_by_browser, state="pending"),
    "a session of a suspended user": lambda _: _fallen(
        _by_browser, state="suspended", is_active=False
    ),
    "a session of a closed account": lambda _: _fallen(
        _by_browser, state="closed", is_active=False
    ),
}
"""That were good until something befell them."""

DEAD = {**UNBORN, **BURIED}
"""By which nobody is let in, anywhere."""


def without(scope: str, world: World) -> Asker:
    """Return who asks with all scopes that a user's token can have but one."""
    raw = token_of(world.users["olga"])
    row = Token.objects.get(ident=raw.split("_")[2])
    row.scopes = [given for given in row.scopes if given != scope]
    row.save()
    return bearer(raw)


ALIVE: dict[str, Make] = {
    "alice": _alice,
    "alice's browser": lambda w: Asker(user=w.users[ALICE]),
    "alice, for sim only": lambda w: _alice(w, only_on=["sim"]),
    "alice, for other only": lambda w: _alice(w, only_on=["other"]),
    "gina": lambda w: bearer(token_of(w.users["gina"])),
    "gina's browser": lambda w: Asker(user=w.users["gina"]),
    "bob": lambda w: bearer(token_of(w.users["bob"])),
    "bob's browser": lambda w: Asker(user=w.users["bob"]),
    "rita, who reviews": lambda w: bearer(token_of(w.users["rita"])),
    "rita's browser": lambda w: Asker(user=w.users["rita"]),
    "olga, who operates": lambda w: bearer(token_of(w.users["olga"])),
    "olga's browser": lambda w: Asker(user=w.users["olga"]),
    "olga, who has just proved it": lambda w: Asker(user=w.users["olga"], proved=True),
    "olga, for other only": lambda w: bearer(
        token_of(w.users["olga"], only_on=["other"])
    ),
    "sam of the staff": lambda w: bearer(token_of(User.objects.get(username="sam"))),
    "sam's browser": lambda w: Asker(user=User.objects.get(username="sam")),
    "sam, who has just proved it": lambda w: Asker(
        user=User.objects.get(username="sam"), proved=True
    ),
    "the agent of sim": lambda w: _agent(w, "sim"),
    "the agent of other": lambda w: _agent(w, "other"),
}
"""Who is let in, and may do what the matrix says."""

AS_BY_TOKEN = {"gina's browser", "bob's browser", "rita's browser"}
"""Whose browsers are let in by routes as Alice's is, and as their tokens are."""


def _agent(world: World, apparatus: str) -> Asker:
    return Asker(header=world.agents[apparatus].call.headers["Authorization"])
