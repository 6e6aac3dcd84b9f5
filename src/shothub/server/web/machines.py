"""An apparatus with what it publishes, as the pages need it."""

from dataclasses import dataclass
from datetime import datetime

from shothub.server.accounts.group_queries import groups_of
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus import queries
from shothub.server.jobs.queries import pending_shots
from shothub.wire.accounts import MembershipView
from shothub.wire.apparatus import ApparatusView, Description, ProcedureView


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One apparatus.

    Attributes:
        scripts: whether this user may submit scripts there.
        groups: on whose allocations he may run.
    """

    view: ApparatusView
    description: Description
    scripts: bool
    groups: list[MembershipView]

    def procedure(self, name: str) -> ProcedureView | None:
        found = (p for p in self.description.procedures if p.name == name)
        return next(found, None)


def machine_named(principal: Principal, name: str, *, now: datetime) -> Machine:
    """Return one apparatus.

    Raises:
        NoSuchApparatus: there is none of this name.
    """
    apparatus = queries.apparatus_named(name)
    waiting = pending_shots(apparatus)
    view = queries.view(apparatus, principal, pending_shots=waiting, now=now)
    return Machine(
        view=view,
        description=queries.offered_to(principal, apparatus),
        scripts="script" in view.may and "script" in view.accepts,
        groups=groups_of(principal),
    )


def machines_for(principal: Principal, *, now: datetime) -> list[Machine]:
    """Return every apparatus, by name."""
    return [
        machine_named(principal, apparatus.name, now=now)
        for apparatus in queries.all_apparatus()
    ]
