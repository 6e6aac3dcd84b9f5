"""A hub in which everybody has one of everything, so that each can be tried by each.

Alice asks. Gina owns the group that she is in, Bob is a stranger to her. Olga operates the
apparatus ``sim`` and Rita reviews there, Sam is staff, and two agents run ``sim`` and
``other``.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from tests.integration.server.scripted_agent import Caller, ScriptedAgent

from shothub.runtime import clock
from shothub.server.accounts.models import Grant, Group, Membership, Token, User
from shothub.server.accounts.queries import principal_of_session
from shothub.server.accounts.services import create_user, mint_token
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import create_apparatus
from shothub.server.jobs.models import Attempt, Job, JobShare, Shot
from shothub.server.outbox.services.webhooks import create_webhook
from shothub.server.reservations.models import Reservation, Session

USERS = ("alice", "gina", "bob")
PEOPLE = (*USERS, "olga", "rita", "sam", "robot", "other-robot")
_WRITE = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
_NOTED = {"accounts_token", "audit_entry", "django_session", "usersessions_usersession"}
NUMBERS = b"\x93NUMPY of one camera"

Parts = dict[str, str]
"""Values for the variable parts of an address."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Who and what there is.

    Attributes:
        things: for each kind of thing and whose it is, the parts of its address.
    """

    users: dict[str, User]
    agents: dict[str, ScriptedAgent]
    things: dict[tuple[str, str], Parts] = field(default_factory=dict)

    def parts(self, kind: str, whose: str) -> Parts:
        """Return the parts of the address of somebody's thing."""
        return self.things[kind, whose] if kind else {}


def make_world() -> World:
    """Return a hub in which everybody has one of everything."""
    now = clock.now()
    for name in ("sim", "other"):
        create_apparatus(name=name, now=now)
    users = {n: create_user(username=n, password=None, key=n) for n in PEOPLE}
    User.objects.filter(username="sam").update(is_staff=True)
    _grant(users)
    robots = {"sim": users["robot"], "other": users["other-robot"]}
    agents = {
        name: ScriptedAgent(
            Caller(mint_token(user=robot, now=now, apparatus=name)), apparatus=name
        )
        for name, robot in robots.items()
    }
    for agent in agents.values():
        agent.open(
            reservations={"hours_per_week": 40.0}, accepts=["procedure", "script"]
        )
    world = World(users=users, agents=agents)
    for name in USERS:
        _equip(world, name, "sim", "", now)
    _equip(world, "alice", "other", "-elsewhere", now)
    for name in ("sim", "other"):
        world.things["apparatus", name] = {"name": name, "procedure": "bec_tof"}
    world.things["group", "gina"] = {"group": "cold", "name": "cold", "user": "alice"}
    world.things["group", "bob"] = {"group": "hot", "name": "hot", "user": "bob"}
    _share(world, now)
    return world


def _grant(users: dict[str, User]) -> None:
    now = clock.now()
    cold = Group.objects.create(name="cold", created=now)
    hot = Group.objects.create(name="hot", created=now)
    Membership.objects.create(user=users["alice"], group=cold)
    Membership.objects.create(user=users["gina"], group=cold, is_owner=True)
    Membership.objects.create(user=users["bob"], group=hot, is_owner=True)
    for name in USERS:
        Grant.objects.create(user=users[name], apparatus="sim", hdf5=True)
    Grant.objects.create(user=users["olga"], apparatus="sim", operator=True)
    Grant.objects.create(user=users["rita"], apparatus="sim", reviewer=True)


def _equip(world: World, name: str, apparatus: str, mark: str, now: datetime) -> None:
    whose, user = f"{name}{mark}", world.users[name]
    world.things["job", whose] = _job(world, user, apparatus)
    world.things["shared job", whose] = world.things["job", whose]
    job = world.things["job", whose]["job"]
    attempt = Attempt.objects.get(shot__job=job)
    shot = Shot.objects.get(job=job, index=1)
    parts = {"job": job, "shot": str(shot.pk), "attempt": str(attempt.pk)}
    world.things["agent's job", whose] = parts | {"name": "images/absorption/9.npy"}
    world.things["session", whose] = _session(user, apparatus, now)
    world.things["reservation", whose] = _reservation(user, apparatus, now)
    if not mark:
        world.things["token", whose] = _token(user, now)
        world.things["webhook", whose] = _webhook(user, now)


def _job(world: World, user: User, apparatus: str) -> Parts:
    """Return a held job of two shots: one of unknown outcome, one that waits."""
    agent, asker = world.agents[apparatus], Caller(token_of(user))
    body = {"kind": "procedure", "apparatus": apparatus, "procedure": "bec_tof"}
    job = asker("POST", "/jobs", body | {"globals": {"tof": [5e-3, 9e-3]}}).ok()["id"]
    agent.compile_one(shots=2, log="said by the sequence")
    [lease] = agent.lease()
    attempt = int(agent.start(lease).ok()["attempt"])
    agent.upload(job, "images/absorption/0.npy", NUMBERS).ok()
    agent.upload(job, "shot.h5", b"\x89HDF", kind="hdf5").ok()
    agent.finish(attempt, "unknown", reason="BLACS gone").ok()
    asker("POST", f"/jobs/{job}/hold").ok()  # or its shot would be the next job's turn
    Apparatus.objects.filter(name=apparatus).update(hold="")
    now = clock.now()
    link = JobShare.objects.create(
        job=Job.objects.get(pk=job),
        ident=job[:10],
        digest=bytes(32),
        pepper=1,
        by=user,
        created=now,
        expires=now + timedelta(days=1),
    )
    label, name = "absorption", "images/absorption/0.npy"
    parts = {"job": job, "index": "0", "label": label, "name": name}
    return parts | {"share": str(link.pk)}


def _session(user: User, apparatus: str, now: datetime) -> Parts:
    row = Session.objects.create(
        id=f"s{user.pk}-{apparatus}",
        apparatus=Apparatus.objects.get(name=apparatus),
        owner=user,
        state="waiting",
        idle_seconds=60.0,
        total_seconds=600.0,
        requested=now,
        last_active=now,
    )
    return {"session": row.pk, "name": apparatus}


def _reservation(user: User, apparatus: str, now: datetime) -> Parts:
    starts = now + timedelta(days=2, hours=2 * user.pk)
    row = Reservation.objects.create(
        apparatus=Apparatus.objects.get(name=apparatus),
        kind="exclusive",
        owner=user,
        starts=starts,
        ends=starts + timedelta(hours=1),
        created=now,
    )
    return {"reservation": str(row.pk), "name": apparatus}


def _token(user: User, now: datetime) -> Parts:
    ident = mint_token(user=user, now=now, name="for something").split("_")[2]
    return {"token": ident, "ident": ident}


def _webhook(user: User, now: datetime) -> Parts:
    owner = principal_of_session(user)
    url = f"https://{user.username}.example.org/hook"
    made = create_webhook(owner, url=url, events=["done"], now=now)
    return {"webhook": str(made.id), "ident": str(made.id)}


def _share(world: World, now: datetime) -> None:
    """Share a second job of Gina with the group that Alice is in."""
    gina = world.users["gina"]
    world.things["shared job", "gina"] = parts = _job(world, gina, "sim")
    JobShare.objects.create(
        job=Job.objects.get(pk=parts["job"]),
        group=Group.objects.get(name="cold"),
        by=gina,
        created=now,
    )


def token_of(user: User, **changes: object) -> str:
    """Return a new token of a user; ``changes`` are columns of its row."""
    operates = user.grants.filter(operator=True).exists() or user.is_staff
    more = ["apparatus:control", "queue:manage", "metrics:read"] if operates else []
    raw = mint_token(user=user, now=clock.now(), name="asks")
    row = Token.objects.get(ident=raw.split("_")[2])
    row.scopes = sorted({*row.scopes, *more})
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    return raw


@contextmanager
def undone() -> Iterator[None]:
    """Undo what happens within: each answer comes from the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def writes() -> Iterator[set[str]]:
    """Gather the tables that are written to, but for what notes that one has asked."""
    found: set[str] = set()

    def look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if match := _WRITE.match(sql):
            found.add(match[1])
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        yield found
    found -= _NOTED
