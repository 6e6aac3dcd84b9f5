"""The queue of an apparatus as a user sees it: who is next, why, and when."""

from datetime import datetime
from typing import Literal

from shothub.domain.states import JobState
from shothub.wire.base import Reply


class QueueEntry(Reply):
    """One unfinished job.

    Attributes:
        job: its id if it is the reader's own or he reviews there, else None.
        owner: key of its owner.
        group: on whose allocation it runs; empty for the owner's own.
        service: class of work.
        shots_left: shots that have not ended; before it is compiled, as expected.
        place: 1 for the job whose next shot is foreseen first; None if unknown.
        starts, ends: foreseen times of its next shot and of its last.
        waits: in words, what it waits for beside its turn; empty for nothing.
    """

    job: str | None = None
    owner: str
    group: str = ""
    source: str
    service: str = "normal"
    state: JobState
    shots_left: int
    place: int | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    waits: str = ""
    mine: bool = False


class ShareView(Reply):
    """What fair queueing holds of one user, or of a group as a whole, that waits.

    Attributes:
        name: key of the user or name of the group.
        within: name of the user's group; empty if he is in none, or for a group.
        weight: its part of the machine, relative to those it stands beside.
        behind: machine seconds that it has had in this round beyond the one of its
            siblings that has had least; 0 for that one.
        used_week: machine seconds in the last seven days.
        waiting: compiled shots that may run now.
        credit: express credit left, seconds; None for groups.
    """

    kind: Literal["user", "group"]
    name: str
    within: str = ""
    mine: bool = False
    weight: float
    behind: float
    used_week: float = 0.0
    waiting: int = 0
    credit: float | None = None


class ForecastErrors(Reply):
    """How foreseen times compare with what happened, over the jobs that ended last.

    Times foreseen when the job was queued; seconds, positive if it came later.

    Attributes:
        jobs: how many were compared.
        start_median, end_median: median error.
        start_p90, end_p90: nine of ten jobs were off by no more than this.
    """

    jobs: int
    start_median: float | None = None
    start_p90: float | None = None
    end_median: float | None = None
    end_p90: float | None = None


class QueueView(Reply):
    """The queue of an apparatus.

    Attributes:
        next: in words, who is next and why; empty if nobody waits.
        entries: unfinished jobs, by place, then by submission.
        more: unfinished jobs beyond those that are listed.
        ends: when all that waits has run.
        switch_seconds: what a change of configuration costs on average.
        shares: of those who wait.
        errors: for operators; None for others.
    """

    next: str = ""
    entries: list[QueueEntry] = []
    more: int = 0
    ends: datetime | None = None
    switch_seconds: float = 0.0
    shares: list[ShareView] = []
    errors: ForecastErrors | None = None
