"""Leases: short blocks of shots for whoever is next, and leases taken back for urgent work.

A block is for one user, no longer than what is left of his turn and a minute of work. When
work comes that may go at the next shot edge, what is leased to others and not started
returns to the queue: START refuses it then, and the agent asks anew.
"""

from dataclasses import replace
from datetime import timedelta
from math import ceil, isinf

from django.conf import settings
from django.db.models import Q

from shothub.domain.calendar import Standing, may_start
from shothub.domain.queue import (
    Choice,
    Service,
    State,
    Use,
    charge,
    choose,
    choose_urgent,
)
from shothub.domain.states import ShotState
from shothub.server import rows
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.heads import Head
from shothub.server.jobs.models import Shot
from shothub.server.jobs.plain import job_by_id, shots_in_state
from shothub.server.jobs.services.edges import regain
from shothub.server.jobs.services.returns import return_leases
from shothub.server.jobs.services.turns import open_now
from shothub.server.jobs.transitions import Note, move_shots
from shothub.server.jobs.waiting import Queue, asked, queue_now
from shothub.server.reservations.queries import standing
from shothub.server.reservations.turn_queries import waiting_turns
from shothub.wire.agents import ShotLease

BLOCK = 60.0
"""Seconds of work that an agent may have leased and not started."""

_MOST = 100  # in one answer
_RANK = {service: rank for rank, service in enumerate(Service)}


def lease(apparatus: Apparatus, number: int, note: Note) -> list[ShotLease]:
    """Lease up to ``number`` shots to whoever is next; the apparatus is locked."""
    if number <= 0:
        return []
    queue, stands = _look(apparatus, note)
    if stands.closed:
        return []
    first = choose(queue.state, note.now.timestamp())
    if first and first.work.session:
        if not _open(first.work.session, apparatus, note):
            return []
        queue, stands = _look(apparatus, note)
    return _Block(apparatus, queue, stands, note).fill(min(number, _MOST))


def _look(
    apparatus: Apparatus, note: Note, *, leased: bool = True
) -> tuple[Queue, Standing]:
    stands = standing(apparatus, note.now)
    queue = queue_now(apparatus, stands, note.now, leased=leased)
    holder = stands.holder if stands.lent else None
    if holder and any(holder.holds(k.user, k.group) for k in queue.state.work):
        regain(apparatus, stands, note)
        stands = replace(stands, lent=False)
        queue = queue_now(apparatus, stands, note.now, leased=leased)
    return queue, stands


def _open(session: str, apparatus: Apparatus, note: Note) -> bool:
    row = next((r for r in waiting_turns(apparatus) if r.pk == session), None)
    return row is not None and open_now(row, apparatus, replace(note, actor="hub"))


class _Block:
    """Leases for one user in a row.

    Args:
        apparatus: locked.
        queue: as it stands.
        stands: its calendar.
        note: with the epoch of the agent's session.
    """

    def __init__(
        self, apparatus: Apparatus, queue: Queue, stands: Standing, note: Note
    ) -> None:
        self._apparatus = apparatus
        self._queue = queue
        self._stands = stands
        self._note = note
        self._state = queue.state
        self._after = queue.after
        held = [shot for shot in queue.under_way if not shot.is_started]
        self._room = BLOCK - sum(shot.left for shot in held)
        self._may_exceed = not held
        self._leases: list[ShotLease] = []

    def fill(self, number: int) -> list[ShotLease]:
        """Lease up to so many shots."""
        share = None
        while len(self._leases) < number:
            choice = choose(self._state, self._note.now.timestamp())
            if (
                choice is None
                or choice.work.session
                or share not in {None, choice.share}
            ):
                break
            given = self._give(choice, self._most(choice, number - len(self._leases)))
            if given:
                share = choice.share
            elif self._room_for(choice) < 1:
                break
        if self._leases:
            fence = {"fence": self._apparatus.fence}
            rows.update(Apparatus, '"id" = %s', [self._apparatus.pk], fence)
        return self._leases

    def _most(self, choice: Choice, number: int) -> int:
        left = choice.seconds / choice.work.seconds
        turn = number if isinf(left) else max(1, ceil(left))
        return min(turn, self._room_for(choice), number, choice.work.shots)

    def _room_for(self, choice: Choice) -> int:
        fitting = int(self._room / choice.work.seconds)
        return max(fitting, int(self._may_exceed and not self._leases))

    def _give(self, choice: Choice, most: int) -> int:
        """Lease shots of the chosen job, as many as fit the calendar; tell how many."""
        head = self._queue.heads[choice.job]
        job = job_by_id(head.id)
        given, seconds = 0, self._state.switch_to(choice.work)
        for shot in shots_in_state(job, ShotState.COMPILED.value, max(most, 0)):
            took = shot.duration or choice.work.seconds
            wish = asked(head, self._after + seconds + took)
            if may_start(self._stands, wish, now=self._note.now):
                break
            self._leases.append(self._lease(shot, choice.service))
            given, seconds = given + 1, seconds + took
        self._state = _without(self._state, choice, given, all_of_it=given < most)
        if given:
            self._pay(choice, head, seconds)
        return given

    def _pay(self, choice: Choice, head: Head, seconds: float) -> None:
        """Count what was leased as used, so that the next choice knows of it."""
        self._after += seconds
        self._room -= seconds
        if head.session:
            self._state = replace(self._state, config=head.config)
            return
        use = Use(
            share=choice.share,
            service=choice.service,
            seconds=seconds,
            ended=self._note.now.timestamp(),
            config=head.config,
        )
        self._state = charge(self._state, use)

    def _lease(self, shot: Shot, service: Service) -> ShotLease:
        self._apparatus.fence += 1
        seconds = settings.SHOTHUB.lease_seconds
        changes = {
            "fence": self._apparatus.fence,
            "lease_epoch": self._note.epoch,
            "lease_expires": self._note.now + timedelta(seconds=seconds),
            "service": service.value,
        }
        note = replace(self._note, fence=self._apparatus.fence)
        move_shots([shot], ShotState.LEASED, note, changes)
        return ShotLease(
            shot=shot.pk,
            job=shot.job_id,
            index=shot.index,
            fence=self._apparatus.fence,
            seconds=seconds,
        )


def _without(state: State, choice: Choice, shots: int, *, all_of_it: bool) -> State:
    """Return the queue without shots of a job; without the job if it has no more."""
    left = replace(choice.work, shots=choice.work.shots - shots)
    gone = all_of_it or left.shots <= 0
    if choice.work.service in {Service.SAFETY, Service.CALIBRATION}:
        rest = [(k, w) for k, w in state.lab if w.job != choice.job]
        return replace(
            state, lab=tuple(rest if gone else [(choice.share, left), *rest])
        )
    work = {k: w for k, w in state.work.items() if k != choice.share}
    return replace(state, work=work if gone else {**work, choice.share: left})


def reconsider(apparatus: Apparatus, note: Note) -> None:
    """Take back what is leased if work has come that goes before it; it is locked.

    Only work that may go at the next shot edge does so: the lab's own, that of a
    reservation's holder, and short jobs that fit their users' express credit.
    """
    if not apparatus.stirred:
        return
    Apparatus.objects.filter(pk=apparatus.pk).update(stirred=False)
    queue, _ = _look(apparatus, note, leased=False)
    leased = [shot for shot in queue.under_way if not shot.is_started]
    choice = choose_urgent(queue.state, note.now.timestamp()) if leased else None
    if choice is None:
        return
    later = [
        each.shot.pk
        for each in leased
        if each.shot.job_id != choice.job
        and _RANK[each.service] > _RANK[choice.service]
    ]
    why = f"{choice.service} work goes first"
    return_leases(apparatus, replace(note, actor="hub", detail=why), Q(pk__in=later))
