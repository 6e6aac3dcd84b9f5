"""Triggers of the database that make events impossible to change or to delete."""

from shothub.server.audit.append_only import AppendOnly

EVENTS = AppendOnly(
    table="jobs_event",
    trigger="event",
    function="shothub_refuse_to_change_events",
    says="events are never changed",
)
TABLE = EVENTS.table
install, remove = EVENTS.install, EVENTS.remove
install_by, remove_by = EVENTS.install_by, EVENTS.remove_by
