"""Leaving the hub: what a user still had before him ends with his account."""

from datetime import datetime

from django.db import transaction

from shothub.domain.states import JOB_ENDS
from shothub.server.accounts import people_services
from shothub.server.accounts.principals import Principal
from shothub.server.jobs.models import Job
from shothub.server.jobs.services import bookings
from shothub.server.jobs.services.control import cancel
from shothub.server.outbox.models import Message, Preference, Webhook
from shothub.server.reservations.models import Reservation


def close_account(principal: Principal, *, now: datetime) -> None:
    """Close an account at its owner's wish.

    What waits is cancelled; a shot that runs ends by itself. Jobs, results and their
    events stay with the lab under his key, as does the record; all else of him goes.

    Raises:
        Conflict: an agent speaks by one of his tokens.
    """
    people_services.require_closable(principal.user, now=now)
    end_jobs(principal, now=now)
    coming = Reservation.objects.filter(owner_id=principal.user, ends__gt=now)
    for row in coming.filter(cancelled=None):
        bookings.cancel(principal, row.pk, now=now)
    with transaction.atomic():
        for model in (Message, Preference):
            model.objects.filter(user_id=principal.user).delete()
        Webhook.objects.filter(owner_id=principal.user).delete()
        people_services.close(principal.user, now=now)


def end_jobs(principal: Principal, *, now: datetime) -> None:
    """Cancel every job of a user that has not ended; a shot that runs ends by itself."""
    open_jobs = Job.objects.filter(owner_id=principal.user).exclude(state__in=JOB_ENDS)
    for job in open_jobs.order_by("pk").values_list("pk", flat=True):
        cancel(principal, job, now=now)
