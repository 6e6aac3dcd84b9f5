"""Sharing a job: with a group, or with whoever has a link that expires."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from shothub.domain.acts import Act
from shothub.domain.links import ident_of, make_link
from shothub.server.accounts.group_queries import memberships_of
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.sealing import digest_of, newest_pepper
from shothub.server.accounts.services import lock_user
from shothub.server.audit.services import Account, record
from shothub.server.jobs.models import Job, JobShare
from shothub.server.jobs.queries import find_own_job
from shothub.server.jobs.shares_of import share_view
from shothub.server.refusals import Conflict, Invalid, NotThere
from shothub.wire.sharing import JobShareView

_MOST = 50


def share_with_group(
    principal: Principal, job: str, group: str, *, now: datetime
) -> JobShareView:
    """Let the members of a group read a job, until that is taken back. Idempotent.

    Raises:
        NoSuchJob: it is not there or not one's own.
        NotYours: another shares it with one.
        Invalid: one is not in the group.
    """
    with transaction.atomic():
        lock_user(principal.user)
        found = find_own_job(principal, job)
        mine = {member.name: member.group for member in memberships_of(principal.user)}
        if group not in mine:
            raise Invalid(
                f"You are not in a group {group[:48]!r}.",
                code="not_in_group",
                where="body.group",
                hint=f"yours: {', '.join(mine) or 'none'}",
            )
        live = JobShare.objects.filter(job=found, group=mine[group], revoked=None)
        share = live.select_related("group", "by").first()
        if share is None:
            share = _new(found, principal, now)
            share.group_id = mine[group]
            share.save()
            _record(Act.JOB_SHARED, principal, share, now)
    return share_view(share)


def share_by_link(
    principal: Principal, job: str, *, days: float, now: datetime
) -> JobShareView:
    """Make a link by which anybody reads a job until it expires; shown just this once.

    Raises:
        NoSuchJob: it is not there or not one's own.
        NotYours: another shares it with one.
        Invalid: the link would live too long, or not at all.
        Conflict: there are too many links to the job.
    """
    most = settings.SHOTHUB.max_token_days
    if not 0 < days <= most:
        raise Invalid(
            f"A link lives more than 0 and at most {most} days, not {days:g}.",
            code="out_of_range",
            where="body.days",
        )
    with transaction.atomic():
        lock_user(principal.user)
        found = find_own_job(principal, job)
        _require_few(found, now)
        text = make_link(secrets.choice)
        share = _new(found, principal, now)
        share.ident, share.pepper = ident_of(text) or "", newest_pepper()
        share.digest = digest_of(text, share.pepper)
        share.expires = now + timedelta(days=days)
        share.save()
        _record(Act.JOB_SHARED, principal, share, now)
    return share_view(share, link=f"/shared/{text}")


def unshare(principal: Principal, job: str, share: int, *, now: datetime) -> None:
    """Take leave to read a job back, at once. Idempotent.

    Raises:
        NoSuchJob: it is not there or not one's own.
        NotYours: another shares it with one.
        NotThere: there is no such leave.
    """
    with transaction.atomic():
        found = find_own_job(principal, job)
        row = JobShare.objects.filter(job=found, pk=share).first()
        if row is None:
            raise NotThere(f"The job has no share number {share}.")
        if JobShare.objects.filter(pk=row.pk, revoked=None).update(revoked=now):
            _record(Act.JOB_UNSHARED, principal, row, now)


def revoke_links(*, now: datetime) -> int:
    """Take back every link to every job, and return how many."""
    links = JobShare.objects.exclude(ident="").filter(revoked=None)
    return links.update(revoked=now)


def _new(job: Job, principal: Principal, now: datetime) -> JobShare:
    return JobShare(job=job, by_id=principal.user, created=now)


def _require_few(job: Job, now: datetime) -> None:
    live = JobShare.objects.filter(job=job, revoked=None, expires__gt=now)
    if live.count() >= _MOST:
        raise Conflict(
            f"There are {_MOST} links to the job already.",
            code="too_many_links",
            hint="take some of them back",
        )


def _record(act: Act, principal: Principal, share: JobShare, now: datetime) -> None:
    with_whom = f"group {share.group.name}" if share.group else f"link {share.ident}"
    detail = {"with": with_whom}
    if share.expires:
        detail["expires"] = share.expires.isoformat()
    subject = Account(principal.user, principal.username)
    record(act, now=now, subject=subject, on=f"job {share.job_id}", detail=detail)
