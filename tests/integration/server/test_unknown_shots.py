"""Shots of unknown outcome: what people decide, and what evidence does later."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import DESCRIPTION, Caller

from shothub.domain.tokens import OPERATOR_SCOPES, USER_SCOPES
from shothub.runtime import clock
from shothub.server.accounts.services import mint_token

Submit = Callable[..., Any]


def operator(cast: Cast) -> Caller:
    scopes = USER_SCOPES | OPERATOR_SCOPES
    raw = mint_token(user=cast.users["olga"], now=clock.now(), scopes=scopes)
    return Caller(raw)


def run(cast: Cast, outcome: str, **report: object) -> int:
    [lease] = cast.agent.lease()
    attempt = int(cast.agent.start(lease).ok()["attempt"])
    cast.agent.finish(attempt, outcome, **report).ok()
    return attempt


@pytest.fixture
def unknown(cast: Cast, submit: Submit) -> tuple[str, int]:
    """A job of two shots, one done and one unknown, that has ended; and that attempt."""
    job = submit()["id"]
    cast.agent.compile_one(shots=2)
    cast.agent.run_one()
    attempt = run(cast, "unknown", reason="BLACS is gone")
    assert cast.agent.end_job() == job
    return job, attempt


def view(cast: Cast, job: str) -> Any:
    return cast.alice("GET", f"/jobs/{job}").ok()


def shot(cast: Cast, job: str, index: int = 1) -> Any:
    return cast.alice("GET", f"/jobs/{job}/shots").ok()[index]


def decide(caller: Caller, job: str, choice: str, index: int = 1) -> Any:
    return caller("POST", f"/jobs/{job}/shots/{index}/decision", {"choice": choice})


def names(cast: Cast, job: str) -> list[str]:
    return [e["what"] for e in cast.alice("GET", f"/jobs/{job}/events").ok()]


def test_an_unknown_shot_holds_nobody_up_and_says_what_to_do(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, _ = unknown
    seen = view(cast, job)
    assert (seen["state"], seen["shots_done"], seen["shots_unknown"]) == ("done", 1, 1)
    assert "shot 1 is unknown" in seen["notice"]
    assert "run again" in shot(cast, job)["notice"]
    assert shot(cast, job, 0)["notice"] == ""


def test_a_kept_shot_stays_unknown_and_asks_no_more(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, _ = unknown
    seen = decide(cast.alice, job, "keep").ok()
    assert (seen["state"], seen["shots_unknown"], seen["notice"]) == ("done", 1, "")
    assert shot(cast, job)["decision"] == "keep"
    again = names(cast, job)
    assert decide(cast.alice, job, "keep").status == 200
    assert names(cast, job) == again


def test_what_is_given_up_has_failed(cast: Cast, unknown: tuple[str, int]) -> None:
    job, _ = unknown
    seen = decide(cast.alice, job, "give_up").ok()
    assert (seen["shots_failed"], seen["shots_unknown"]) == (1, 0)
    assert "shot.given_up" in names(cast, job)
    answer = decide(cast.alice, job, "rerun")
    assert (answer.status, answer.body["code"]) == (409, "not_unknown")


def test_an_ended_job_is_reopened_and_its_shot_runs_once_more(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, first = unknown
    before = view(cast, job)
    seen = decide(cast.alice, job, "rerun").ok()
    assert (seen["state"], seen["shots_unknown"], seen["ended"]) == ("queued", 0, None)
    second = cast.agent.run_one()
    assert second != first
    assert cast.agent.end_job() == job
    seen = view(cast, job)
    assert (seen["state"], seen["shots_done"]) == ("done", 2)
    assert (seen["started"], seen["queued"]) == (before["started"], before["queued"])
    assert shot(cast, job)["attempts"] == 2
    assert names(cast, job).count("job.reopened") == 1
    assert decide(cast.alice, job, "rerun").status == 200, "it is what was decided"
    assert view(cast, job)["state"] == "done"


def test_a_kept_shot_may_still_be_run_again(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, _ = unknown
    decide(cast.alice, job, "keep").ok()
    assert decide(cast.alice, job, "rerun").ok()["state"] == "queued"


def test_a_re_run_may_be_wanted_before_the_job_has_ended(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=2)
    run(cast, "unknown")
    decide(cast.alice, job, "rerun", 0).ok()
    cast.agent.run_one()
    cast.agent.run_one()
    cast.agent.end_job()
    seen = view(cast, job)
    assert (seen["state"], seen["shots_done"]) == ("done", 2)
    assert "job.reopened" not in names(cast, job)


def test_a_job_being_analysed_goes_back_to_the_queue(
    cast: Cast, submit: Submit
) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=2)
    cast.agent.run_one()
    run(cast, "unknown")
    [task] = cast.agent.poll(analyse=1).ok()["analyse"]
    assert decide(cast.alice, job, "rerun").ok()["state"] == "queued"
    report = {"epoch": cast.agent.epoch, "routines": []}
    stale = cast.agent.call("POST", f"/agent/jobs/{task['job']}/analysed", report)
    assert stale.status == 409
    cast.agent.run_one()
    cast.agent.end_job()
    assert view(cast, job)["shots_done"] == 2


def test_nothing_runs_again_of_a_cancelled_job(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=2)
    run(cast, "unknown")
    cast.alice("POST", f"/jobs/{job}/cancel").ok()
    answer = decide(cast.alice, job, "rerun", 0)
    assert (answer.status, answer.body["code"]) == (409, "job_over")
    assert decide(cast.alice, job, "keep", 0).status == 200


def test_an_operator_decides_too_and_a_stranger_does_not(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, _ = unknown
    assert decide(cast.bob, job, "rerun").status == 404
    assert decide(cast.olga, job, "rerun").status == 403, "no scope for it"
    assert decide(operator(cast), job, "rerun").ok()["state"] == "queued"


def test_there_is_no_decision_on_what_is_not_there(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, _ = unknown
    assert decide(cast.alice, job, "rerun", 9).status == 404
    assert decide(cast.alice, job, "rerun", 0).status == 409
    assert decide(cast.alice, job, "perhaps").status == 422


@pytest.mark.parametrize("choice", ["", "keep", "give_up"])
def test_a_late_end_beats_what_was_decided(
    cast: Cast, unknown: tuple[str, int], choice: str
) -> None:
    job, attempt = unknown
    if choice:
        decide(cast.alice, job, choice).ok()
    cast.agent.finish(attempt, "done").ok()
    seen = view(cast, job)
    assert (seen["state"], seen["shots_done"], seen["shots_failed"]) == ("queued", 2, 0)
    cast.agent.analysed(attempt, atoms=1.0).ok()
    cast.agent.end_job()
    seen = view(cast, job)
    assert (seen["state"], seen["shots_done"], seen["shots_unknown"]) == ("done", 2, 0)


def test_a_late_end_before_the_second_start_makes_it_needless(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, attempt = unknown
    decide(cast.alice, job, "rerun").ok()
    [lease] = cast.agent.lease()
    cast.agent.finish(attempt, "done").ok()
    assert cast.agent.start(lease).status == 409
    cast.agent.analysed(attempt).ok()
    cast.agent.end_job()
    assert (view(cast, job)["shots_done"], shot(cast, job)["attempts"]) == (2, 1)


@pytest.mark.parametrize("late", ["done", "failed", "not_started"])
def test_after_the_second_start_the_shot_follows_that(
    cast: Cast, unknown: tuple[str, int], late: str
) -> None:
    job, first = unknown
    decide(cast.alice, job, "rerun").ok()
    [lease] = cast.agent.lease()
    second = cast.agent.start(lease).ok()["attempt"]
    cast.agent.finish(first, late, reason="found in the journal").ok()
    assert shot(cast, job)["state"] == "started"
    assert "shot.evidence" in names(cast, job)
    cast.agent.finish(second, "failed").ok()
    assert shot(cast, job)["state"] == "failed"
    cast.agent.finish(first, late).ok()
    assert shot(cast, job)["state"] == "failed"


def test_a_procedure_that_is_safe_to_repeat_is_repeated_once(
    cast: Cast, submit: Submit
) -> None:
    [procedure] = DESCRIPTION["procedures"]
    cast.agent.open(procedures=[procedure | {"rerun": "safe"}])
    job = submit()["id"]
    cast.agent.compile_one()
    run(cast, "unknown")
    assert (view(cast, job)["state"], shot(cast, job, 0)["state"]) == (
        "running",
        "compiled",
    )
    run(cast, "unknown")
    seen = view(cast, job)
    assert (seen["state"], seen["shots_unknown"]) == ("failed", 1)
    assert shot(cast, job, 0)["decision"] == ""
    assert decide(cast.alice, job, "rerun", 0).ok()["state"] == "queued"
    run(cast, "unknown")
    assert view(cast, job)["state"] == "failed", "by itself no more"


def test_without_that_word_it_is_not(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one()
    run(cast, "unknown")
    assert view(cast, job)["state"] == "failed"


def test_a_shot_that_proves_never_begun_runs_though_its_job_had_ended(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, attempt = unknown
    cast.agent.finish(attempt, "not_started").ok()
    assert view(cast, job)["state"] == "queued"
    cast.agent.run_one()
    cast.agent.end_job()
    assert view(cast, job)["shots_done"] == 2


def test_results_of_an_older_attempt_are_kept_beside_the_newer_ones(
    cast: Cast, unknown: tuple[str, int]
) -> None:
    job, first = unknown
    decide(cast.alice, job, "rerun").ok()
    [lease] = cast.agent.lease()
    second = cast.agent.start(lease).ok()["attempt"]
    cast.agent.finish(first, "done").ok()
    cast.agent.analysed(first, atoms=1.0).ok()
    assert view(cast, job)["state"] == "running", "the re-run is waited for"
    cast.agent.finish(second).ok()
    cast.agent.analysed(second, atoms=2.0).ok()
    cast.agent.analysed(first, atoms=1.0).ok()
    table = cast.alice("GET", f"/jobs/{job}/results").ok()
    row = dict(zip(map(tuple, table["columns"]), table["rows"][1], strict=True))
    assert row["atom_number", "atoms"] == 2.0
    assert row["atom_number~1", "atoms"] == 1.0
    cast.agent.end_job()
    assert view(cast, job)["shots_done"] == 2
