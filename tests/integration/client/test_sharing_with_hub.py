"""Sharing jobs with the SDK and the command, against the real hub."""

import json

import httpx
import pytest
from tests.integration.client.test_client_with_hub import (  # noqa: F401 (fixtures)
    Place,
    agent,
    place,
)

from shothub.client import Forbidden, NotFound

pytestmark = pytest.mark.usefixtures("agent")


def test_a_group_reads_a_job_and_does_no_more(place: Place) -> None:  # noqa: F811
    job = place.hub("alice").apparatus("sim").run(procedure="bec_tof", hold=True)
    bob = place.hub("bob")
    with pytest.raises(NotFound):
        bob.job(job.id)
    share = job.share("atoms")
    assert bob.job(job.id).view.owner == "alice"
    assert job.id in [shared.id for shared in bob.jobs(shared=True)]
    assert job.id not in [own.id for own in bob.jobs()]
    with pytest.raises(Forbidden, match="another's"):
        bob.job(job.id).cancel()
    assert job.unshare(share.id) == []
    with pytest.raises(NotFound):
        bob.job(job.id)
    assert [g.name for g in bob.groups()] == ["atoms"]
    assert [p.user for p in bob.group("atoms").people] == ["alice", "bob"]


def test_a_link_from_the_command_line_is_opened_without_an_account(
    place: Place,  # noqa: F811
) -> None:
    job = place.hub("alice").apparatus("sim").run(procedure="bec_tof", hold=True)
    shared = place.shothub("alice", "share", job.id, "--days", "1")
    assert shared.returncode == 0
    link = shared.stdout.strip()
    assert link.startswith(f"{place.url}/shared/")
    page = httpx.get(link)
    assert (page.status_code, job.id in page.text) == (200, True)
    listed = json.loads(place.shothub("alice", "shares", job.id, "--json").stdout)
    assert [share["link"] for share in listed] == [""]
    assert (
        place.shothub("alice", "unshare", job.id, str(listed[0]["id"])).returncode == 0
    )
    assert httpx.get(link).status_code == 404


def test_the_command_lists_groups_and_what_is_shared_with_them(
    place: Place,  # noqa: F811
) -> None:
    job = place.hub("alice").apparatus("sim").run(procedure="bec_tof", hold=True)
    shared = place.shothub("alice", "share", job.id, "--group", "atoms")
    assert "The group atoms reads" in shared.stdout
    assert "atoms" in place.shothub("bob", "groups").stdout
    assert job.id in place.shothub("bob", "jobs", "--shared").stdout
    assert job.id not in place.shothub("bob", "jobs").stdout
