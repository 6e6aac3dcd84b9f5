"""Sharing as the SDK and the command line ask for it."""

import json

import pytest

from shothub.client import sharing_calls
from shothub.client.calls import list_jobs
from shothub.wire.sharing import JobShareView, ShareRequest


def test_a_job_is_shared_with_a_group_or_by_a_link() -> None:
    group = sharing_calls.share("j1", ShareRequest(group="atoms"))
    link = sharing_calls.share("j1", ShareRequest(days=2))
    assert group.path == link.path == "/api/v1/jobs/j1/shares"
    assert json.loads(group.body or b"")["group"] == "atoms"
    assert json.loads(link.body or b"") == {"group": "", "days": 2.0}


def test_a_link_is_not_asked_for_twice_as_its_text_would_be_lost() -> None:
    assert sharing_calls.share("j1", ShareRequest(group="atoms")).repeatable
    assert not sharing_calls.share("j1", ShareRequest()).repeatable


@pytest.mark.parametrize("job", ["a/b", "a b", "../x"])
def test_ids_cannot_leave_their_place_in_the_address(job: str) -> None:
    for call in (sharing_calls.list_shares(job), sharing_calls.unshare(job, 1)):
        assert call.path.count("/") == sharing_calls.list_shares("j").path.count(
            "/"
        ) + (call.method == "DELETE")


def test_jobs_shared_with_ones_groups_are_asked_for_apart() -> None:
    assert "shared" not in list_jobs().params
    assert list_jobs(shared=True).params["shared"] == "1"


def test_an_answer_may_have_what_this_client_does_not_know() -> None:
    known = {"id": 1, "created": "2026-01-02T12:00:00Z", "colour": "blue"}
    assert JobShareView.model_validate(known).link == ""
