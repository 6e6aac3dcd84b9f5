"""What the pages say about jobs, shots and apparatus, in words for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shothub.domain.states import JOB_ENDS, JobState
from shothub.wire.apparatus import ApparatusView
from shothub.wire.jobs import EventView, JobView

_JOB_MOODS = {
    JobState.COMPILING: "busy",
    JobState.RUNNING: "busy live",
    JobState.ANALYSING: "busy",
    JobState.CANCELLING: "warn",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
    JobState.EXPIRED: "warn",
}
_SHOT_MOODS = {"started": "busy", "done": "good", "failed": "bad", "unknown": "warn"}

_SENTENCES = {
    JobState.SUBMITTED: "Waiting to be compiled.",
    JobState.REVIEW: "Waiting for a person of the lab to read the script.",
    JobState.COMPILING: "Being compiled in the sandbox.",
    JobState.QUEUED: "In the queue.",
    JobState.ANALYSING: "All shots have ended; the routines over all shots are running.",
    JobState.CANCELLING: "Being cancelled: a shot that runs now ends first.",
    JobState.FAILED: "It failed: not one shot ended well.",
    JobState.CANCELLED: "It was cancelled.",
    JobState.EXPIRED: "It waited too long and was given up.",
}


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A short label and its colour."""

    text: str
    mood: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a job's time line; ``kind`` is past, present, future or bad."""

    name: str
    at: datetime | None
    kind: str


def is_finished(job: JobView) -> bool:
    """Tell whether the job has ended, in whatever way."""
    return job.state in JOB_ENDS


def missing(job: JobView) -> int:
    """Return how many shots have no result: failed ones and unknown ones."""
    return job.shots_failed + job.shots_unknown


def job_chip(job: JobView) -> Chip:
    """Return a job's state; ``done`` with shots missing says so."""
    if job.state == JobState.DONE and missing(job):
        return Chip(text=f"done, {missing(job)} missing", mood="warn")
    return Chip(text=job.state, mood=_JOB_MOODS.get(job.state, ""))


def state_chip(state: str) -> Chip:
    """Return the state of a job of which no more is known."""
    known = {str(key): mood for key, mood in _JOB_MOODS.items()}
    return Chip(text=state, mood=known.get(state, ""))


def shot_chip(state: str) -> Chip:
    """Return a shot's state."""
    return Chip(text=state, mood=_SHOT_MOODS.get(state, ""))


def apparatus_chip(apparatus: ApparatusView) -> Chip:
    """Return whether the apparatus runs, waits, or why it does not."""
    if not apparatus.online:
        return Chip(text="offline", mood="bad")
    if apparatus.paused or apparatus.status.blacs == "paused":
        return Chip(text="paused", mood="warn")
    if apparatus.held or apparatus.status.hold:
        return Chip(text="on hold", mood="warn")
    if apparatus.draining:
        return Chip(text="draining", mood="warn")
    moods = {"idle": "good", "running": "busy live", "error": "bad", "absent": "bad"}
    words = {"absent": "BLACS is not running", "error": "BLACS reports an error"}
    blacs = apparatus.status.blacs
    return Chip(text=words.get(blacs, blacs), mood=moods[blacs])


def hold(apparatus: ApparatusView) -> str:
    """Return why nothing starts on the apparatus, empty if it works."""
    if not apparatus.online:
        return "Its agent is not connected. Jobs are kept and run once it is back."
    if apparatus.held or apparatus.status.hold:
        return f"On hold: {apparatus.held or apparatus.status.hold}"
    if apparatus.paused:
        said = f"An operator has paused it{_because(apparatus)}."
        return f"{said} Jobs are kept; none starts until he resumes it."
    if apparatus.draining:
        said = f"An operator lets it run empty{_because(apparatus)}."
        return (
            f"{said} What waits runs out; jobs submitted now wait until he resumes it."
        )
    if apparatus.status.blacs in {"absent", "error", "paused"}:
        words = {
            "absent": "BLACS is not running there.",
            "error": "BLACS reports an error.",
            "paused": "BLACS's own queue is paused.",
        }
        return f"{words[apparatus.status.blacs]} {apparatus.status.message}".strip()
    return ""


def _because(apparatus: ApparatusView) -> str:
    message = apparatus.pause_message.strip().rstrip(".")
    return f": {message}" if message else ""


def sentence(job: JobView) -> str:
    """Return where the job stands, in one sentence."""
    if job.notice and job.state not in JOB_ENDS:
        return f"It waits: {job.notice}"
    if job.state == JobState.QUEUED and job.position:
        return _in_queue(job)
    if job.state == JobState.RUNNING:
        return f"{_ended(job)} of {job.shots} shots have ended."
    if job.state == JobState.DONE:
        return _done(job)
    if job.state == JobState.FAILED and job.shots is None:
        return "It failed before its first shot."
    return _SENTENCES[job.state]


def outlook(job: JobView) -> str:
    """Return what is foreseen for the job, short: a page that shows it is up to date."""
    times = (f"{at:%d%H%M}" if at else "" for at in (job.starts, job.ends))
    said = [str(job.position or ""), str(job.shots_ahead or ""), *times]
    return ".".join(said) if any(said) else ""


def length(seconds: float) -> str:
    """Return a length of time in the unit that suits it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _in_queue(job: JobView) -> str:
    if job.position == 1 and not job.shots_ahead:
        return "In the queue: next in line."
    ahead = job.shots_ahead or 0
    runs = "one shot is" if ahead == 1 else f"{ahead} shots are"
    return f"In the queue at place {job.position}; {runs} foreseen to run before."


def _ended(job: JobView) -> int:
    return job.shots_done + missing(job)


def _done(job: JobView) -> str:
    if not missing(job):
        return (
            "The shot is done."
            if job.shots == 1
            else f"All {job.shots} shots are done."
        )
    parts = [
        f"{count} {word}"
        for count, word in (
            (job.shots_failed, "failed"),
            (job.shots_unknown, "unknown"),
        )
        if count
    ]
    return f"{job.shots_done} of {job.shots} shots are done; {', '.join(parts)}."


_COURSE = (
    JobState.SUBMITTED,
    JobState.COMPILING,
    JobState.QUEUED,
    JobState.RUNNING,
    JobState.ANALYSING,
    JobState.DONE,
)


def timeline(job: JobView, moves: Sequence[EventView]) -> list[Step]:
    """Return the states that the job was in, with the times of entry, and the next ones.

    Args:
        job: the job.
        moves: the events of its changes of state, oldest first.
    """
    entered: dict[JobState, datetime] = {}
    for move in moves:
        name = move.what.removeprefix("job.")
        if name in set(JobState):
            entered.pop(JobState(name), None)
            entered[JobState(name)] = move.at
    steps = [_step(state, at, job.state) for state, at in entered.items()]
    ahead = _COURSE[_COURSE.index(job.state) + 1 :] if job.state in _COURSE else ()
    return steps + [Step(name=s.title(), at=None, kind="future") for s in ahead]


def _step(state: JobState, at: datetime, present: JobState) -> Step:
    if state != present or state == JobState.DONE:
        kind = "past"
    else:
        kind = "bad" if state in JOB_ENDS else "present"
    return Step(name=state.title(), at=at, kind=kind)
