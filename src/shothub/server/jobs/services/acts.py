"""What people do with the jobs of others is on the record."""

from datetime import datetime

from shothub.domain.acts import Act
from shothub.server.accounts.acting import account_of
from shothub.server.accounts.principals import Principal
from shothub.server.audit.services import record
from shothub.server.jobs.models import Job


def note_control(
    principal: Principal, job: Job, did: str, *, now: datetime, **detail: object
) -> None:
    """Record what somebody did with a job that is not his own; his own are his affair.

    Args:
        principal: who did it.
        job: whose owner will read it too.
        did: in one word, ``held`` for example.
        now: the present time.
        detail: what else is to be known.
    """
    if job.owner_id == principal.user:
        return
    record(
        Act.JOB_OF_ANOTHER_CONTROLLED,
        now=now,
        subject=account_of(job.owner),
        on=f"job {job.pk}",
        detail={"did": did, **detail},
    )
