"""What is stored comes back as it was, whichever database keeps it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from tests.integration.server.hub_cast import Cast

from shothub.server import rows
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Event, Job, JobSource, Shot

AT = datetime(2026, 11, 23, 2, 3, 4, 567890, tzinfo=UTC)
WORDS = "tabs\t\\ 'quotes' \"double\" \\. \\N %s {} \r\nlines \u2028 é 😀"


def job_of(cast: Cast, pk: str, **fields: Any) -> Job:
    apparatus = Apparatus.objects.get(name="sim")
    given = {"kind": "script", "source": "x", "state": "queued", "submitted": AT}
    return Job(id=pk, owner=cast.users["alice"], apparatus=apparatus, **given | fields)


@pytest.mark.parametrize("number", [1, 3, 50])  # few by statements, many at once
def test_rows_come_back_as_they_were(cast: Cast, number: int) -> None:
    job = job_of(cast, "a", name=WORDS, tags=[WORDS, "z", "a"], compile_log=WORDS)
    rows.insert([job])
    values = {"zeta": 1.5, "alpha": [1, None, True, {"y": 1, "b": WORDS}], "": 2**60}
    shots = [
        Shot(job=job, index=i, globals=values, duration=i / 3, state="compiled")
        for i in range(number)
    ]
    shots[0].duration, shots[0].reason, shots[0].started = None, WORDS, AT
    rows.insert(shots)
    again = Job.objects.get(pk="a")
    assert (again.name, again.tags, again.compile_log) == (WORDS, job.tags, WORDS)
    assert (again.submitted, again.cancelled, again.queued) == (AT, False, None)
    stored = list(Shot.objects.filter(job=job).order_by("index"))
    assert [s.duration for s in stored] == [s.duration for s in shots]
    assert [list(s.globals.items()) for s in stored] == [list(values.items())] * number
    assert (stored[0].reason, stored[0].started) == (WORDS, AT)


@pytest.mark.parametrize("number", [1, 20])
def test_bytes_come_back_as_they_were(cast: Cast, number: int) -> None:
    jobs = [job_of(cast, f"j{i}") for i in range(number)]
    content = bytes(range(256)) * 3
    rows.insert(jobs)
    rows.insert([JobSource(job=job, globals_content=content) for job in jobs])
    for row in JobSource.objects.all():
        assert bytes(row.globals_content) == content


def test_a_row_that_is_known_is_not_stored_twice(cast: Cast) -> None:
    assert rows.insert_if_new(job_of(cast, "a", name="first"))
    assert not rows.insert_if_new(job_of(cast, "a", name="second"))
    assert Job.objects.get(pk="a").name == "first"


@pytest.mark.parametrize("number", [2, 20])
def test_nothing_of_a_refused_list_is_stored(cast: Cast, number: int) -> None:
    job = job_of(cast, "a")
    rows.insert([job])
    shots = [Shot(job=job, index=i, state="compiled") for i in range(number)]
    shots[-1].index = 0  # twice
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert(shots)
    assert not Shot.objects.filter(job=job).exists()


def test_keys_of_rows_stored_together_grow_in_their_order(cast: Cast) -> None:
    job = job_of(cast, "a")
    rows.insert([job])
    sim = job.apparatus_id
    rows.insert(
        [Event(at=AT, what="x", apparatus_id=sim, job=job, shot=i) for i in range(40)]
    )
    found = Event.objects.filter(what="x").order_by("id")
    assert list(found.values_list("shot", flat=True)) == list(range(40))


def test_a_text_may_be_longer_than_its_column_says(cast: Cast) -> None:
    rows.insert([job_of(cast, "a", name="n" * 500)])
    assert Job.objects.get(pk="a").name == "n" * 500


def test_a_nul_in_what_a_program_printed_refuses_no_report(cast: Cast) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    job = cast.alice("POST", "/jobs", body).ok()["id"]
    cast.agent.poll(compile=1).ok()
    log, units = "printed \0 that", {"tof": "s\0"}
    cast.agent.compiled(job, 1, log=log, units=units).ok()
    kept = Job.objects.get(pk=job)
    nul = "\ufffd" if connection.vendor == "postgresql" else "\0"
    assert kept.compile_log == f"printed {nul} that"
    assert kept.units == units
    attempt = cast.agent.run_one(zeta=1.0, alpha="a\0b")
    assert attempt
    columns = cast.alice("GET", f"/jobs/{job}/results").ok()["columns"]
    assert columns == [["tof"], ["atom_number", "zeta"], ["atom_number", "alpha"]]
