"""Questions about leave to read jobs: who has it, and what a link opens."""

import hmac
from datetime import datetime

from django.db.models import Q

from shothub.domain.links import ident_of
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.sealing import digest_of
from shothub.server.jobs.models import Job, JobShare
from shothub.server.jobs.queries import find_own_job
from shothub.server.refusals import NotThere
from shothub.wire.sharing import JobShareView


class DeadLink(NotThere):
    """The link is mistyped, over, or was taken back."""


def shares_of(principal: Principal, job: str, *, now: datetime) -> list[JobShareView]:
    """Return who may read a job of one's own, the oldest leave first.

    Raises:
        NoSuchJob: it is not there or not one's own.
        NotYours: another shares it with one.
    """
    found = find_own_job(principal, job)
    lasting = Q(expires=None) | Q(expires__gt=now)
    rows = JobShare.objects.filter(lasting, job=found, revoked=None)
    return [
        share_view(row) for row in rows.select_related("group", "by").order_by("id")
    ]


def share_view(share: JobShare, link: str = "") -> JobShareView:
    """Return leave as the job's owner sees it."""
    return JobShareView(
        id=share.pk,
        group=share.group.name if share.group else "",
        by=share.by.username,
        created=share.created,
        expires=share.expires,
        link=link,
    )


def job_behind(text: str, *, now: datetime) -> Job:
    """Return the job that a link opens, as long as its maker may use the hub.

    Raises:
        DeadLink: the link is mistyped, over, or was taken back; one answer for all.
    """
    ident = ident_of(text)
    live = JobShare.objects.filter(
        ident=ident or "-", revoked=None, expires__gt=now, by__state="active"
    )
    share = live.select_related("job__owner", "job__apparatus", "job__group").first()
    pepper, stored = (share.pepper, share.digest) if share else (1, None)
    genuine = hmac.compare_digest(digest_of(text, pepper), bytes(stored or bytes(32)))
    if share is None or not genuine:
        raise DeadLink(
            "This link opens nothing: it is mistyped, over, or was taken back.",
            hint="ask whoever gave it to you for a new one",
        )
    return share.job
