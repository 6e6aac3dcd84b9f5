"""How jobs and apparatus look: one line of text, and tables in notebooks."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from shothub.domain.scans import BadValue, describe, parse_value
from shothub.domain.states import JOB_ENDS, JobState
from shothub.runtime import clock
from shothub.wire.apparatus import ApparatusView, ProcedureView
from shothub.wire.jobs import JobView, RoutineView
from shothub.wire.problems import FaultModel

_COLOURS = {
    JobState.DONE: "#1a7f37",
    JobState.FAILED: "#b3261e",
    JobState.CANCELLED: "#6b6b6b",
    JobState.EXPIRED: "#6b6b6b",
}


def progress_text(job: JobView) -> str:
    """Return in words how far a job is, e.g. ``queued, 12 shots ahead``."""
    said = [str(job.state)]
    if job.state == JobState.QUEUED:
        said += _outlook(job)
    if job.shots is not None and job.state != JobState.QUEUED:
        said.append(f"{job.shots_done} of {job.shots} shots done")
    if job.state == JobState.RUNNING and job.ends:
        said.append(f"ends about {clock_text(job.ends)}")
    if job.shots_failed:
        said.append(f"{job.shots_failed} failed")
    if job.shots_unknown:
        said.append(f"{job.shots_unknown} unknown")
    if job.notice:
        said.append(job.notice)
    return ", ".join(said)


def _outlook(job: JobView) -> list[str]:
    """Return in words what is ahead of a waiting job and when it is foreseen to start."""
    said = []
    if job.position is not None:
        said.append(f"place {job.position}" if job.position > 1 else "next in line")
    if job.shots_ahead:
        plural = "" if job.shots_ahead == 1 else "s"
        said.append(f"{job.shots_ahead} shot{plural} ahead")
    if job.starts:
        said.append(f"starts about {clock_text(job.starts)}")
    return said


def clock_text(moment: datetime) -> str:
    """Return a time to the minute, in the reader's zone; with its day if not today."""
    here = moment.astimezone()
    today = clock.now().astimezone().date()
    return f"{here:%H:%M}" if here.date() == today else f"{here:%Y-%m-%d %H:%M}"


def shots_ended(job: JobView) -> int:
    """Return how many shots of a job have come to their end."""
    return job.shots_done + job.shots_failed + job.shots_unknown


def has_ended(job: JobView) -> bool:
    """Tell whether a job will not change any more."""
    return job.state in JOB_ENDS


def job_line(job: JobView) -> str:
    """Return a job in one line of text."""
    name = f" {job.name!r}" if job.name else ""
    return f"<Job {job.id}{name} on {job.apparatus}: {progress_text(job)}>"


def failure_texts(routines: Iterable[RoutineView]) -> list[str]:
    """Return in words which routines failed, on what, and why."""
    return [
        f"{ended.routine} failed on "
        f"{'the job' if ended.shot is None else f'shot {ended.shot}'}: {ended.reason}"
        for ended in routines
        if ended.state == "failed"
    ]


def globals_text(job: JobView) -> str:
    """Return a job's globals in short, scans by their ends."""
    return ", ".join(f"{k} = {_value(v)}" for k, v in job.globals.items())


def _value(raw: object) -> str:
    try:
        return describe(parse_value(raw))
    except BadValue:
        return str(raw)


def job_html(job: JobView) -> str:
    """Return a job as a small table."""
    rows = [
        ("job", _code(job.id)),
        ("name", escape(job.name)),
        ("apparatus", escape(job.apparatus)),
        (job.kind, escape(job.source)),
        ("globals", escape(globals_text(job))),
        ("tags", escape(", ".join(job.tags))),
        ("state", _state(job)),
        ("submitted", f"{job.submitted:%Y-%m-%d %H:%M:%S} UTC"),
        *(("fault", _fault(x)) for x in job.faults),
    ]
    body = "".join(
        f"<tr><th style='text-align:left'>{escape(k)}</th>"
        f"<td style='text-align:left'>{v}</td></tr>"
        for k, v in rows
        if v
    )
    return f"<table>{body}</table>"


def jobs_html(jobs: Iterable[JobView]) -> str:
    """Return jobs as a table, one row each."""
    rows = [
        [
            _code(job.id),
            escape(job.name or job.source),
            escape(job.apparatus),
            _state(job),
            f"{job.submitted:%Y-%m-%d %H:%M}",
        ]
        for job in jobs
    ]
    return _table(["job", "name", "apparatus", "state", "submitted (UTC)"], rows)


def apparatus_html(view: ApparatusView, procedures: Iterable[ProcedureView]) -> str:
    """Return an apparatus with its procedures as a table."""
    head = (
        f"<p><b>{escape(view.title or view.name)}</b> ({_code(view.name)}): "
        f"{escape(apparatus_text(view))}</p><p>{escape(view.doc)}</p>"
    )
    rows = [
        [_code(p.name), escape(p.title), escape(parameters_text(p))] for p in procedures
    ]
    return head + _table(["procedure", "", "globals"], rows)


def apparatus_text(view: ApparatusView) -> str:
    """Return in words whether an apparatus takes shots now."""
    if not view.online:
        return "offline"
    if view.held or view.status.hold:
        return f"on hold: {view.held or view.status.hold}"
    if view.paused or view.draining:
        state = "paused" if view.paused else "draining"
        return f"{state}: {view.pause_message}".strip(": ")
    return f"online, {view.status.blacs}, {view.pending_shots} shots waiting"


def parameters_text(procedure: ProcedureView) -> str:
    """Return the globals of a procedure with defaults, units and bounds."""
    return "; ".join(
        f"{p.name} = {_short(p.default)}{f' {p.unit}' if p.unit else ''}{_bounds(p.minimum, p.maximum)}"
        for p in procedure.parameters
    )


def _bounds(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return f" [{'' if low is None else _short(low)} … {'' if high is None else _short(high)}]"


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are markup already."""
    top = "".join(f"<th style='text-align:left'>{escape(h)}</th>" for h in heads)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{c}</td>" for c in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _fault(fault: FaultModel) -> str:
    place = f"{_code(fault.where)}: " if fault.where else ""
    advice = f"<br><i>{escape(fault.hint)}</i>" if fault.hint else ""
    return f"{place}{escape(fault.detail)}{advice}".replace("\n", "<br>")


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _state(job: JobView) -> str:
    colour = _COLOURS.get(job.state, "#1f5fbf")
    return f"<span style='color:{colour}'>{escape(progress_text(job))}</span>"
