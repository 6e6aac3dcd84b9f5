"""Leases and charges on the hub's tables: who is next, what is taken back, what it costs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from tests.integration.server.hub_cast import Cast

from shothub.runtime import clock
from shothub.server.accounts.models import Group, Membership
from shothub.server.apparatus.models import Apparatus, Share, Usage
from shothub.server.jobs.models import Attempt, Job, Shot
from shothub.server.reservations.models import Reservation, Session

Submit = Callable[..., Any]
HASTY = {"round_seconds": 2.0, "express_credit": 0.0, "memory": 1.0}


def recount(apparatus: str = "sim") -> None:
    """Check the number of waiting shots in every share against the jobs themselves."""
    for share in Share.objects.filter(apparatus__name=apparatus):
        jobs = Job.objects.filter(apparatus=share.apparatus, barred="")
        if share.user_id is None:
            jobs = jobs.filter(group=share.group_id)
        else:
            jobs = jobs.filter(group=share.group_id, owner=share.user_id)
        shots = Shot.objects.filter(job__in=jobs, state="compiled")
        assert share.waiting == shots.count(), str(share)


def run(cast: Cast, lease: Any, seconds: float = 1.0, gap: float = 0.0) -> None:
    """Run a leased shot that takes so many seconds, ``gap`` after the one before."""
    attempt = cast.agent.start(lease).ok()["attempt"]
    free = Apparatus.objects.get(name="sim").free_since
    began = (free or clock.now() - timedelta(hours=1)) + timedelta(seconds=gap)
    Attempt.objects.filter(pk=attempt).update(opened=began - timedelta(seconds=gap + 1))
    ended = began + timedelta(seconds=seconds)
    times = {"began": began.isoformat(), "ended": ended.isoformat()}
    cast.agent.finish(attempt, **times).ok()


def queued(cast: Cast, submit: Submit, who: Any, shots: int, **changes: Any) -> str:
    job = str(submit(who, **changes)["id"])
    made = [{"index": i, "globals": {}, "duration": 1.0} for i in range(shots)]
    [task] = cast.agent.poll(compile=1).ok()["compile"]
    body = {"epoch": cast.agent.epoch, "shots": made}
    cast.agent.call("POST", f"/agent/jobs/{task['job']}/compiled", body).ok()
    return job


def jobs_of(leases: list[Any]) -> list[str]:
    return [lease["job"] for lease in leases]


def test_what_waits_of_a_share_never_drifts(cast: Cast, submit: Submit) -> None:
    a = queued(cast, submit, cast.alice, 5)
    queued(cast, submit, cast.bob, 3)
    recount()
    leases = cast.agent.lease(4)
    recount()
    run(cast, leases[0])
    cast.alice("POST", f"/jobs/{a}/hold").ok()
    recount()
    cast.alice("POST", f"/jobs/{a}/release").ok()
    recount()
    cast.agent.open()
    recount()
    attempt = cast.agent.start(cast.agent.lease()[0]).ok()["attempt"]
    cast.agent.finish(attempt, "not_started").ok()
    recount()
    cast.alice("POST", f"/jobs/{a}/cancel").ok()
    recount()
    assert Share.objects.get(user=cast.users["alice"]).waiting == 0
    assert Share.objects.get(user=cast.users["bob"]).waiting > 0


def test_held_jobs_are_not_leased(cast: Cast, submit: Submit) -> None:
    a = queued(cast, submit, cast.alice, 2)
    cast.alice("POST", f"/jobs/{a}/hold").ok()
    assert cast.agent.lease(4) == []
    cast.alice("POST", f"/jobs/{a}/release").ok()
    assert jobs_of(cast.agent.lease(4)) == [a, a]


def test_priority_orders_a_users_own_jobs_alone(cast: Cast, submit: Submit) -> None:
    cast.agent.open(queue=HASTY)
    later = queued(cast, submit, cast.alice, 1)
    bobs = queued(cast, submit, cast.bob, 1)
    first = queued(cast, submit, cast.alice, 1, priority=9)
    order = [jobs_of(cast.agent.lease())[0] for _ in range(3)]
    assert order == [bobs, first, later]


def test_scavengers_wait_for_everybody_else(cast: Cast, submit: Submit) -> None:
    spare = queued(cast, submit, cast.alice, 2, service="scavenger")
    normal = queued(cast, submit, cast.bob, 2)
    assert jobs_of(cast.agent.lease(2)) == [normal, normal]
    assert jobs_of(cast.agent.lease(2)) == [spare, spare]


def test_groups_share_before_the_users_within_them(cast: Cast, submit: Submit) -> None:
    cast.agent.open(queue=HASTY)
    group = Group.objects.create(name="qsim", created=clock.now(), weight=1.0)
    for name in ("alice", "olga"):
        Membership.objects.create(user=cast.users[name], group=group)
    queued(cast, submit, cast.alice, 40)
    bobs = queued(cast, submit, cast.bob, 40)
    recount()
    ran = []
    for _ in range(20):
        [lease] = cast.agent.lease()
        ran.append(lease["job"])
        run(cast, lease)
    assert ran.count(bobs) == pytest.approx(10, abs=1)
    whole = Share.objects.get(group=group, user=None)
    assert whole.tag == Share.objects.get(group=group, user=cast.users["alice"]).tag
    recount()


def test_a_short_job_gets_in_at_the_next_shot_edge(cast: Cast, submit: Submit) -> None:
    long = queued(cast, submit, cast.alice, 200)
    held = cast.agent.lease(4)
    cast.agent.start(held[0]).ok()
    short = queued(cast, submit, cast.bob, 3)
    assert jobs_of(cast.agent.lease(3)) == [short] * 3
    refused = cast.agent.start(held[1])
    assert (refused.status, refused.body["code"]) == (409, "lease_lost")
    assert Job.objects.get(pk=long).leased == 0
    recount()


def test_a_short_job_whose_turn_it_is_gets_in_as_quickly(
    cast: Cast, submit: Submit
) -> None:
    cast.agent.open(queue={"round_seconds": 1.0, "memory": 1.0})
    queued(cast, submit, cast.alice, 200)
    for _ in range(3):
        run(cast, cast.agent.lease(1)[0])
    held = cast.agent.lease(4)
    cast.agent.start(held[0]).ok()
    short = queued(cast, submit, cast.bob, 3)
    assert jobs_of(cast.agent.lease(3)) == [short] * 3
    assert cast.agent.start(held[1]).body["code"] == "lease_lost"
    recount()


def test_without_express_credit_it_waits_for_its_turn(
    cast: Cast, submit: Submit
) -> None:
    cast.agent.open(queue={"express_credit": 0.0})
    queued(cast, submit, cast.alice, 200)
    held = cast.agent.lease(4)
    cast.agent.start(held[0]).ok()
    queued(cast, submit, cast.bob, 3)
    cast.agent.lease(3)
    cast.agent.start(held[1]).ok()


def test_the_sum_of_charges_is_the_busy_time(cast: Cast, submit: Submit) -> None:
    cast.agent.open(queue=HASTY)
    queued(cast, submit, cast.alice, 6)
    queued(cast, submit, cast.bob, 6, procedure="bec_tof")
    times = [1.0, 2.5, 0.5, 4.0, 1.5, 3.0]
    for seconds in times:
        [lease] = cast.agent.lease()
        run(cast, lease, seconds=seconds)
    charged = Attempt.objects.aggregate(n=Sum("charged"))["n"]
    assert charged == pytest.approx(sum(times), abs=1e-3)
    used = Usage.objects.aggregate(seconds=Sum("seconds"), shots=Sum("shots"))
    assert used["seconds"] == pytest.approx(charged)
    assert used["shots"] == len(times)


def test_who_changes_the_configuration_pays_for_the_setup(
    cast: Cast, submit: Submit
) -> None:
    cast.agent.open(queue=HASTY | {"round_seconds": 4.0, "setup_share": 1.0})
    a = queued(cast, submit, cast.alice, 8)
    b = queued(cast, submit, cast.bob, 8)
    Job.objects.filter(pk=b).update(config="another")
    changes = 0
    for _ in range(6):
        [lease] = cast.agent.lease()
        before = Apparatus.objects.get(name="sim").config
        changed = before not in {"", Job.objects.get(pk=lease["job"]).config}
        changes += changed
        run(cast, lease, gap=6.0 if changed else 0.5)
    spent = dict(Usage.objects.values_list("user__username", "seconds"))
    assert changes >= 2
    assert sum(spent.values()) == pytest.approx(6 * 1.0 + changes * 6.0, abs=1e-3)
    apparatus = Apparatus.objects.get(name="sim")
    assert apparatus.switch_seconds == pytest.approx(5.75, abs=0.3)
    assert {a, b} == set(Job.objects.values_list("pk", flat=True))


def test_an_operators_own_shot_is_charged_to_nobody(cast: Cast, submit: Submit) -> None:
    queued(cast, submit, cast.alice, 2)
    [lease] = cast.agent.lease()
    run(cast, lease)
    at = clock.now() - timedelta(seconds=60)
    told = {"epoch": cast.agent.epoch, "name": "mine.h5", "at": at.isoformat()}
    cast.agent.call("POST", "/agent/local", told | {"what": "done"}).ok()
    apparatus = Apparatus.objects.get(name="sim")
    assert (apparatus.config, apparatus.free_since) == ("local", at)
    [lease] = cast.agent.lease()
    run(cast, lease, gap=9.0)
    assert Usage.objects.get().seconds == pytest.approx(2.0, abs=1e-3)


def test_late_evidence_adds_only_what_was_not_charged(
    cast: Cast, submit: Submit
) -> None:
    queued(cast, submit, cast.alice, 1)
    [lease] = cast.agent.lease()
    attempt = cast.agent.start(lease).ok()["attempt"]
    opened = clock.now() - timedelta(seconds=60)
    Attempt.objects.filter(pk=attempt).update(opened=opened)
    cast.agent.finish(attempt, "unknown").ok()
    assert Usage.objects.get().seconds == pytest.approx(1.0)
    times = {
        "began": opened.isoformat(),
        "ended": (opened + timedelta(seconds=3)).isoformat(),
    }
    cast.agent.finish(attempt, "done", **times).ok()
    usage = Usage.objects.get()
    assert usage.seconds == pytest.approx(3.0)
    assert usage.shots == 1


def book(cast: Cast, who: str, starts: float, ends: float) -> None:
    now = clock.now()
    Reservation.objects.create(
        apparatus=Apparatus.objects.get(name="sim"),
        kind="exclusive",
        owner=cast.users[who],
        starts=now + timedelta(seconds=starts),
        ends=now + timedelta(seconds=ends),
        created=now,
    )


def test_reserved_time_is_its_holders_alone(cast: Cast, submit: Submit) -> None:
    queued(cast, submit, cast.alice, 3)
    book(cast, "bob", -60, 3_600)
    assert cast.agent.lease(4) == []
    bobs = queued(cast, submit, cast.bob, 2)
    leases = cast.agent.lease(4)
    assert jobs_of(leases) == [bobs, bobs]
    run(cast, leases[0], seconds=30.0)
    assert Share.objects.get(user=cast.users["bob"]).tag == 0.0
    assert Usage.objects.get().seconds == pytest.approx(30.0)


def test_before_a_reservation_only_shots_that_fit_are_leased(
    cast: Cast, submit: Submit
) -> None:
    long = queued(cast, submit, cast.alice, 3, priority=5)
    Job.objects.filter(pk=long).update(shot_seconds=500.0)
    Shot.objects.filter(job=long).update(duration=500.0)
    short = queued(cast, submit, cast.alice, 200)
    book(cast, "bob", 30, 3_600)
    leases = cast.agent.lease(100)
    assert set(jobs_of(leases)) == {short}
    assert 24 <= len(leases) <= 28


def test_a_session_opens_when_its_users_turn_comes(cast: Cast, submit: Submit) -> None:
    cast.agent.open(queue=HASTY)
    alices = queued(cast, submit, cast.alice, 20)
    [lease] = cast.agent.lease()
    run(cast, lease, seconds=5.0)
    asked = {"apparatus": "sim", "idle_seconds": 60, "total_seconds": 600}
    session = cast.bob("POST", "/sessions", asked).ok()["id"]
    assert cast.agent.lease(4) == []
    assert Session.objects.get(pk=session).state == "open"
    bobs = queued(cast, submit, cast.bob, 2, session=session)
    leases = cast.agent.lease(4)
    assert jobs_of(leases) == [bobs, bobs]
    run(cast, leases[0])
    used = Usage.objects.filter(user=cast.users["bob"])
    assert not used.exists()
    now = clock.now()
    Session.objects.filter(pk=session).update(opened=now - timedelta(seconds=40))
    cast.bob("DELETE", f"/sessions/{session}").ok()
    assert used.get().seconds == pytest.approx(40.0, abs=5.0)
    assert alices in jobs_of(cast.agent.lease(4)) + jobs_of(cast.agent.lease(4))
