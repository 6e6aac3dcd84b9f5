"""What was given to an agent and does not appear in what it holds: its answer got lost."""

from django.db.models import Q

from shothub.domain.states import JobState
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.attention import leased_fences, tasks_in_hand
from shothub.server.jobs.services.returns import return_leases, return_tasks
from shothub.server.jobs.transitions import Note
from shothub.wire.agents import Holding


def take_back(apparatus: Apparatus, holding: Holding, note: Note) -> None:
    """Take back what this session was given of one kind and does not hold.

    Only for the newest poll of the kind, before it is given anything: what an earlier one
    was given has been handled by the agent by now, or its answer will never be read.
    """
    if holding.kind == "shots":
        fences = leased_fences(apparatus.pk, note.epoch) - {*holding.fences}
        if fences:
            return_leases(apparatus, note, Q(fence__in=fences))
        return
    jobs = tasks_in_hand(apparatus.pk, note.epoch) - {*holding.jobs}
    if jobs:
        return_tasks(apparatus, note, Q(pk__in=jobs) & _OF_KIND[holding.kind])


_OF_KIND = {
    "compile": Q(state__in=[JobState.COMPILING.value, JobState.CANCELLING.value]),
    "analyse": Q(state=JobState.ANALYSING.value),
}
