"""Charges measured machine time to whose it was, and learns what changes cost."""

from datetime import datetime

from shothub.domain.metering import Gaps, Run, gap_before, learn, seconds_of
from shothub.domain.queue import Key, Service, Use, charge
from shothub.domain.states import Outcome
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.shares import add_usage, share_of, write_state
from shothub.server.jobs.models import Attempt, Job, Shot
from shothub.server.jobs.waiting import queue_of_shares
from shothub.server.rows import update

LOCAL = "local"
"""Configuration after an operator's own shot: what it was is not known."""


def charge_attempt(apparatus: Apparatus, attempt: Attempt, *, now: datetime) -> None:
    """Charge an attempt that has ended; of better evidence later, what it adds.

    The apparatus is locked. Shots within a session cost nothing here: the session itself
    is charged, by the clock.
    """
    shot = attempt.shot
    job = shot.job
    if attempt.outcome == Outcome.NOT_STARTED:
        return
    run = _run(apparatus, attempt, shot, now)
    seconds = seconds_of(run) + _setup(apparatus, job, run)
    more = max(0.0, seconds - attempt.charged)
    ended = attempt.ended or now
    if not job.session and more > 0:
        service = Service(shot.service or Service.NORMAL)
        _charge(apparatus, job, service, seconds=more, ended=ended)
        key, first = Key(job.group_id, job.owner_id), int(attempt.charged == 0)
        add_usage(apparatus, key, more, ended, shots=first)
        attempt.charged += more
        charged = {"charged": attempt.charged}
        update(Attempt, '"id" = %s', [attempt.pk], charged)
    _leave(apparatus, job.config, ended)


def _run(apparatus: Apparatus, attempt: Attempt, shot: Shot, now: datetime) -> Run:
    unknown = attempt.outcome == Outcome.UNKNOWN
    return Run(
        opened=attempt.opened,
        began=attempt.began,
        ended=attempt.ended,
        heard=now,
        free_since=apparatus.free_since,
        most=shot.duration if unknown else None,
    )


def _setup(apparatus: Apparatus, job: Job, run: Run) -> float:
    """Return the seconds of setup that a shot caused; learn from them."""
    gap = gap_before(run)
    known = {apparatus.config, job.config}.isdisjoint({"", LOCAL})
    if gap is None or not known:
        return 0.0
    changed = apparatus.config != job.config
    gaps = Gaps(same=apparatus.gap_seconds, switch=apparatus.switch_seconds)
    gaps = learn(gaps, gap, changed=changed)
    apparatus.gap_seconds, apparatus.switch_seconds = gaps.same, gaps.switch
    return gap if changed else 0.0


def _charge(
    apparatus: Apparatus, job: Job, service: Service, *, seconds: float, ended: datetime
) -> None:
    use = Use(
        share=Key(job.group_id, job.owner_id),
        service=service,
        seconds=seconds,
        ended=ended.timestamp(),
        config=job.config,
    )
    _store(apparatus, use)


def _store(apparatus: Apparatus, use: Use) -> None:
    key = use.share
    share = share_of(apparatus, group=key.group, user=key.user)
    state = charge(queue_of_shares(apparatus, key), use)
    write_state(apparatus, key, state, share=share.pk)


def _leave(apparatus: Apparatus, config: str, ended: datetime) -> None:
    """Note how the machine was left, unless something ran on it since."""
    fields = ["switch_seconds", "gap_seconds"]
    if apparatus.free_since is None or ended > apparatus.free_since:
        apparatus.free_since, apparatus.config = ended, config
        fields += ["free_since", "config"]
    changes = {name: getattr(apparatus, name) for name in fields}
    update(Apparatus, '"id" = %s', [apparatus.pk], changes)


def charge_session(
    apparatus: Apparatus, key: Key, seconds: float, *, now: datetime
) -> None:
    """Charge the time for which a session was open; the apparatus is locked."""
    if seconds <= 0:
        return
    use = Use(
        share=key,
        service=Service.NORMAL,
        seconds=seconds,
        ended=now.timestamp(),
        config=apparatus.config,
    )
    _store(apparatus, use)
    add_usage(apparatus, key, seconds, now, shots=0)


def note_local_shot(apparatus: Apparatus, at: datetime) -> None:
    """Note that an operator's own shot ran: it is charged to nobody."""
    _leave(apparatus, LOCAL, at)
