"""What the queue has to know of a job once it is compiled."""

import hashlib
from collections.abc import Sequence

from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import description_of
from shothub.server.apparatus.shares import share_of
from shothub.server.jobs.models import Job
from shothub.wire.agents import CompiledShot


def queued_with(
    job: Job, apparatus: Apparatus, shots: Sequence[CompiledShot]
) -> dict[str, object]:
    """Return the changes of a job that enters the queue with these shots."""
    share = share_of(apparatus, group=job.group_id, user=job.owner_id)
    return {
        "shots": len(shots),
        "pending": len(shots),
        "waiting": len(shots),
        "share": share,
        "config": configuration_of(job, apparatus),
        "shot_seconds": sum(shot.duration for shot in shots) / len(shots),
    }


def configuration_of(job: Job, apparatus: Apparatus) -> str:
    """Return the configuration key of a job: what is programmed, and into which devices.

    Shots of one key differ in their globals alone, so that little has to be changed
    between them.
    """
    given = getattr(job, "files_given", None)
    script = given.script if given else None
    code = str(script["text"]) if script else f"{job.source} {job.procedure_sha256}"
    table = description_of(apparatus).connection_table_sha256
    return hashlib.sha256(f"{table}\n{code}".encode()).hexdigest()
