"""The number of database queries of a page does not grow with the number of jobs."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.integration.server.hub_cast import Cast

BODY = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


@pytest.mark.parametrize(
    ("page", "most"),
    [("/", 9), ("/?q=bec&tag=x", 10), ("/apparatus/sim", 32), ("/submit", 12)],
)
def test_a_list_asks_few_questions(
    page: str, most: int, cast: Cast, alice: Client
) -> None:
    cast.alice("POST", "/jobs", [BODY] * 500).ok()
    cast.alice("POST", "/jobs", [BODY] * 500).ok()
    with CaptureQueriesContext(connection) as queries:
        assert alice.get(page).status_code == 200
    assert len(queries) <= most


def test_a_job_of_many_shots_asks_few_questions(cast: Cast, alice: Client) -> None:
    job = cast.alice("POST", "/jobs", BODY).ok()["id"]
    cast.agent.compile_one(shots=200)
    with CaptureQueriesContext(connection) as queries:
        assert alice.get(f"/jobs/{job}").status_code == 200
    assert len(queries) <= 33
