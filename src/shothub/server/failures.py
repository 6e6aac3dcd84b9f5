"""What an error of the database means for whoever asked."""

from enum import Enum

from django.db import DatabaseError, InterfaceError, OperationalError


class Failure(Enum):
    """Full: nothing can be stored. Passing: the same may work a moment later."""

    FULL = "full"
    PASSING = "passing"
    LASTING = "lasting"


# PostgreSQL's states beyond OperationalError: a session ended from outside, a server
# that became a read-only standby; a row that somebody else has deleted or made at the
# same moment, which the next attempt will see.
_PASSING_STATES = {"25P03", "25P04", "25006", "23503", "23505"}
_FULL_STATES = {"53100"}


def kind_of(error: BaseException) -> Failure:
    """Tell what kind of failure an exception is.

    A deadlock, a lock not given in time, a lost connection and a server that restarts
    pass; a statement or a value that the database refuses does not.
    """
    if not isinstance(error, DatabaseError | InterfaceError):
        return Failure.LASTING
    state = getattr(error.__cause__, "sqlstate", None)
    operational = isinstance(error, OperationalError)
    if state in _FULL_STATES or (operational and _is_full(error)):
        return Failure.FULL
    if operational or isinstance(error, InterfaceError) or state in _PASSING_STATES:
        return Failure.PASSING
    return Failure.LASTING


def _is_full(error: BaseException) -> bool:
    """Tell whether SQLite could not store: the file of its index too may not grow."""
    name = getattr(error.__cause__, "sqlite_errorname", "")
    return "disk is full" in str(error) or name == "SQLITE_IOERR_SHMSIZE"
