"""What the queue must do, as plainly as it can be said: no database, no classes of service."""

from dataclasses import dataclass, field
from datetime import datetime

from shothub.domain.states import Outcome, ShotState

_AFTER = {
    Outcome.DONE: ShotState.DONE,
    Outcome.FAILED: ShotState.FAILED,
    Outcome.ABORTED: ShotState.FAILED,
    Outcome.UNKNOWN: ShotState.UNKNOWN,
}


@dataclass
class ModelJob:
    """A job; its shots are in the model."""

    owner: str
    cancelled: bool = False
    held: bool = False


@dataclass
class ModelAttempt:
    """One START that was granted."""

    epoch: int
    fence: int
    opened: datetime
    outcome: Outcome | None = None
    charged: float = 0.0


@dataclass
class ModelShot:
    """A shot and all its starts, oldest first."""

    job: str
    duration: float
    state: ShotState = ShotState.COMPILED
    fence: int = 0
    epoch: int = 0
    expires: datetime | None = None
    attempts: list[int] = field(default_factory=list)
    decision: str = ""


@dataclass
class Model:
    """The whole hub, for one apparatus."""

    epoch: int = 0
    paused: bool = False
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    shots: dict[int, ModelShot] = field(default_factory=dict)
    attempts: dict[int, ModelAttempt] = field(default_factory=dict)

    def shots_of(self, job: str) -> list[ModelShot]:
        return [shot for shot in self.shots.values() if shot.job == job]

    def begin_session(self, epoch: int) -> None:
        self.epoch = epoch
        self.give_back(lambda _: True)

    def give_back(self, which) -> None:  # type: ignore[no-untyped-def]
        """Return leases to the queue."""
        for shot in self.shots.values():
            if shot.state is ShotState.LEASED and which(shot):
                shot.state = ShotState.COMPILED

    def may_lease(self, shot: ModelShot) -> bool:
        job = self.jobs[shot.job]
        free = shot.state is ShotState.COMPILED and not self.paused
        return free and not job.cancelled and not job.held

    def may_start(self, shot: ModelShot, epoch: int, fence: int, now: datetime) -> bool:
        job = self.jobs[shot.job]
        mine = shot.state is ShotState.LEASED and shot.fence == fence
        alive = shot.expires is not None and shot.expires >= now
        free = not (self.paused or job.cancelled or job.held)
        return mine and alive and free and epoch == self.epoch

    def open_attempt(self, shot: int) -> int | None:
        """Return the attempt of a shot that has not ended, if there is one."""
        attempts = self.shots[shot].attempts
        last = attempts[-1] if attempts else None
        ended = last is None or self.attempts[last].outcome is not None
        return None if ended else last

    def shot_of(self, attempt: int) -> ModelShot:
        return next(s for s in self.shots.values() if attempt in s.attempts)

    def finish(self, attempt: int, outcome: Outcome, now: datetime) -> bool:
        """Take a report; tell whether it contradicts an earlier one."""
        known = self.attempts[attempt]
        if known.outcome and outcome in (known.outcome, Outcome.UNKNOWN):
            return False
        if known.outcome not in (None, Outcome.UNKNOWN):
            return True
        known.outcome = outcome
        shot = self.shot_of(attempt)
        self._charge(known, shot, now)
        if attempt == shot.attempts[-1]:
            self._follow(shot, outcome)
        return False

    def _follow(self, shot: ModelShot, outcome: Outcome) -> None:
        back = ShotState.CANCELLED if self.jobs[shot.job].cancelled else None
        if shot.state is ShotState.STARTED:
            shot.state = _AFTER.get(outcome) or back or ShotState.COMPILED
            if outcome is Outcome.UNKNOWN:
                shot.decision = ""
        elif outcome is Outcome.DONE:
            shot.state = ShotState.DONE
        elif shot.state is ShotState.UNKNOWN and outcome is not Outcome.UNKNOWN:
            never = outcome is Outcome.NOT_STARTED and not shot.decision
            shot.state = (back or ShotState.COMPILED) if never else ShotState.FAILED

    def _charge(self, attempt: ModelAttempt, shot: ModelShot, now: datetime) -> None:
        if attempt.outcome is Outcome.NOT_STARTED:
            return
        seconds = max(0.0, (now - attempt.opened).total_seconds())
        if attempt.outcome is Outcome.UNKNOWN:
            seconds = min(seconds, shot.duration)
        attempt.charged = max(attempt.charged, seconds)

    def cancel(self, job: str) -> None:
        self.jobs[job].cancelled = True
        for shot in self.shots_of(job):
            if shot.state in (ShotState.COMPILED, ShotState.LEASED):
                shot.state = ShotState.CANCELLED
