"""What costs the hub much is bounded before it is done."""

from collections.abc import Callable

from django.db import connection
from tests.integration.server.hub_cast import Cast

Configured = Callable[..., None]
BODY = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


def finished(cast: Cast) -> str:
    job = str(cast.alice("POST", "/jobs", BODY).ok()["id"])
    cast.agent.compile_one(shots=2)
    for _ in range(2):
        cast.agent.run_one(atoms=1.0, fraction=0.5)
    return job


def test_a_table_that_is_too_large_is_not_made(
    cast: Cast, configured: Configured
) -> None:
    job = finished(cast)
    assert len(cast.alice("GET", f"/jobs/{job}/results").ok()["rows"]) == 2
    configured(max_result_cells=5)
    answer = cast.alice("GET", f"/jobs/{job}/results")
    assert (answer.status, answer.body["code"]) == (413, "too_many_cells")
    assert answer.body["hint"]


def test_an_archive_that_is_too_large_is_not_made(
    cast: Cast, configured: Configured
) -> None:
    job = finished(cast)
    said = {"kind": "image", "label": "absorption"}
    cast.agent.upload(job, "images/absorption/0.npy", b"n" * 64, shot="0", **said).ok()
    path = f"/jobs/{job}/images/absorption.npz"
    assert cast.alice("GET", path).status == 200
    configured(max_archive_bytes=63)
    assert cast.alice("GET", path).body["code"] == "archive_too_large"


def test_no_statement_may_last_for_ever(db: None) -> None:
    if connection.vendor != "postgresql":
        return  # SQLite knows no such bound; its questions are bounded by rows.
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "1min"
