"""Keeps the number of shots that wait in each share: changed with what it counts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connection

from shothub.server.apparatus.shares import add_waiting

_COUNTED = frozenset({"waiting", "barred", "share"})
_MAY_RUN = """
    SELECT share_id, CASE WHEN barred = '' THEN waiting ELSE 0 END
    FROM jobs_job WHERE id = %s
"""


@contextmanager
def counted(job: str, changes: Mapping[str, object]) -> Iterator[None]:
    """Note what a change of a job within this context does to its share."""
    if _COUNTED.isdisjoint(changes):
        yield
        return
    _, before = _may_run(job)
    yield
    share, after = _may_run(job)
    if share is not None and after != before:
        add_waiting(share, after - before)


def _may_run(job: str) -> tuple[int | None, int]:
    # Plain SQL: asked at nearly every change.
    with connection.cursor() as cursor:
        cursor.execute(_MAY_RUN, [job])
        share, shots = cursor.fetchone()
    return share, int(shots)
