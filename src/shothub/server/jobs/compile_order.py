"""Whose job is compiled next: of those who have least ready, each one's own order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

# Plain SQL, asked at every poll for work; the state is a literal, so that the partial index
# of such jobs fits. Owners are found by leaps over that index, however many jobs wait.
_SUBMITTED = "apparatus_id = %s AND state = 'submitted'"
_OWNERS = f"""
    WITH RECURSIVE owners (owner_id) AS (
        SELECT MIN(owner_id) FROM jobs_job WHERE {_SUBMITTED}
        UNION ALL
        SELECT (
            SELECT MIN(job.owner_id) FROM jobs_job job
            WHERE job.apparatus_id = %s AND job.state = 'submitted'
                AND job.owner_id > owners.owner_id
        ) FROM owners WHERE owners.owner_id IS NOT NULL
    )
    SELECT owner_id FROM owners WHERE owner_id IS NOT NULL
"""  # noqa: S608
_HEADS = f"""
    SELECT id, submitted, pending FROM jobs_job
    WHERE {_SUBMITTED} AND owner_id = %s
    ORDER BY priority DESC, submitted, id LIMIT %s
"""  # noqa: S608
_READY = """
    SELECT user_id, SUM(waiting) FROM apparatus_share
    WHERE apparatus_id = %s AND user_id IS NOT NULL AND waiting > 0 GROUP BY user_id
    UNION ALL
    SELECT owner_id, SUM(pending) FROM jobs_job
    WHERE apparatus_id = %s AND state = 'compiling' GROUP BY owner_id
"""


@dataclass(frozen=True)
class Head:
    """A job that waits to be compiled; ``submitted`` is as the database writes times."""

    owner: int
    job: str
    submitted: Any
    shots: int


def next_to_compile(apparatus: int, number: int) -> list[str]:
    """Return the jobs to compile next, at most so many, in order."""
    lists = [_of_owner(apparatus, owner, number) for owner in _owners(apparatus)]
    return choose(lists, _ready(apparatus) if len(lists) > 1 else {}, number)


def choose(
    lists: Sequence[Sequence[Head]], ready: dict[int, int], number: int
) -> list[str]:
    """Return which jobs go first: whoever has fewest shots ready or in hand is served.

    Args:
        lists: of each owner his jobs in his own order.
        ready: shots of each owner that are compiled and wait, or are being compiled.
        number: of jobs at most.
    """
    ready, left, chosen = dict(ready), [list(jobs) for jobs in lists], list[str]()
    while len(chosen) < number and (waiting := [jobs for jobs in left if jobs]):
        jobs = min(
            waiting,
            key=lambda j: (ready.get(j[0].owner, 0), j[0].submitted, j[0].job),
        )
        head = jobs.pop(0)
        ready[head.owner] = ready.get(head.owner, 0) + head.shots
        chosen.append(head.job)
    return chosen


def _owners(apparatus: int) -> list[int]:
    return [int(owner) for (owner,) in _rows(_OWNERS, [apparatus, apparatus])]


def _of_owner(apparatus: int, owner: int, number: int) -> list[Head]:
    rows = _rows(_HEADS, [apparatus, owner, number])
    return [Head(owner, job, submitted, int(shots)) for job, submitted, shots in rows]


def _ready(apparatus: int) -> dict[int, int]:
    ready: dict[int, int] = {}
    for owner, shots in _rows(_READY, [apparatus, apparatus]):
        ready[owner] = ready.get(owner, 0) + int(shots)
    return ready


def _rows(sql: str, values: list[int]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
