"""Every waiting job shows its place and foreseen times, and what came of them is known."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast

from shothub.domain.states import JobState
from shothub.runtime import clock
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs import forecasts
from shothub.server.jobs.models import Job

Submit = Callable[..., Any]


@pytest.fixture(autouse=True)
def fresh_forecasts() -> Iterator[None]:
    """Nothing foreseen in one test is shown in another."""
    forecasts._kept.cache_clear()
    yield
    forecasts._kept.cache_clear()


def seen(cast: Cast, job: str) -> dict[str, Any]:
    found: dict[str, Any] = cast.alice("GET", f"/jobs/{job}").ok()
    return found


def test_a_job_shows_its_place_the_shots_ahead_and_its_times(
    cast: Cast, submit: Submit
) -> None:
    first, second = submit()["id"], submit()["id"]
    cast.agent.compile_one(shots=3)
    cast.agent.compile_one(shots=2)
    one, two = seen(cast, first), seen(cast, second)
    assert (one["position"], one["shots_ahead"]) == (1, 0)
    assert (two["position"], two["shots_ahead"]) == (2, 3)
    assert one["starts"] < one["ends"] <= two["starts"] < two["ends"]


def test_a_job_that_is_not_compiled_yet_is_foreseen_too(
    cast: Cast, submit: Submit
) -> None:
    cast.agent.poll().ok()
    job = seen(cast, submit()["id"])
    assert job["position"] == 1
    assert job["starts"]


def test_no_time_is_told_while_nothing_starts(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=1)
    cast.agent.poll(blacs="absent").ok()
    view = seen(cast, job)
    assert view["starts"] is None
    assert view["position"] == 1
    told = cast.alice("GET", "/apparatus/sim/queue").ok()
    assert told["next"] == "Nothing starts: BLACS is absent."


def test_the_queue_says_what_stops_it_before_anything_is_compiled(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.poll(hold="The chiller is hot.").ok()
    told = cast.alice("GET", "/apparatus/sim/queue").ok()
    assert told["next"] == "Nothing starts: the apparatus is held: The chiller is hot."


def test_a_held_job_has_no_place(cast: Cast, submit: Submit) -> None:
    job = submit(hold=True)["id"]
    cast.agent.compile_one(shots=1)
    assert seen(cast, job)["position"] is None
    entry = cast.alice("GET", "/apparatus/sim/queue").ok()["entries"][0]
    assert entry["waits"] == "it is held back"


def test_the_queue_says_who_is_next_and_why(cast: Cast, submit: Submit) -> None:
    submit()
    cast.agent.compile_one(shots=2)
    alone = cast.alice("GET", "/apparatus/sim/queue").ok()
    assert alone["next"] == "alice is next: nobody else waits."
    submit(cast.bob)
    cast.agent.compile_one(shots=2)
    told = cast.bob("GET", "/apparatus/sim/queue").ok()
    assert {"alice", "bob"} == {share["name"] for share in told["shares"]}
    assert [share["mine"] for share in told["shares"]].count(True) == 1
    assert told["next"].split()[0] in {"alice", "bob"}
    assert told["ends"]


def test_a_dry_run_tells_when_the_job_would_run(cast: Cast, submit: Submit) -> None:
    submit()
    cast.agent.compile_one(shots=5)
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    answer = cast.alice("POST", "/jobs?dry_run=1", body).ok()
    queued = cast.alice("GET", "/apparatus/sim/queue").ok()
    assert answer["starts"] >= queued["entries"][0]["starts"]
    assert answer["starts"] < answer["ends"]


def test_forecasts_are_held_against_what_happened(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=1)
    forecasts.note_forecasts(clock.now())
    row = Job.objects.get(pk=job)
    assert row.foreseen_start
    assert row.foreseen_end
    late = row.foreseen_start + timedelta(seconds=30)
    Job.objects.filter(pk=job).update(state=JobState.DONE.value, started=late)
    errors = forecasts.errors_of(Apparatus.objects.get(name="sim"))
    assert (errors.jobs, errors.start_median, errors.start_p90) == (1, 30.0, 30.0)


def test_only_operators_see_how_good_the_forecasts_are(cast: Cast) -> None:
    assert cast.alice("GET", "/apparatus/sim/queue").ok()["errors"] is None
    assert cast.olga("GET", "/apparatus/sim/queue").ok()["errors"]["jobs"] == 0
