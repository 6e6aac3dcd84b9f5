"""Terms, holds and decisions as the SDK and the command line send them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.fakes.client_hub import FakeHub, job_view

from shothub.client import control_calls
from shothub.client.errors import Refused
from shothub.client.terms import to_wire
from shothub.domain.evidence import Decision

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Known:
    id = "j9"


@pytest.mark.parametrize(
    ("after", "sent"),
    [((), []), ("j1", ["j1"]), (Known(), ["j9"]), (["#0", Known()], ["#0", "j9"])],
)
def test_jobs_to_run_after_are_named_by_object_or_id(after: Any, sent: Any) -> None:
    assert to_wire({"after": after}, now=NOON)["after"] == sent


def test_times_are_taken_as_people_write_them() -> None:
    given = to_wire(
        {"not_before": "2026-01-02 14:00+00:00", "start_by": NOON}, now=NOON
    )
    assert given["not_before"] == NOON + timedelta(hours=2)
    assert given["start_by"] == NOON
    with pytest.raises(Refused) as refused:
        to_wire({"start_by": "soon"}, now=NOON)
    assert refused.value.faults[0].where == "start_by"


def test_a_request_carries_its_terms() -> None:
    apparatus = FakeHub().hub().apparatus("sim")
    made = apparatus.request(
        procedure="bec_tof", hold=True, group="atoms", service="scavenger", after="j1"
    )
    assert (made.hold, made.group, made.service) == (True, "atoms", "scavenger")
    assert made.after == ["j1"]
    assert apparatus.request(procedure="bec_tof").not_before is None


def test_a_class_that_is_none_is_refused_before_it_is_sent() -> None:
    apparatus = FakeHub().hub().apparatus("sim")
    with pytest.raises(Refused):
        apparatus.request(procedure="bec_tof", service="express")


def test_decisions_are_sent_by_name() -> None:
    for choice in Decision:
        call = control_calls.decide("j1", 3, choice)
        assert call.path.endswith("/jobs/j1/shots/3/decision")
        assert json.loads(call.body or b"") == {"choice": choice.value}
    with pytest.raises(Refused):
        control_calls.decide("j1", 3, "retry")


def test_a_message_goes_with_a_pause_and_none_with_a_resume() -> None:
    paused = control_calls.control_apparatus("sim", "pause", "laser")
    assert json.loads(paused.body or b"") == {"message": "laser"}
    assert control_calls.control_apparatus("sim", "resume").body is None


def test_a_held_job_says_so() -> None:
    fake = FakeHub()
    fake.jobs["j1"] = job_view(held=True)
    fake.answers["POST /jobs/j1/hold"] = job_view(held=True)
    assert fake.hub().job("j1").hold().view.held
