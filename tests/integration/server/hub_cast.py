"""The cast of the hub's tests: Alice submits, Bob too, Olga operates, an agent runs."""

from dataclasses import dataclass

from django.apps import apps
from tests.integration.server.scripted_agent import Caller, ScriptedAgent

from shothub.runtime import clock
from shothub.server.accounts.buckets import Rates
from shothub.server.accounts.grant_services import grant
from shothub.server.accounts.models import User
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.services import create_apparatus


@dataclass
class Cast:
    alice: Caller
    bob: Caller
    olga: Caller
    stranger: Caller
    agent: ScriptedAgent
    users: dict[str, User]


def make_cast() -> Cast:
    # Nobody is refused for what the tests before have asked, perhaps by another clock.
    apps.get_app_config("accounts").rates = Rates()  # type: ignore[attr-defined]
    now = clock.now()
    create_apparatus(name="sim", now=now)
    create_apparatus(name="other", now=now)
    users = {
        name: create_user(username=name, password=None, key=name)
        for name in ("alice", "bob", "olga", "robot")
    }
    grant(user=users["alice"], apparatus="sim", scripts=True, hdf5=True, now=now)
    grant(user=users["olga"], apparatus="sim", operator=True, now=now)
    tokens = {n: mint_token(user=u, now=now, name=n) for n, u in users.items()}
    operator = mint_token(
        user=users["olga"],
        now=now,
        scopes=["apparatus:read", "apparatus:control", "queue:manage", "metrics:read"],
    )
    agent = mint_token(user=users["robot"], now=now, apparatus="sim")
    return Cast(
        alice=Caller(tokens["alice"]),
        bob=Caller(tokens["bob"]),
        olga=Caller(operator),
        stranger=Caller(),
        agent=ScriptedAgent(Caller(agent)),
        users=users,
    )
