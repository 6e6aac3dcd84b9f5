"""Fills a hub's queue and times leases of it; imported once Django is set up."""

import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connection, transaction

from shothub.domain.states import Outcome
from shothub.runtime import clock
from shothub.server.accounts.models import Group, Membership, User
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.services import create_user
from shothub.server.apparatus.models import Apparatus, Share
from shothub.server.apparatus.services import create_apparatus
from shothub.server.apparatus.shares import share_of
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.services import agents, sessions, starts
from shothub.server.jobs.services import shots as reports
from shothub.wire.agents import Capacity, Finish, OpenSession, Poll, Start
from shothub.wire.apparatus import Description

USERS, GROUPS, SHOTS, SECONDS = 50, 5, 50, 10.0
LEASES, WARM_UP = 1_000, 50
AGENT = Principal(user=1, username="agent", key="agent", apparatus="bench")
T = TypeVar("T")


class Stopwatch:
    """Milliseconds that calls took, by name."""

    def __init__(self) -> None:
        self._spent: dict[str, list[float]] = {}
        self._cpu: dict[str, list[float]] = {}

    def time(self, name: str, call: Callable[[], T]) -> T:
        """Make a call and note how long it took."""
        begun, cpu = time.perf_counter(), time.process_time()
        done = call()
        self._cpu.setdefault(name, []).append(1e3 * (time.process_time() - cpu))
        self._spent.setdefault(name, []).append(1e3 * (time.perf_counter() - begun))
        return done

    def figures(self) -> dict[str, float]:
        """Return medians and 99th percentiles, without the first few."""
        found = {}
        for name, values in self._spent.items():
            ordered = sorted(values[WARM_UP:])
            found[f"{name}_p50_ms"] = round(statistics.median(ordered), 2)
            found[f"{name}_p99_ms"] = round(ordered[int(0.99 * len(ordered))], 2)
            cpu = statistics.median(self._cpu[name][WARM_UP:])
            found[f"{name}_cpu_p50_ms"] = round(cpu, 2)
        return found


def measure(shots: int) -> dict[str, float]:
    """Fill a queue with so many shots; return figures of leases, starts and ends."""
    now = clock.now()
    apparatus = create_apparatus(name="bench", now=now)
    fill(apparatus, shots, now)
    opening = OpenSession(
        apparatus="bench", agent_version="bench", description=Description()
    )
    epoch = sessions.open_session(AGENT, opening, now=now).epoch
    watch = Stopwatch()
    for _ in range(LEASES + WARM_UP):
        now = one_shot(watch, epoch, now + timedelta(seconds=1.0))
    return watch.figures()


def one_shot(watch: Stopwatch, epoch: int, now: datetime) -> datetime:
    """Lease, start and end a shot; return when it ended."""
    asked = Poll(epoch=epoch, capacity=Capacity(shots=1))
    work = watch.time("lease", lambda: agents.poll(AGENT, asked, now=now))
    [lease] = work.shots
    start = Start(epoch=epoch, fence=lease.fence)
    begun = watch.time("start", lambda: starts.start(AGENT, lease.shot, start, now=now))
    ended = now + timedelta(seconds=SECONDS)
    end = Finish(epoch=epoch, outcome=Outcome.DONE, began=now, ended=ended)
    watch.time("finish", lambda: reports.finish(AGENT, begun.attempt, end, now=ended))
    return ended


def fill(apparatus: Apparatus, shots: int, now: datetime) -> None:
    """Make users, jobs and shots that wait."""
    groups = [Group.objects.create(name=f"g{i}", created=now) for i in range(GROUPS)]
    with transaction.atomic():
        for number in range(USERS):
            group = groups[number % GROUPS] if number % 2 else None
            _fill_user(apparatus, number, group, shots // USERS // SHOTS, now)
        for group in groups:
            of_it = Share.objects.filter(group=group)
            waiting = sum(of_it.values_list("waiting", flat=True))
            of_it.filter(user=None).update(waiting=waiting)
        _multiply_shots()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    if Shot.objects.count() != shots:
        raise SystemExit(f"{Shot.objects.count()} shots wait instead of {shots}")


def _fill_user(
    apparatus: Apparatus, number: int, group: Group | None, jobs: int, now: datetime
) -> None:
    name = f"user{number}"
    create_user(username=name, password=None, key=name)
    user = User.objects.get(username=name)
    if group:
        Membership.objects.create(user=user, group=group)
    share = share_of(apparatus, group=group.pk if group else None, user=user.pk)
    Share.objects.filter(pk=share.pk).update(waiting=jobs * SHOTS)
    made = [
        Job(
            id=f"b{number:03d}x{index:07d}",
            owner=user,
            apparatus=apparatus,
            kind="procedure",
            source="bench",
            state="queued",
            group=group,
            share=share,
            config=f"config{number % 7}",
            shot_seconds=SECONDS,
            shots=SHOTS,
            pending=SHOTS,
            waiting=SHOTS,
            submitted=now + timedelta(seconds=index),
            queued=now,
        )
        for index in range(jobs)
    ]
    Job.objects.bulk_create(made, batch_size=500)
    first = [Shot(job=job, index=0, state="compiled", duration=SECONDS) for job in made]
    Shot.objects.bulk_create(first, batch_size=500)


def _multiply_shots() -> None:
    """Give each job the rest of its shots, as copies of the first one."""
    names = [f.column for f in Shot._meta.concrete_fields]  # noqa: SLF001
    names.remove("id")
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join("n.i" if name == "index" else f's."{name}"' for name in names)
    sql = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"  # noqa: S608
        f" WHERE i < {SHOTS - 1}) INSERT INTO jobs_shot ({columns})"
        f" SELECT {values} FROM jobs_shot s CROSS JOIN n"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
