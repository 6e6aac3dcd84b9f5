"""Reads the shares that wait and the job that is first of each, in plain SQL.

Asked at every poll for shots and at every end of one: with the ORM, building these few
statements and objects takes most of the time of a lease.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from shothub.domain.queue import Key, Service, Share, State, Work
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.shares import empty_state
from shothub.server.jobs.under_way import GUESS

# Literals, not parameters, where a partial index must be seen to fit.
_MAY_RUN = "job.waiting > 0 AND job.barred = '' AND job.state IN ('queued', 'running')"
_TURN = "job.priority DESC, job.submitted, job.id"
_FIRST = f"""
    SELECT job.id FROM jobs_job job
    WHERE job.share_id = share.id AND job.service = '{{service}}' AND {_MAY_RUN}
    ORDER BY {_TURN} LIMIT 1
"""  # noqa: S608
_JOB = (
    "job.id, job.group_id, job.owner_id, job.share_id, job.service, job.config,"
    " job.shot_seconds, job.waiting, job.session, job.submitted"
)
_SHARES = f"""
    SELECT share.id, share.group_id, share.user_id, share.tag, share.virtual_time,
        share.usage, share.usage_at, share.credit, share.credit_at, whole.weight,
        member.weight, CASE WHEN share.user_id IS NOT NULL THEN COALESCE(
            ({_FIRST.format(service="normal")}), ({_FIRST.format(service="scavenger")})
        ) END
    FROM apparatus_share share
    LEFT JOIN accounts_group whole ON whole.id = share.group_id
    LEFT JOIN accounts_membership member
        ON member.group_id = share.group_id AND member.user_id = share.user_id
    WHERE share.apparatus_id = %s AND (share.waiting > 0{{more}})
"""  # noqa: S608
_OF_LAB = f"""
    SELECT {_JOB} FROM jobs_job job
    WHERE job.apparatus_id = %s AND job.service IN ('calibration', 'safety')
        AND {_MAY_RUN}
    ORDER BY job.submitted, job.id LIMIT 20
"""  # noqa: S608
_OF_SESSION = f"""
    SELECT {_JOB} FROM jobs_job job
    WHERE job.owner_id = %s AND job.apparatus_id = %s AND job.session = %s
        AND {_MAY_RUN}
    ORDER BY {_TURN} LIMIT 1
"""  # noqa: S608
_SHORT = f"""
    SELECT {_JOB} FROM jobs_job job
    WHERE job.share_id = %s AND job.service = %s AND {_MAY_RUN}
        AND job.shot_seconds > 0 AND job.shot_seconds <= %s
    ORDER BY {_TURN} LIMIT 1
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Head:
    """A job that may run, as far as the queue needs it; fields as in models.Job."""

    id: str
    group: int | None
    owner: int
    share: int
    service: Service
    config: str
    seconds: float
    waiting: int
    session: str
    submitted: float

    @property
    def key(self) -> Key:
        """Which share it is charged to."""
        return Key(self.group, self.owner)

    def work(self, service: Service) -> Work:
        """Return it as the rules see it, in a class."""
        return Work(
            job=self.id,
            service=service,
            seconds=self.seconds,
            shots=self.waiting,
            config=self.config,
            arrived=self.submitted,
        )


def shares_and_heads(
    apparatus: Apparatus, also: Collection[Key] = ()
) -> tuple[State, list[Head]]:
    """Return the queue without its work, and the first job of each share that waits.

    Args:
        apparatus: as read in this transaction.
        also: shares that are read whether or not anything of them waits.
    """
    shares: dict[Key, Share] = {}
    groups: dict[int, Share] = {}
    jobs, serving = [], None
    for row in _shares(apparatus, also):
        pk, group, user = row[:3]
        if user is None:
            groups[group] = _share(row, row[9])
            continue
        key = Key(group, user)
        shares[key] = _share(row, row[10])
        serving = key if pk == apparatus.serving_id else serving
        jobs += [row[11]] if row[11] is not None else []
    empty = empty_state(apparatus)
    state = replace(empty, shares=shares, groups=groups, serving=serving)
    return state, _heads(jobs)


def _heads(jobs: Sequence[str]) -> list[Head]:
    if not jobs:
        return []
    # A statement of its own: a planner may join the jobs the wrong way round.
    marks = ", ".join(["%s"] * len(jobs))
    return [_head(row) for row in _ask(f"{_BY_ID} ({marks})", jobs)]


_BY_ID = f"SELECT {_JOB} FROM jobs_job job WHERE job.id IN"  # noqa: S608


def _shares(apparatus: Apparatus, also: Collection[Key]) -> Iterable[Sequence[Any]]:
    values: list[Any] = [apparatus.pk]
    more = ""
    for key in also:
        more += " OR share.user_id = %s"
        values.append(key.user)
        if key.group is not None:
            more += " OR (share.user_id IS NULL AND share.group_id = %s)"
            values.append(key.group)
    return _ask(_SHARES.format(more=more), values)


def _share(row: Sequence[Any], weight: float | None) -> Share:
    return Share(
        tag=row[3],
        virtual_time=row[4],
        usage=row[5],
        usage_at=_seconds(row[6]),
        credit=row[7],
        credit_at=_seconds(row[8]),
        weight=1.0 if weight is None else weight,
    )


def heads_of_lab(apparatus: Apparatus) -> list[Head]:
    """Return the safety and calibration jobs that wait, in order of arrival."""
    return [_head(row) for row in _ask(_OF_LAB, [apparatus.pk])]


def heads_of_session(apparatus: Apparatus, user: int, session: str) -> list[Head]:
    """Return the job of a session that is first, if any waits."""
    rows = _ask(_OF_SESSION, [user, apparatus.pk, session])
    return [_head(row) for row in rows]


def short_head(head: Head, most: float) -> Head | None:
    """Return the first job of the same share whose shots take ``most`` seconds."""
    rows = _ask(_SHORT, [head.share, head.service.value, most])
    return next((_head(row) for row in rows), None)


def _head(row: Sequence[Any]) -> Head:
    pk, group, owner, share, service, config, seconds, waiting, session, at = row
    return Head(
        pk,
        group,
        owner,
        share,
        Service(service),
        config,
        seconds or GUESS,
        waiting,
        session,
        _seconds(at),
    )


def _ask(sql: str, values: Sequence[Any]) -> list[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _seconds(at: datetime | str | None) -> float:
    """Return POSIX time; SQLite keeps times as text, UTC without saying so."""
    if at is None:
        return 0.0
    if isinstance(at, str):
        at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return at.timestamp()
