"""Pages of groups, of grants, and of jobs that are shared."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.web.alices_jobs import submit
from tests.integration.web.conftest import prove

from shothub.runtime import clock
from shothub.server.accounts import group_services
from shothub.server.accounts.grant_queries import Whom
from shothub.server.accounts.grant_services import grant, set_grant
from shothub.server.accounts.models import Group, Membership
from shothub.server.accounts.queries import rights_of
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import JobShare

Browser = Callable[[str], Client]
OLD = 16 * 60.0


@pytest.fixture
def atoms(cast: Cast) -> Group:
    """A group that Alice owns, with Bob in it."""
    now = clock.now()
    made = group_services.create_group(name="atoms", title="Cold atoms", now=now)
    group_services.set_member(made, cast.users["alice"], is_owner=True, now=now)
    group_services.set_member(made, cast.users["bob"], now=now)
    return made


def with_password(cast: Cast, name: str) -> None:
    cast.users[name].set_password("correct horse battery")
    cast.users[name].save()


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    content = answer.getvalue() if answer.streaming else answer.content
    return bytes(content).decode(errors="replace")


def test_members_see_their_group_and_strangers_do_not(
    atoms: Group, browser: Browser
) -> None:
    alice, bob, olga = map(browser, ("alice", "bob", "olga"))
    assert "Cold atoms" in page(bob, "/groups")
    assert "Cold atoms" not in page(olga, "/groups")
    page(olga, "/groups/atoms", 404)
    assert "Make owner" in page(alice, "/groups/atoms")
    assert "Make owner" not in page(bob, "/groups/atoms")


def test_an_owner_takes_people_in_and_out(
    cast: Cast, atoms: Group, browser: Browser
) -> None:
    alice, members = browser("alice"), "/groups/atoms/members"
    answer = alice.post(members, {"user": "olga", "weight": "2.5"})
    assert answer.headers["Location"] == "/groups/atoms"
    assert Membership.objects.get(group=atoms, user__username="olga").weight == 2.5
    for given, said in (
        ({"user": "nobody"}, "There is no user"),
        ({"user": "olga", "weight": "heavy"}, "A weight is a number"),
        ({"user": "olga", "weight": "nan"}, "A weight is from"),
    ):
        answer = alice.post(members, given)
        assert answer.status_code == 422
        assert said in bytes(answer.content).decode()
    alice.post(f"{members}/remove", {"user": "olga"})
    assert "olga" not in page(alice, "/groups/atoms")
    assert browser("bob").post(members, {"user": "olga"}).status_code == 403
    answer = browser("bob").post(f"{members}/remove", {"user": "bob"})
    assert answer.headers["Location"] == "/groups"
    page(browser("bob"), "/groups/atoms", 404)


def test_a_person_whose_proof_is_old_proves_himself_and_the_act_is_done(
    cast: Cast, atoms: Group, browser: Browser
) -> None:
    with_password(cast, "alice")
    alice = browser("alice")
    prove(alice, ago=OLD)
    asked = alice.post("/groups/atoms/members", {"user": "bob", "owner": "yes"})
    assert asked.status_code == 302
    where = asked.headers["Location"]
    assert urlsplit(where).path == "/account/prove"
    assert not Membership.objects.get(group=atoms, user__username="bob").is_owner
    wrong = alice.post(where, {"password": "wrong"})
    assert wrong.status_code == 200
    assert not Membership.objects.get(group=atoms, user__username="bob").is_owner
    done = alice.post(where, {"password": "correct horse battery"})
    assert done.headers["Location"] == "/groups/atoms"
    assert Membership.objects.get(group=atoms, user__username="bob").is_owner


def test_staff_make_groups(cast: Cast, browser: Browser) -> None:
    page(browser("alice"), "/groups")
    assert browser("alice").post("/groups", {"name": "mine"}).status_code == 403
    cast.users["olga"].is_staff = True
    cast.users["olga"].save()
    olga = browser("olga")
    assert olga.post("/groups", {"name": "No Slug"}).status_code == 422
    olga.post("/groups", {"name": "ions", "title": "Ions", "weight": "2"})
    assert Group.objects.get(name="ions").weight == 2.0
    olga.post("/groups/ions/change", {"weight": "3"})
    assert Group.objects.get(name="ions").weight == 3.0


def test_staff_bound_what_a_group_takes(
    cast: Cast, atoms: Group, browser: Browser
) -> None:
    address, given = "/groups/atoms/quota", {"what": "machine_week", "limit": "3600"}
    assert browser("alice").post(address, given).status_code == 403
    cast.users["olga"].is_staff = True
    cast.users["olga"].save()
    olga = browser("olga")
    olga.post(address, given | {"apparatus": "sim"})
    assert "3,600" in page(browser("bob"), "/groups/atoms")
    for bad, status in (
        ({"what": "luck", "limit": "1"}, 422),
        ({"what": "stored", "limit": "-1"}, 422),
        ({"what": "stored", "limit": "nan"}, 422),
        ({"what": "stored", "limit": "1", "apparatus": "none"}, 404),
    ):
        assert olga.post(address, bad).status_code == status
    olga.post(address, {"what": "machine_week", "limit": "", "apparatus": "sim"})
    assert "3,600" not in page(olga, "/groups/atoms")


def test_an_admin_of_an_apparatus_grants_by_page(
    cast: Cast, atoms: Group, browser: Browser
) -> None:
    address = "/apparatus/sim/grants"
    page(browser("olga"), address, 403)
    page(browser("bob"), address, 403)
    grant(user=cast.users["olga"], apparatus="sim", admin=True, now=clock.now())
    with_password(cast, "olga")
    olga = browser("olga")
    assert "Who may do what" in page(olga, "/apparatus/sim")
    assert "alice" in page(olga, address)
    page(olga, "/apparatus/other/grants", 403)
    some = {"which": "some", "procedures": ["bec_tof"]}
    olga.post(address, {"group": "atoms", "kinds": ["relay"], **some})
    assert rights_of(cast.users["bob"].pk).grants == {"sim": ["relay"]}
    assert rights_of(cast.users["bob"].pk).procedures == {"sim": {"bec_tof"}}
    answer = olga.post(address, {"group": "atoms", "kinds": ["operator"]})
    assert answer.status_code == 422
    assert "A role is a person" in bytes(answer.content).decode()
    for whom in (
        {"user": "nobody"},
        {"group": "none"},
        {},
        {"user": "a", "group": "b"},
    ):
        assert olga.post(address, whom).status_code == 422
    prove(olga, ago=OLD)
    answer = olga.post(address, {"user": "bob", "kinds": ["admin"]})
    assert answer.headers["Location"].startswith("/account/prove")
    assert rights_of(cast.users["bob"].pk).grants == {"sim": ["relay"]}


def test_a_machine_is_stopped_at_once_and_started_with_a_fresh_proof(
    cast: Cast, browser: Browser
) -> None:
    with_password(cast, "olga")
    olga = browser("olga")
    prove(olga, ago=OLD)
    olga.post("/apparatus/sim/pause", {"message": "smoke"})
    assert Apparatus.objects.get(name="sim").paused
    answer = olga.post("/apparatus/sim/resume")
    assert answer.headers["Location"].startswith("/account/prove")
    assert Apparatus.objects.get(name="sim").paused
    prove(olga)
    olga.post("/apparatus/sim/resume")
    assert not Apparatus.objects.get(name="sim").paused


def test_a_job_shared_with_a_group_is_read_without_buttons(
    cast: Cast, atoms: Group, browser: Browser, finished_job: str
) -> None:
    alice, bob, address = browser("alice"), browser("bob"), f"/jobs/{finished_job}"
    page(bob, address, 404)
    assert "The group" not in page(alice, address)
    alice.post(f"{address}/share", {"group": "atoms"})
    shown = page(bob, address)
    assert "shares it with you" in shown
    assert "/cancel" not in shown
    assert 'id="sharing"' not in shown
    assert "tof scan" in page(bob, "/?shared=1")
    assert "tof scan" not in page(bob, "/")
    page(bob, f"{address}/files/previews/absorption/0.png")
    share = JobShare.objects.get()
    assert bob.post(f"{address}/shares/{share.pk}/take-back").status_code == 403
    alice.post(f"{address}/shares/{share.pk}/take-back")
    page(bob, address, 404)


def make_link(alice: Client, job: str) -> str:
    answer = alice.post(f"/jobs/{job}/share", {"days": "7"})
    shown = bytes(answer.content).decode()
    found = shown.partition("http://testserver/shared/")[2].partition("<")[0]
    return f"/shared/{found.strip()}"


def test_whoever_has_the_link_reads_the_job_and_nothing_else(
    cast: Cast, browser: Browser, finished_job: str
) -> None:
    cast.agent.upload(finished_job, "shots/0.h5", b"raw", kind="hdf5").ok()
    other = submit(cast)
    alice, anybody = browser("alice"), browser("")
    link = make_link(alice, finished_job)
    answer = anybody.get(link)
    shown = bytes(answer.content).decode()
    assert answer.status_code == 200
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "tof scan" in shown
    assert "0.h5" not in shown
    assert other not in shown
    assert anybody.get(f"{link}/files/previews/absorption/0.png").status_code == 200
    assert anybody.get(f"{link}/files/shots/0.h5").status_code == 403
    assert anybody.get(f"{link}/files/../{other}").status_code == 404
    table = bytes(anybody.get(f"{link}/results.csv").content).decode()
    assert table.splitlines()[0].startswith("shot,state,tof")
    assert len(table.splitlines()) == 4
    page(anybody, f"/jobs/{finished_job}", 302)
    text = link.rpartition("/")[2]
    assert text not in page(alice, f"/jobs/{finished_job}")


def test_a_dead_link_opens_nothing(
    cast: Cast, browser: Browser, finished_job: str
) -> None:
    alice, anybody = browser("alice"), browser("")
    link = make_link(alice, finished_job)
    page(anybody, link[:-1] + ("a" if link[-1] != "a" else "b"), 404)
    page(anybody, "/shared/none", 404)
    alice.post(f"/jobs/{finished_job}/shares/{JobShare.objects.get().pk}/take-back")
    for path in ("", "/results.csv", "/files/previews/absorption/0.png"):
        page(anybody, link + path, 404)
    assert (
        alice.post(f"/jobs/{finished_job}/share", {"days": "9999"}).status_code == 400
    )


def test_the_code_of_a_job_is_for_its_readers_and_for_reviewers(
    cast: Cast, atoms: Group, browser: Browser
) -> None:
    script = {"name": "mine.py", "text": "start()  # <b>secret</b> plan\n"}
    routine = {"name": "fit.py", "text": "fit = 1\n"}
    body = {"kind": "script", "apparatus": "sim", "script": script}
    job = cast.alice("POST", "/jobs", body | {"routines": [routine]}).ok()["id"]
    address = f"/jobs/{job}/source"
    shown = page(browser("alice"), address)
    assert "&lt;b&gt;secret&lt;/b&gt; plan" in shown
    assert "fit = 1" in shown
    page(browser("bob"), address, 404)
    grant(user=cast.users["bob"], apparatus="other", reviewer=True, now=clock.now())
    page(browser("bob"), address, 404)
    assert address not in page(browser("bob"), "/apparatus/sim")
    grant(user=cast.users["bob"], apparatus="sim", reviewer=True, now=clock.now())
    assert "secret" in page(browser("bob"), address)
    assert address in page(browser("bob"), "/apparatus/sim")
    page(browser("bob"), f"/jobs/{job}", 404)
    assert cast.bob("GET", f"/jobs/{job}").status == 404
    link = make_link(browser("alice"), job)
    assert "secret" not in page(browser(""), link)


def test_a_procedure_that_one_may_not_run_has_no_page(
    cast: Cast, browser: Browser
) -> None:
    whom = Whom(user=cast.users["bob"])
    form = "/apparatus/sim/procedures/bec_tof"
    page(browser("bob"), form)
    set_grant(whom, "sim", {"procedures": []}, now=clock.now())
    page(browser("bob"), form, 404)
    assert form not in page(browser("bob"), "/apparatus/sim")
    assert form in page(browser("alice"), "/apparatus/sim")
