"""The queue of an apparatus as a user sees it: who is next and why, and when the rest runs."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Sum

from shothub.domain.bars import Bar
from shothub.domain.charging import credit_of
from shothub.domain.queue import Key, State, choose
from shothub.domain.reasons import words
from shothub.server.accounts.models import Group, User
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus, Share, Usage
from shothub.server.apparatus.queries import hindrance
from shothub.server.jobs.forecasts import Forecast, errors_of, forecast_of
from shothub.server.jobs.models import Job
from shothub.server.reservations.queries import standing
from shothub.wire.queue import QueueEntry, QueueView, ShareView

_WEEK = timedelta(days=7)


def queue_view(
    apparatus: Apparatus, principal: Principal, *, now: datetime, limit: int = 1000
) -> QueueView:
    """Return the queue of an apparatus; ids are given of the reader's own jobs only."""
    forecast = forecast_of(apparatus, now)
    stopped = hindrance(apparatus, now)
    unfinished = Job.objects.unfinished().filter(apparatus=apparatus)
    rows = unfinished.select_related("owner", "group").defer(
        "compile_log", "analyse_log", "globals"
    )
    jobs = sorted(rows, key=lambda job: _order(job, forecast))
    state = forecast.state
    return QueueView(
        next=_next(apparatus, state, stopped, now) if jobs else "",
        entries=[
            _entry(job, forecast, principal, stopped=bool(stopped))
            for job in jobs[:limit]
        ],
        more=max(0, len(jobs) - limit),
        ends=None if stopped else forecast.end(),
        switch_seconds=state.switch,
        shares=_shares(apparatus, state, principal, now),
        errors=errors_of(apparatus)
        if principal.may("operator", apparatus.name)
        else None,
    )


def _order(job: Job, forecast: Forecast) -> tuple[float, datetime, str]:
    seen = forecast.jobs.get(job.pk)
    return (seen.place if seen else float("inf"), job.submitted, job.pk)


def _entry(
    job: Job, forecast: Forecast, principal: Principal, *, stopped: bool
) -> QueueEntry:
    seen = forecast.jobs.get(job.pk)
    starts, ends = (None, None) if stopped else forecast.of(job.pk)
    mine = job.owner_id == principal.user
    known = mine or principal.may("reviewer", job.apparatus.name)
    return QueueEntry(
        job=job.pk if known else None,
        owner=job.owner.key,
        group=job.group.name if job.group else "",
        source=job.source,
        service=job.service,
        state=job.state,
        shots_left=job.pending,
        place=seen.place if seen else None,
        starts=starts,
        ends=ends,
        waits=_waits(job),
        mine=mine,
    )


def _waits(job: Job) -> str:
    if job.barred == Bar.NOT_BEFORE and job.not_before:
        return f"for {job.not_before:%Y-%m-%d %H:%M} UTC"
    return _BARS.get(job.barred, "")


_BARS = {
    Bar.HELD.value: "it is held back",
    Bar.AFTER.value: "for another job",
    Bar.DRAINED.value: "until the operator resumes the apparatus",
    Bar.SESSION.value: "for its session",
}


def _next(apparatus: Apparatus, state: State, stopped: str, now: datetime) -> str:
    closed = stopped or standing(apparatus, now).closed
    if closed:
        return f"Nothing starts: {closed.rstrip('.')}."
    choice = choose(state, now.timestamp())
    if choice is None:
        return ""
    return words(choice, state, _name(state))


def _name(state: State) -> Callable[[Key], str]:
    users = {key.user for key in (*state.work, *(key for key, _ in state.lab))}
    known = dict(User.objects.filter(pk__in=users).values_list("pk", "key"))
    return lambda key: known.get(key.user, "somebody")


def _shares(
    apparatus: Apparatus, state: State, principal: Principal, now: datetime
) -> list[ShareView]:
    rows = Share.objects.filter(apparatus=apparatus, waiting__gt=0)
    rows = rows.select_related("user", "group").order_by("group__name", "user__key")
    views = [
        _user(row, state, principal, now) if row.user else _group(row, state)
        for row in rows
    ]
    used = _used(apparatus, now)
    tops = [view for view in views if not view.within]
    shown = [*_behind(tops), *_by_group(view for view in views if view.within)]
    return [
        view.model_copy(update={"used_week": used.get((view.kind, view.name), 0.0)})
        for view in shown
    ]


def _group(row: Share, state: State) -> ShareView:
    group = row.group
    return ShareView(
        kind="group",
        name=group.name if group else "",
        weight=group.weight if group else 1.0,
        behind=state.group(row.group_id or 0).tag,
        waiting=row.waiting,
    )


def _user(row: Share, state: State, principal: Principal, now: datetime) -> ShareView:
    key = Key(row.group_id, row.user_id or 0)
    share = state.share(key)
    return ShareView(
        kind="user",
        name=row.user.key if row.user else "",
        within=row.group.name if row.group else "",
        mine=row.user_id == principal.user,
        weight=share.weight,
        behind=share.tag,
        waiting=row.waiting,
        credit=credit_of(state, key, now.timestamp()),
    )


def _by_group(users: Iterable[ShareView]) -> list[ShareView]:
    groups: dict[str, list[ShareView]] = {}
    for view in users:
        groups.setdefault(view.within, []).append(view)
    return [view for views in groups.values() for view in _behind(views)]


def _behind(siblings: list[ShareView]) -> list[ShareView]:
    """Return them with their tags as seconds above the least one, that one first."""
    least = min((view.behind for view in siblings), default=0.0)
    shown = [
        view.model_copy(update={"behind": (view.behind - least) * view.weight})
        for view in siblings
    ]
    return sorted(shown, key=lambda view: (view.behind, view.name))


def _used(apparatus: Apparatus, now: datetime) -> Mapping[tuple[str, str], float]:
    rows = Usage.objects.filter(apparatus=apparatus, day__gt=(now - _WEEK).date())
    users = rows.order_by().values_list("user__key").annotate(Sum("seconds"))
    groups = rows.exclude(group=None).order_by().values_list("group")
    names = dict(Group.objects.values_list("pk", "name"))
    found = {("user", key): seconds for key, seconds in users}
    for group, seconds in groups.annotate(Sum("seconds")):
        found["group", names[group]] = seconds
    return found
