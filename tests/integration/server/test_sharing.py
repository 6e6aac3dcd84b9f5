"""Sharing jobs: with a group, or by a link that expires."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.runtime import clock
from shothub.server.accounts import group_services
from shothub.server.accounts.grant_services import grant
from shothub.server.accounts.models import Group, User
from shothub.server.accounts.services import mint_token
from shothub.server.audit.models import Entry
from shothub.server.jobs.models import Job, JobShare
from shothub.server.jobs.shares_of import DeadLink, job_behind

Submit = Callable[..., Any]
READS = ["", "/shots", "/events", "/logs", "/results", "/images", "/files"]
WATCH = ["jobs:read", "queue:manage", "results:read"]
WRITES = ["/cancel", "/hold", "/release"]


@pytest.fixture
def atoms(cast: Cast) -> Group:
    """A group of Alice and Bob."""
    now = clock.now()
    made = group_services.create_group(name="atoms", now=now)
    for name in ("alice", "bob"):
        group_services.set_member(made, cast.users[name], now=now)
    return made


def statuses(who: Caller, job: str, paths: list[str], method: str) -> set[int]:
    return {who(method, f"/jobs/{job}{path}").status for path in paths}


def test_a_group_reads_a_job_that_is_shared_with_it_and_changes_nothing(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    job = submit(group="-")["id"]
    assert statuses(cast.bob, job, READS, "GET") == {404}
    share = cast.alice("POST", f"/jobs/{job}/shares", {"group": "atoms"}).ok()
    assert (share["group"], share["link"]) == ("atoms", "")
    assert statuses(cast.bob, job, READS, "GET") == {200}
    for path in WRITES:
        answer = cast.bob("POST", f"/jobs/{job}{path}")
        assert (answer.status, answer.body["code"]) == (403, "not_owner")
    answer = cast.bob("DELETE", f"/jobs/{job}")
    assert (answer.status, answer.body["code"]) == (403, "not_owner")
    assert statuses(cast.olga, job, ["/results", "/files"], "GET") <= {403, 404}
    assert Job.objects.get(pk=job).state == "submitted"


def test_whoever_leaves_the_group_reads_no_more(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    job = submit()["id"]
    cast.alice("POST", f"/jobs/{job}/shares", {"group": "atoms"}).ok()
    assert cast.bob("GET", f"/jobs/{job}").status == 200
    group_services.remove_member(atoms, cast.users["bob"], now=clock.now())
    assert statuses(cast.bob, job, READS, "GET") == {404}


def test_what_is_taken_back_is_closed_at_once(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    job = submit()["id"]
    shares = f"/jobs/{job}/shares"
    share = cast.alice("POST", shares, {"group": "atoms"}).ok()["id"]
    assert cast.alice("POST", shares, {"group": "atoms"}).ok()["id"] == share
    assert cast.bob("DELETE", f"{shares}/{share}").status == 403
    assert cast.bob("GET", shares).status == 403
    assert cast.alice("DELETE", f"{shares}/{share}").ok() == []
    assert statuses(cast.bob, job, READS, "GET") == {404}
    assert cast.alice("DELETE", f"{shares}/{share + 1}").status == 404
    what = Entry.objects.filter(on=f"job {job}").order_by("id")
    assert [entry.what for entry in what] == ["job.shared", "job.unshared"]


def test_shared_jobs_are_listed_apart_from_ones_own(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    job, own = submit()["id"], submit(cast.bob)["id"]
    cast.alice("POST", f"/jobs/{job}/shares", {"group": "atoms"}).ok()
    listed = cast.bob("GET", "/jobs").ok()["jobs"]
    shared = cast.bob("GET", "/jobs?shared=1").ok()["jobs"]
    assert [j["id"] for j in listed] == [own]
    assert [(j["id"], j["owner"]) for j in shared] == [(job, "alice")]
    assert cast.alice("GET", "/jobs?shared=1").ok()["jobs"] == []


def test_one_shares_only_his_own_jobs_with_groups_that_he_is_in(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    group_services.create_group(name="ions", now=clock.now())
    job = submit()["id"]
    answer = cast.alice("POST", f"/jobs/{job}/shares", {"group": "ions"})
    assert (answer.status, answer.body["code"]) == (422, "not_in_group")
    assert cast.olga("POST", f"/jobs/{job}/shares", {"group": "atoms"}).status == 403
    assert cast.bob("POST", f"/jobs/{job}/shares", {"group": "atoms"}).status == 404
    assert cast.bob("POST", f"/jobs/{job}/shares", {}).status == 404


def test_shot_files_of_a_shared_job_are_for_those_with_the_grant(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    job = submit()["id"]
    cast.agent.compile_one()
    cast.agent.run_one()
    cast.agent.upload(job, "shots/0.h5", b"raw", kind="hdf5").ok()
    cast.alice("POST", f"/jobs/{job}/shares", {"group": "atoms"}).ok()
    address = f"/jobs/{job}/files/shots/0.h5"
    answer = cast.bob("GET", address)
    assert (answer.status, answer.body["code"]) == (403, "hdf5_not_granted")
    grant(group=atoms, apparatus="sim", hdf5=True, now=clock.now())
    assert cast.bob("GET", address).status == 200
    grant(group=atoms, apparatus="sim", hdf5=False, now=clock.now())
    assert cast.bob("GET", address).status == 403


def test_staff_see_the_state_of_every_job_and_results_of_their_own(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    cast.users["olga"].is_staff = True
    cast.users["olga"].save()
    assert cast.olga("GET", f"/jobs/{job}").status == 403  # without the scope jobs:read
    staff = Caller(mint_token(user=cast.users["olga"], now=clock.now(), scopes=WATCH))
    assert staff("GET", f"/jobs/{job}").status == 200
    assert staff("GET", f"/jobs/{job}/results").status == 404
    narrow = mint_token(
        user=cast.users["olga"], now=clock.now(), scopes=WATCH, only_on=["other"]
    )
    assert Caller(narrow)("GET", f"/jobs/{job}").status == 404


def test_nobody_runs_after_a_job_that_he_may_only_read(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    job = submit()["id"]
    cast.alice("POST", f"/jobs/{job}/shares", {"group": "atoms"}).ok()
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    answer = cast.bob("POST", "/jobs", body | {"after": [job]})
    assert (answer.status, answer.body["code"]) == (422, "unknown_job")


def test_a_token_for_one_apparatus_reaches_no_job_of_another(
    cast: Cast, atoms: Group, submit: Submit
) -> None:
    job, now = submit()["id"], clock.now()
    cast.alice("POST", f"/jobs/{job}/shares", {"group": "atoms"}).ok()
    for name in ("alice", "bob"):
        for where, expected in (("sim", 200), ("other", 404)):
            raw = mint_token(user=cast.users[name], now=now, only_on=[where])
            assert Caller(raw)("GET", f"/jobs/{job}").status == expected


def link_to(cast: Cast, job: str, **asked: object) -> str:
    link = cast.alice("POST", f"/jobs/{job}/shares", asked).ok()["link"]
    return str(link).rpartition("/shared/")[2]


def test_a_link_opens_one_job_until_it_expires(cast: Cast, submit: Submit) -> None:
    job, now = submit()["id"], clock.now()
    text = link_to(cast, job, days=1)
    assert job_behind(text, now=now).pk == job
    assert job_behind(text, now=now + timedelta(hours=23)).pk == job
    with pytest.raises(DeadLink):
        job_behind(text, now=now + timedelta(hours=25))
    [listed] = cast.alice("GET", f"/jobs/{job}/shares").ok()
    assert listed["link"] == ""


def test_a_link_that_is_wrong_or_taken_back_opens_nothing(
    cast: Cast, submit: Submit
) -> None:
    job, now = submit()["id"], clock.now()
    text, other = link_to(cast, job), link_to(cast, job)
    swapped = text[:10] + other[10:]
    for bad in (swapped, text[:-1], text + "a", "", "ä" * 53, text.upper()):
        with pytest.raises(DeadLink):
            job_behind(bad, now=now)
    share = JobShare.objects.get(ident=text[:10])
    assert text.encode() not in bytes(share.digest or b"")
    cast.alice("DELETE", f"/jobs/{job}/shares/{share.pk}").ok()
    with pytest.raises(DeadLink):
        job_behind(text, now=now)
    assert job_behind(other, now=now).pk == job


def test_a_link_dies_with_the_account_of_its_maker(cast: Cast, submit: Submit) -> None:
    text = link_to(cast, submit()["id"])
    for state in ("suspended", "closed"):
        User.objects.filter(username="alice").update(state=state)
        with pytest.raises(DeadLink):
            job_behind(text, now=clock.now())


@pytest.mark.parametrize("days", [0, -1, 366, 1e300])
def test_a_link_lives_no_longer_than_the_hub_allows(
    cast: Cast, submit: Submit, days: float
) -> None:
    answer = cast.alice("POST", f"/jobs/{submit()['id']}/shares", {"days": days})
    assert answer.status == 422


def test_a_link_is_no_token(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    answer = Caller(link_to(cast, job))("GET", f"/jobs/{job}")
    assert (answer.status, answer.body["code"]) == (401, "bad_token")
