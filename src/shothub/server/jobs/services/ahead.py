"""Leave to start given ahead: for labs whose machine goes on while the line is cut.

A shot granted ahead counts as started from now on, for nobody at the hub can tell whether
it was. It never returns by time: only the agent that has it, or a later session of the
apparatus, says what became of it. Leases are the contrary in every respect, and an
apparatus is given either leases or grants, never both.
"""

from collections.abc import Callable
from dataclasses import replace

from django.db.models import Q, QuerySet, Sum

from shothub.domain.states import ShotState
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import description_of
from shothub.server.jobs.models import Attempt, Shot
from shothub.server.jobs.services.attempts import not_its_time, open_attempt
from shothub.server.jobs.services.returns import return_leases
from shothub.server.jobs.transitions import Note
from shothub.wire.agents import Holding, ShotGrant, ShotLease

_MOST = 20  # in one answer: the agent asks on at once, and others get in between
_GUESS = 10.0  # seconds of a shot whose duration is not known


def grants_ahead(apparatus: Apparatus) -> bool:
    """Tell whether the lab has its shots granted ahead."""
    return description_of(apparatus).offline_seconds > 0


class Granter:
    """Grants shots of one apparatus ahead, within the caller's transaction.

    Args:
        apparatus: locked.
        note: with the epoch of the agent's session.
        lease: leases up to so many shots, each to the user whose turn it is.
    """

    def __init__(
        self,
        apparatus: Apparatus,
        note: Note,
        lease: Callable[[int], list[ShotLease]],
    ) -> None:
        self._apparatus = apparatus
        self._note = note
        self._lease = lease
        self._offline = description_of(apparatus).offline_seconds

    def grant(self, seconds: float) -> list[ShotGrant]:
        """Grant shots for about ``seconds``: the last one may take longer."""
        under_way = self._under_way()
        most = under_way + min(seconds, self._offline - under_way)
        grants: list[ShotGrant] = []
        while under_way < most and len(grants) < _MOST:
            leases = self._lease(1)
            granted = self._open(leases[0], after=under_way) if leases else None
            if granted is None:
                break
            grants.append(granted)
            under_way += granted.duration
        return grants

    def missed(self, holding: Holding | None) -> list[int]:
        """Return the attempts granted ahead of which the agent says nothing.

        They are not taken back: the agent alone can tell, from its journal, that it
        never had them.
        """
        if holding is None or holding.kind != "shots":
            return []
        lost = self._open_attempts().exclude(pk__in=holding.attempts)
        return list(lost.order_by("id").values_list("pk", flat=True))

    def _open(self, lease: ShotLease, *, after: float) -> ShotGrant | None:
        """Open the attempt of a lease, unless its turn would come in another's time.

        Args:
            lease: just given.
            after: seconds of shots that are before it.
        """
        shot = Shot.objects.select_related("job").get(pk=lease.shot)
        note = replace(self._note, fence=lease.fence)
        refused = not_its_time(shot, self._apparatus, note.now, after=after)
        if refused:
            undo = replace(note, actor="hub", detail=refused.detail)
            return_leases(self._apparatus, undo, Q(pk=shot.pk))
            return None
        attempt = open_attempt(shot, note, ahead=True)
        return ShotGrant(
            shot=lease.shot,
            job=lease.job,
            index=lease.index,
            fence=lease.fence,
            attempt=attempt.pk,
            duration=shot.duration or _GUESS,
            seconds=lease.seconds + self._offline,
        )

    def _under_way(self) -> float:
        total = self._open_attempts().aggregate(total=Sum("shot__duration"))["total"]
        return float(total or 0.0)

    def _open_attempts(self) -> QuerySet[Attempt]:
        return Attempt.objects.filter(
            shot__state=ShotState.STARTED.value,
            shot__job__apparatus=self._apparatus,
            epoch=self._note.epoch,
            ahead=True,
            outcome="",
        )
