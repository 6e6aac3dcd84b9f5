"""Every kind of credential: dead ones, lacking ones, and those of everybody."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.test import Client
from tests.integration.access.world import World, token_of
from tests.integration.server.scripted_agent import BASE, Answer

from shothub.domain.tokens import make_token
from shothub.runtime import clock
from shothub.server.accounts.models import Token, User
from shothub.server.accounts.services import revoke_tree

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

    def __post_init__(self) -> None:
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        if self.user:
            self.client.force_login(self.user)
            self.client.cookies["csrftoken"] = _CSRF
        if self.proved:
            session = self.client.session
            session[PROOFS] = [{"method": "password", "at": time.time()}]
            session.save()

    def headers(self) -> dict[str, str]:
        """Return the headers by which he shows who he is."""
        if self.header:
            return {"Authorization": self.header}
        return {"X-CSRFToken": _CSRF} if self.user else {}

    def cookies(self) -> dict[str, str]:
        """Return the cookies by which he shows who he is."""
        return {name: morsel.value for name, morsel in self.client.cookies.items()}

    def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        """Return the answer; of a stream no more than its first line."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.header:
            given["Authorization"] = self.header
        if self.user and self.csrf:
            given["X-CSRFToken"] = _CSRF
        data = body if isinstance(body, bytes) else json.dumps(body)
        response = self.client.generic(
            method,
            f"{BASE}{path}",
            data="" if body is None else data,
            content_type="application/json",
            headers=given,
        )
        kind = response.headers.get("Content-Type", "")
        if kind == _STREAM:
            response.close()
            return Answer(response.status_code, None)
        content = response.getvalue()
        return Answer(
            response.status_code, json.loads(content) if "json" in kind else content
        )


def bearer(raw: str) -> Asker:
    """Return who asks with a token."""
    return Asker(header=f"Bearer {raw}")


Make = Callable[[World], Asker]
ALICE = "alice"


def _alice(world: World, **changes: object) -> Asker:
    return bearer(token_of(world.users[ALICE], **changes))


def _of_user(world: World, **changes: object) -> Asker:
    """Return who asks with Alice's token after something has befallen her."""
    raw = token_of(world.users[ALICE])
    User.objects.filter(username=ALICE).update(**changes)
    return bearer(raw)


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


def _past() -> datetime:
    return clock.now() - _EARLIER


DEAD: dict[str, Make] = {
    "nothing": lambda _: Asker(),
    "another scheme": lambda _: Asker(header="Basic YWxpY2U6YWxpY2U="),
    "an empty token": lambda _: bearer(""),
    "nonsense": lambda _: bearer("shb_pat_nonsense"),
    "a mistyped token": lambda w: bearer(token_of(w.users[ALICE])[:-1] + "-"),
    "a token that never was": lambda _: bearer(make_token("pat", secrets.choice)),
    "a forged token": _forged,
    "a revoked token": lambda w: _alice(w, revoked=_past()),
    "a token of a revoked one": _of_revoked_parent,
    "an expired token": lambda w: _alice(w, expires=_past()),
    "a token of a pending user": lambda w: _of_user(w, state="pending"),
    "a token of a suspended user": lambda w: _of_user(w, state="suspended"),
    "a token of a closed account": lambda w: _of_user(w, state="closed"),
    "a token of who may not log in": lambda w: _of_user(w, is_active=False),
    "a forgotten session": lambda w: _logged_out(w),
    "a session of a pending user": lambda w: _session_of(w, state="pending"),
    "a session of a suspended user": lambda w: _session_of(
        w, state="suspended", is_active=False
    ),
    "a session of a closed account": lambda w: _session_of(
        w, state="closed", is_active=False
    ),
}
"""By which nobody is let in, anywhere."""


def _session_of(world: World, **changes: object) -> Asker:
    asker = Asker(user=world.users[ALICE])
    User.objects.filter(username=ALICE).update(**changes)
    return asker


def _logged_out(world: World) -> Asker:
    asker = Asker(user=world.users[ALICE])
    asker.client.session.flush()
    return asker


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


def _agent(world: World, apparatus: str) -> Asker:
    return Asker(header=world.agents[apparatus].call.headers["Authorization"])
