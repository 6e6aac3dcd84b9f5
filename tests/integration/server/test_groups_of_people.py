"""Groups that their owners manage, what is granted to them, and what needs a fresh proof."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast

from shothub.domain.acts import Act
from shothub.runtime import clock
from shothub.server.accounts import group_services, member_services
from shothub.server.accounts.grant_queries import Whom
from shothub.server.accounts.grant_services import (
    RolesAreForUsers,
    grant,
    set_grant,
    set_grant_by,
)
from shothub.server.accounts.member_services import ForStaff, Place
from shothub.server.accounts.models import Grant, Group
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import NotByToken, ProveAgain
from shothub.server.accounts.queries import principal_of_session, rights_of
from shothub.server.apparatus.models import Apparatus
from shothub.server.audit.models import Entry
from shothub.server.jobs.services.machines import lift, pause, resume
from shothub.server.refusals import Forbidden, Invalid

Submit = Callable[..., Any]
BODY = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
SCRIPT = {
    "kind": "script",
    "apparatus": "sim",
    "script": {"name": "mine.py", "text": "start()"},
}


@pytest.fixture
def atoms(cast: Cast) -> Group:
    """A group of Alice, who owns it."""
    now = clock.now()
    made = group_services.create_group(name="atoms", title="Cold atoms", now=now)
    group_services.set_member(made, cast.users["alice"], is_owner=True, now=now)
    return made


def at_browser(cast: Cast, name: str, *, ago: timedelta = timedelta()) -> Principal:
    return principal_of_session(cast.users[name], clock.now() - ago)


def test_an_owner_manages_the_members_and_others_do_not(
    cast: Cast, atoms: Group
) -> None:
    assert cast.bob("GET", "/groups/atoms").status == 404
    assert cast.bob("PUT", "/groups/atoms/members/bob", {}).status == 404
    shown = cast.alice("PUT", "/groups/atoms/members/bob", {"weight": 2.0}).ok()
    assert [(p["user"], p["weight"]) for p in shown["people"]] == [
        ("alice", 1.0),
        ("bob", 2.0),
    ]
    assert cast.bob("GET", "/groups/atoms").ok()["members"] == 2
    answer = cast.bob("PUT", "/groups/atoms/members/olga", {})
    assert (answer.status, answer.body["code"]) == (403, "not_group_owner")
    answer = cast.bob("DELETE", "/groups/atoms/members/alice")
    assert (answer.status, answer.body["code"]) == (403, "not_group_owner")
    assert cast.bob("DELETE", "/groups/atoms/members/bob").ok() == []
    assert cast.alice("GET", "/groups").ok()[0]["members"] == 1


def test_bad_members_and_titles_are_told(cast: Cast, atoms: Group) -> None:
    answer = cast.alice("PUT", "/groups/atoms/members/nobody", {})
    assert (answer.status, answer.body["code"]) == (422, "unknown_user")
    answer = cast.alice("PUT", "/groups/atoms/members/bob", {"weight": 0})
    assert (answer.status, answer.body["code"]) == (422, "out_of_range")
    assert cast.alice("DELETE", "/groups/atoms/members/bob").status == 404
    assert cast.alice("PATCH", "/groups/atoms", {"title": "x" * 201}).status == 422
    shown = cast.alice("PATCH", "/groups/atoms", {"title": "Fermions"}).ok()
    assert shown["title"] == "Fermions"


def test_no_token_names_owners_or_weighs_groups(cast: Cast, atoms: Group) -> None:
    answer = cast.alice("PUT", "/groups/atoms/members/bob", {"is_owner": True})
    assert (answer.status, answer.body["code"]) == (403, "not_by_token")
    answer = cast.alice("PATCH", "/groups/atoms", {"weight": 9.0})
    assert (answer.status, answer.body["code"]) == (403, "staff_only")
    answer = cast.alice("POST", "/groups", {"name": "mine"})
    assert (answer.status, answer.body["code"]) == (403, "staff_only")
    person = at_browser(cast, "alice")
    member_services.set_member_by(
        person, "atoms", "bob", Place(is_owner=True), now=clock.now()
    )
    assert cast.bob("GET", "/groups/atoms").ok()["is_owner"]


def test_naming_an_owner_wants_a_fresh_proof(cast: Cast, atoms: Group) -> None:
    tired = at_browser(cast, "alice", ago=timedelta(minutes=16))
    for person in (tired, replace(tired, proved=None)):
        with pytest.raises(ProveAgain):
            member_services.set_member_by(
                person, "atoms", "bob", Place(is_owner=True), now=clock.now()
            )
    member_services.set_member_by(tired, "atoms", "bob", Place(), now=clock.now())


def test_staff_make_and_weigh_groups_in_a_browser(cast: Cast, atoms: Group) -> None:
    now = clock.now()
    staff = replace(at_browser(cast, "olga"), staff=True)
    made = member_services.create_by(staff, name="ions", title="", weight=2.0, now=now)
    assert made.weight == 2.0
    member_services.change_by(staff, "atoms", weight=3.0, now=now)
    assert Group.objects.get(name="atoms").weight == 3.0
    with pytest.raises(ForStaff):
        member_services.change_by(
            at_browser(cast, "alice"), "atoms", weight=5.0, now=now
        )


def test_a_member_chooses_on_which_group_his_jobs_run(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    now = clock.now()
    ions = group_services.create_group(name="ions", now=now)
    group_services.set_member(ions, cast.users["alice"], now=now)
    assert submit()["group"] == "atoms"
    cast.alice("POST", "/groups/ions/default").ok()
    assert submit()["group"] == "ions"
    assert cast.bob("POST", "/groups/ions/default").status == 404


def test_what_is_granted_to_a_group_its_members_have_as_long_as_they_are_in_it(
    cast: Cast, atoms: Group
) -> None:
    now = clock.now()
    group_services.set_member(atoms, cast.users["bob"], now=now)
    answer = cast.bob("POST", "/jobs", SCRIPT)
    assert (answer.status, answer.body["code"]) == (403, "scripts_not_granted")
    grant(group=atoms, apparatus="sim", scripts=True, relay=True, now=now)
    assert cast.bob("POST", "/jobs", SCRIPT).status == 201
    assert {"script", "relay"} <= {*cast.bob("GET", "/apparatus/sim").ok()["may"]}
    group_services.remove_member(atoms, cast.users["bob"], now=now)
    answer = cast.bob("POST", "/jobs", SCRIPT)
    assert (answer.status, answer.body["code"]) == (403, "scripts_not_granted")


def test_a_grant_that_names_procedures_allows_no_others(
    cast: Cast, atoms: Group
) -> None:
    now = clock.now()
    group_services.set_member(atoms, cast.users["bob"], now=now)
    assert cast.bob("POST", "/jobs", BODY).status == 201
    set_grant(Whom(group=atoms), "sim", {"procedures": ["mot_load"]}, now=now)
    for path in ("/jobs", "/jobs?dry_run=1"):
        answer = cast.bob("POST", path, BODY)
        assert (answer.status, answer.body["code"]) == (403, "procedure_not_granted")
    assert answer.body["where"] == "body.procedure"
    assert cast.bob("GET", "/apparatus/sim/procedures").ok() == []
    assert cast.bob("GET", "/apparatus/sim/procedures/bec_tof").status == 404
    own = Whom(user=cast.users["bob"])
    set_grant(own, "sim", {"procedures": ["bec_tof"]}, now=now)
    assert cast.bob("POST", "/jobs", BODY).status == 201


def test_who_may_run_all_by_one_grant_keeps_that_in_a_group_that_may_not(
    cast: Cast, atoms: Group
) -> None:
    now = clock.now()
    set_grant(Whom(group=atoms), "sim", {"procedures": []}, now=now)
    assert rights_of(cast.users["alice"].pk).procedures == {}
    assert cast.alice("POST", "/jobs", BODY).status == 201
    own = Whom(user=cast.users["alice"])
    set_grant(own, "sim", {"scripts": False, "hdf5": False}, now=now)
    answer = cast.alice("POST", "/jobs", BODY)
    assert (answer.status, answer.body["code"]) == (403, "procedure_not_granted")


def test_roles_are_for_users_and_each_includes_those_below(
    cast: Cast, atoms: Group
) -> None:
    now = clock.now()
    with pytest.raises(RolesAreForUsers):
        grant(group=atoms, apparatus="sim", operator=True, now=now)
    with pytest.raises(Invalid, match="no grant 'wizard'"):
        grant(user=cast.users["bob"], apparatus="sim", wizard=True, now=now)
    grant(user=cast.users["bob"], apparatus="sim", admin=True, now=now)
    assert rights_of(cast.users["bob"].pk).grants["sim"] == [
        "reviewer",
        "operator",
        "admin",
    ]


def test_an_admin_of_an_apparatus_grants_there_and_nowhere_else(cast: Cast) -> None:
    now = clock.now()
    bob, olga = Whom(user=cast.users["bob"]), cast.users["olga"]
    with pytest.raises(Forbidden) as refused:
        set_grant_by(at_browser(cast, "olga"), bob, "sim", {"hdf5": True}, now=now)
    assert refused.value.fault.code == "admin_not_granted"
    grant(user=olga, apparatus="sim", admin=True, now=now)
    admin = at_browser(cast, "olga")
    set_grant_by(admin, bob, "sim", {"hdf5": True}, now=now)
    assert rights_of(cast.users["bob"].pk).grants == {"sim": ["hdf5"]}
    with pytest.raises(Forbidden):
        set_grant_by(admin, bob, "other", {"hdf5": True}, now=now)
    with pytest.raises(ProveAgain):
        set_grant_by(
            at_browser(cast, "olga", ago=timedelta(hours=1)), bob, "sim", {}, now=now
        )
    with pytest.raises(NotByToken):
        set_grant_by(replace(admin, token=1), bob, "sim", {"admin": True}, now=now)


def test_a_grant_of_nothing_leaves_no_row_and_every_change_is_on_record(
    cast: Cast,
) -> None:
    now, bob = clock.now(), cast.users["bob"]
    before = Entry.objects.filter(what=Act.GRANT_CHANGED.value).count()
    grant(user=bob, apparatus="sim", hdf5=True, now=now)
    grant(user=bob, apparatus="sim", hdf5=True, now=now)
    grant(user=bob, apparatus="sim", hdf5=False, now=now)
    assert not Grant.objects.filter(user=bob).exists()
    entries = Entry.objects.filter(what=Act.GRANT_CHANGED.value, subject=bob.pk)
    assert [e.detail for e in entries.order_by("id")] == [
        {"before": {"kinds": []}, "after": {"kinds": ["hdf5"]}},
        {"before": {"kinds": ["hdf5"]}, "after": {"kinds": []}},
    ]
    assert before + 2 == Entry.objects.filter(what=Act.GRANT_CHANGED.value).count()


def test_to_start_a_machine_again_wants_a_fresh_proof_and_to_stop_it_none(
    cast: Cast,
) -> None:
    now, sim = clock.now(), Apparatus.objects.get(name="sim")
    tired = at_browser(cast, "olga", ago=timedelta(hours=1))
    pause(tired, sim, message="smoke", now=now)
    with pytest.raises(ProveAgain):
        resume(tired, sim, now=now)
    with pytest.raises(ProveAgain):
        lift(tired, sim, now=now)
    sim.refresh_from_db()
    assert sim.paused
    resume(at_browser(cast, "olga"), sim, now=now)
    sim.refresh_from_db()
    assert not sim.paused
    assert cast.olga("POST", "/apparatus/sim/resume").status == 200
