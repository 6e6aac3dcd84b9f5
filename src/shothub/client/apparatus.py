"""An apparatus as a user sees it: what it can do, its queue, and running jobs on it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Unpack, overload

from shothub.client import calendar_calls, calls, control_calls, displays
from shothub.client.calls import Submission
from shothub.client.connection import Connection
from shothub.client.errors import Refused
from shothub.client.job import Job
from shothub.client.moments import AnyMoment
from shothub.client.requests import (
    AnyPath,
    JobOptions,
    build_procedure,
    build_reservation,
    build_script,
    build_session,
    read_globals_file,
    read_globals_table,
    read_routines,
    read_source,
)
from shothub.client.reservation import (
    Reservation,
    Reservations,
    reservations_between,
)
from shothub.client.terms import JobTerms, to_wire
from shothub.client.turn import Door, Turn
from shothub.domain.faults import Fault
from shothub.runtime import clock
from shothub.wire.apparatus import (
    ApiFunction,
    ApparatusView,
    OutputView,
    ProcedureView,
)
from shothub.wire.jobs import DryRun
from shothub.wire.queue import QueueView


class Apparatus:
    """One machine.

    Attributes:
        view: the apparatus as the hub described it when this object was made.
    """

    def __init__(
        self, connection: Connection, view: ApparatusView, new_key: Callable[[], str]
    ) -> None:
        self._connection = connection
        self._new_key = new_key
        self.view = view

    @property
    def name(self) -> str:
        """The name."""
        return self.view.name

    def refresh(self) -> "Apparatus":
        """Ask the hub for the apparatus as it is now."""
        self.view = self._connection.do(calls.get_apparatus(self.name))
        return self

    def procedures(self) -> list[ProcedureView]:
        """Return the procedures that the lab has published."""
        return self._connection.do(calls.procedures(self.name))

    def describe(self, procedure: str) -> ProcedureView:
        """Return one procedure with its globals, an example and its source.

        Raises:
            NotFound: there is no such procedure.
        """
        return self._connection.do(calls.procedure(self.name, procedure))

    def queue(self) -> QueueView:
        """Return who is next and why, and when the jobs that wait are foreseen to run."""
        return self._connection.do(calls.queue(self.name))

    def api(self) -> list[ApiFunction]:
        """Return the functions of the lab that scripts may call."""
        return self._connection.do(calls.api(self.name))

    def outputs(self) -> list[OutputView]:
        """Return the outputs with the lab's limits on them."""
        return self._connection.do(calls.outputs(self.name))

    def connection_table(self) -> str:
        """Return the Python source of the current connection table."""
        answer = self._connection.do(calls.connection_table(self.name))
        source = answer.get("source", "") if isinstance(answer, dict) else answer
        return str(source)

    def pause(self, message: str = "") -> "Apparatus":
        """Let nothing start there until resumed; for its operators.

        Args:
            message: why, for users to read.
        """
        return self._control("pause", message)

    def drain(self, message: str = "") -> "Apparatus":
        """Let what waits run out; what is submitted later waits until resumed."""
        return self._control("drain", message)

    def resume(self) -> "Apparatus":
        """End a pause or a draining."""
        return self._control("resume")

    def lift_hold(self) -> "Apparatus":
        """Lift the hold that the hub itself has put on it."""
        return self._control("lift-hold")

    def _control(self, what: str, message: str | None = None) -> "Apparatus":
        call = control_calls.control_apparatus(self.name, what, message)
        self.view = self._connection.do(call)
        return self

    def request(  # noqa: PLR0913 (the one door for all that a job is made of)
        self,
        *,
        procedure: str | None = None,
        script: AnyPath | None = None,
        globals: Mapping[str, object] | AnyPath | None = None,
        globals_file: AnyPath | None = None,
        routines: Iterable[AnyPath] = (),
        name: str = "",
        tags: Iterable[str] = (),
        priority: int = 0,
        **terms: Unpack[JobTerms],
    ) -> Submission:
        """Build what `run` submits, for `Hub.submit`; the arguments are the same."""
        if (procedure is None) == (script is None):
            raise _neither_nor()
        values, file = _sorted_out(globals, globals_file)
        common = {
            "apparatus": self.name,
            "name": name,
            "tags": list(tags),
            "priority": priority,
            "routines": read_routines(routines),
            **to_wire(terms, now=clock.now()),
        }
        if procedure is not None:
            table = read_globals_table(file) if file is not None else {}
            return build_procedure(
                procedure=procedure, values={**table, **values}, **common
            )
        return build_script(
            script=read_source(script or ""),
            values=values,
            globals_file=None if file is None else read_globals_file(file),
            **common,
        )

    @overload
    def run(
        self, *, dry_run: Literal[False] = False, **job: Unpack[JobOptions]
    ) -> Job: ...
    @overload
    def run(self, *, dry_run: Literal[True], **job: Unpack[JobOptions]) -> DryRun: ...
    def run(  # noqa: PLR0913 (the one door for all that a job is made of)
        self,
        *,
        dry_run: bool = False,
        procedure: str | None = None,
        script: AnyPath | None = None,
        globals: Mapping[str, object] | AnyPath | None = None,
        globals_file: AnyPath | None = None,
        routines: Iterable[AnyPath] = (),
        name: str = "",
        tags: Iterable[str] = (),
        priority: int = 0,
        **terms: Unpack[JobTerms],
    ) -> Job | DryRun:
        """Submit a job: a procedure of the lab, or a script of one's own.

        Args:
            dry_run: only ask what would happen; nothing is stored.
            procedure: name of a procedure.
            script: path of a labscript file.
            globals: values and scans by name (numbers, texts, numpy arrays,
                ``linspace(...)``), or the path of a ``.h5``, ``.toml`` or ``.json`` file.
            globals_file: path of such a file; entries of ``globals`` win over it.
            routines: paths of lyse routines to run on each shot after the lab's.
            name: free text for people.
            tags: labels to find the job by.
            priority: orders one's own jobs only; larger runs first; -100 to 100.
            terms: ``not_before``, ``start_by``, ``after``, ``hold``, ``group`` and
                ``service``: see `JobTerms`.

        Returns:
            The job, or with ``dry_run`` what it would be.

        Raises:
            Refused: something is wrong with the job; nothing was stored.
        """
        request = self.request(
            procedure=procedure,
            script=script,
            globals=globals,
            globals_file=globals_file,
            routines=routines,
            name=name,
            tags=tags,
            priority=priority,
            **terms,
        )
        if dry_run:
            return self._connection.do(calls.dry_run(request))
        view = self._connection.do(calls.submit(request, key=self._new_key()))
        return Job(self._connection, view)

    def reservations(
        self, start: AnyMoment = "now", end: AnyMoment | None = None
    ) -> Reservations:
        """Return what is reserved between two times; without ``end``, all from then on."""
        return reservations_between(self._connection, self.name, start, end)

    def reserve(
        self,
        start: AnyMoment = "now",
        *,
        hours: float | None = None,
        end: AnyMoment | None = None,
        group: str = "",
        maintenance: bool = False,
        title: str = "",
    ) -> Reservation:
        """Book time in which only you, or a group of yours, run shots.

        Args:
            start: a datetime or text such as ``2026-12-24 14:30``; without a zone it is
                the time of this computer.
            hours: how long; or else
            end: when it ends.
            group: for anybody of this group, not for yourself alone.
            maintenance: for nobody; operators only.
            title: what it is for, shown in the calendar.

        Raises:
            Conflict: the time is another's, or more than you may book; the hint says what
                is free.
            Forbidden: the lab lets you book no time there.
        """
        request = build_reservation(
            self.name,
            (start, end, hours),
            group=group,
            maintenance=maintenance,
            title=title,
        )
        view = self._connection.do(calendar_calls.book(request))
        return Reservation(self._connection, view)

    def session(
        self,
        *,
        minutes: float = 10.0,
        idle: float = 60.0,
        group: str = "",
        progress: bool = True,
    ) -> Turn:
        """Return a turn of your own for a closed loop, to be used in a ``with`` statement.

        Args:
            minutes: how long it lasts at most.
            idle: it ends after so many seconds in which nothing of it waited or ran.
            group: on whose allocation, as in `run`.
            progress: show what it waits for.
        """
        asked = build_session(self.name, minutes=minutes, idle=idle, group=group)
        door = Door(self._connection, self.request, self._new_key)
        return Turn(door, asked, progress=progress)

    def __repr__(self) -> str:
        return f"<Apparatus {self.name}: {displays.apparatus_text(self.view)}>"

    def _repr_html_(self) -> str:
        return displays.apparatus_html(self.view, self.procedures())


def _sorted_out(
    given: Mapping[str, object] | AnyPath | None, file: AnyPath | None
) -> tuple[Mapping[str, object], AnyPath | None]:
    """Return values and file, whichever of them ``given`` is."""
    if given is None:
        return {}, file
    if isinstance(given, Mapping):
        return given, file
    if file is not None:
        detail = "globals and globals_file are both files."
        raise Refused(Fault(code="two_globals_files", detail=detail, where="globals"))
    return {}, given


def _neither_nor() -> Refused:
    return Refused(
        Fault(
            code="what_to_run",
            detail="A job runs either a procedure or a script.",
            where="procedure",
            hint='give procedure="name" or script="file.py"',
        )
    )
