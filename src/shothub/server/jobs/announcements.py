"""Which events of jobs their owners and the staff are told of, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from shothub.server.jobs.models import Job
from shothub.server.outbox.services import hears, tell, tell_staff

_OWNERS: Mapping[str, str] = {
    "job.done": "done",
    "job.failed": "failed",
    "job.cancelled": "cancelled",
    "job.expired": "expired",
    "job.reopened": "reopened",
    "shot.unknown": "unknown",
}
_STAFFS: Mapping[str, str] = {
    "shot.unknown": "unknown_shot",
    "shot.conflict": "conflict",
    "file.conflict": "conflict",
}
_UNKNOWN = (
    "Nobody can know how shot {shot} ended: {detail}.\n"
    "Choose on the job's page to keep it as unknown, to run it again, or to give it up."
    " If the procedure may be repeated safely, it runs once more by itself."
)


@dataclass(frozen=True, kw_only=True)
class News:
    """One event of a job or of one of its shots."""

    what: str
    at: datetime
    detail: str = ""
    shot: int | None = None


def announce(job: Job, news: News) -> None:
    """Tell whoever wants to hear of it, in the caller's transaction."""
    occasion = _OWNERS.get(news.what, "")
    if occasion and hears(job.owner_id, occasion):
        facts = _facts(job)
        tell(
            job.owner_id,
            occasion,
            _subject(facts, news),
            _text(facts, news),
            now=news.at,
            data=_data(facts, news),
        )
    if news.what in _STAFFS:
        _tell_staff(job, news)


def _tell_staff(job: Job, news: News) -> None:
    facts = _facts(job)
    what = "is unknown" if news.what == "shot.unknown" else "is contradictory"
    tell_staff(
        str(facts["apparatus"]),
        _STAFFS[news.what],
        f"How shot {news.shot} of job {job.pk} ended {what}",
        f"{facts['apparatus']}: {news.detail or 'no more is known'}.",
        now=news.at,
        data=_data(facts, news) | {"path": f"/apparatus/{facts['apparatus']}"},
    )


def _facts(job: Job) -> Mapping[str, JsonValue]:
    """Return the job as it is in this transaction; the object may be older."""
    columns = ("state", "shots", "shots_done", "shots_failed", "shots_unknown")
    rows = Job.objects.filter(pk=job.pk).values(
        "name", "source", "faults", "apparatus__name", *columns
    )
    row = rows.get()
    facts: dict[str, JsonValue] = {"job": job.pk, "apparatus": row["apparatus__name"]}
    facts |= {name: row[name] for name in columns}
    first = row["faults"][0]["detail"] if row["faults"] else ""
    return facts | {"name": row["name"] or row["source"], "fault": first}


def _subject(facts: Mapping[str, JsonValue], news: News) -> str:
    whose = f"{facts['name']} ({facts['job']})"
    if news.what == "shot.unknown":
        return f"{whose}: how shot {news.shot} ended is unknown"
    if news.what == "job.reopened":
        return f"{whose} runs again"
    return f"{whose} {_PAST[news.what]}"


_PAST = {
    "job.done": "is done",
    "job.failed": "failed",
    "job.cancelled": "was cancelled",
    "job.expired": "expired",
}


def _text(facts: Mapping[str, JsonValue], news: News) -> str:
    if news.what == "shot.unknown":
        detail = news.detail.rstrip(".") or "there is no report of its end"
        return _UNKNOWN.format(shot=news.shot, detail=detail)
    lines = [f"Apparatus: {facts['apparatus']}", f"Shots: {_counted(facts)}"]
    if why := facts["fault"] or news.detail:
        lines.append(f"Reason: {why}")
    return "\n".join(lines)


def _counted(facts: Mapping[str, JsonValue]) -> str:
    if facts["shots"] is None:
        return "none were compiled"
    parts = [f"{facts['shots_done']} of {facts['shots']} done"]
    parts += [
        f"{facts[f'shots_{kind}']} {kind}"
        for kind in ("failed", "unknown")
        if facts[f"shots_{kind}"]
    ]
    return ", ".join(parts)


def _data(facts: Mapping[str, JsonValue], news: News) -> dict[str, JsonValue]:
    whole = {k: v for k, v in facts.items() if k != "fault"}
    if facts["fault"]:
        whole["reason"] = facts["fault"]
    if news.shot is not None:
        whole["shot"] = news.shot
    return whole | {"path": f"/jobs/{facts['job']}"}
