"""On what terms a job is to run: when, after what, for which group, in which class."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol, TypedDict

from shothub.client.moments import AnyMoment, moment


class HasId(Protocol):
    """A job, by its id."""

    @property
    def id(self) -> str:
        """The job id."""


class JobTerms(TypedDict, total=False):
    """The terms that `Apparatus.run` takes.

    Attributes:
        not_before: no shot starts before this time: a datetime, or text such as
            ``2026-12-24 14:30`` or ``14:30``; without a zone it is this computer's time.
        start_by: the job expires if no shot has started by this time.
        after: jobs, or ids, that must be done with every shot before one of this job
            starts; a single one will do. In a list for `Hub.submit` ``#0`` is its first.
        hold: compile it, but start nothing before `Job.release`.
        group: on whose allocation it runs; else your default group; ``-`` for none.
        service: ``scavenger`` runs only when nobody else waits; operators may also ask
            for ``safety`` and ``calibration``.
    """

    not_before: AnyMoment | None
    start_by: AnyMoment | None
    after: "HasId | str | Iterable[HasId | str]"
    hold: bool
    group: str
    service: str


def to_wire(terms: JobTerms, *, now: datetime) -> dict[str, Any]:
    """Return the fields of a request that the terms are.

    Raises:
        Refused: a time is none.
    """
    fields: dict[str, Any] = {**terms}
    for name in ("not_before", "start_by"):
        if fields.get(name) is not None:
            fields[name] = moment(fields[name], now=now, where=name)
    fields["after"] = _ids(terms.get("after", ()))
    return fields


def _ids(after: HasId | str | Iterable[HasId | str]) -> list[str]:
    if isinstance(after, str):
        return [after]
    if isinstance(after, Iterable):
        return [one if isinstance(one, str) else one.id for one in after]
    return [after.id]
