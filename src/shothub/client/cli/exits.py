"""How a command ends: its exit code, and what it says of an error."""

import os
import traceback
from collections.abc import Callable
from enum import IntEnum

from shothub.client.cli import output
from shothub.client.errors import (
    Forbidden,
    HubFailed,
    HubUnreachable,
    MissingPart,
    NotLoggedIn,
    RateLimited,
    ShothubError,
    StillUnfinished,
    Unauthorized,
    UnexpectedAnswer,
    UnsafeProfile,
)
from shothub.domain.faults import Fault


class Exit(IntEnum):
    """Exit codes of every command.

    Attributes:
        OK: all is well.
        REFUSED: refused, failed, cancelled or not found.
        USAGE: the command line is wrong.
        UNREACHABLE: the hub does not answer, or not as a hub does.
        NOT_LOGGED_IN: no token, a bad one, or one without the needed scope.
        UNFINISHED: the job goes on; the time to wait was over.
        MISSING: an optional part is not installed.
        INTERRUPTED: stopped by Ctrl-C.
    """

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_LOGGED_IN = 4
    UNFINISHED = 5
    MISSING = 6
    INTERRUPTED = 130


EXIT_CODES = (
    "Exit codes: 0 all is well, 1 refused or failed, 2 wrong command line, "
    "3 hub unreachable, 4 not logged in or not allowed, 5 not finished in time, "
    "6 an optional part is not installed, 130 interrupted."
)

_CODES: dict[type[ShothubError], Exit] = {
    NotLoggedIn: Exit.NOT_LOGGED_IN,
    UnsafeProfile: Exit.NOT_LOGGED_IN,
    Unauthorized: Exit.NOT_LOGGED_IN,
    Forbidden: Exit.NOT_LOGGED_IN,
    HubUnreachable: Exit.UNREACHABLE,
    UnexpectedAnswer: Exit.UNREACHABLE,
    HubFailed: Exit.UNREACHABLE,
    RateLimited: Exit.UNREACHABLE,
    StillUnfinished: Exit.UNFINISHED,
    MissingPart: Exit.MISSING,
}


def missing_part(program: str, extra: str, module: str) -> MissingPart:
    """Return the error that names what to install."""
    return MissingPart(
        Fault(
            code="missing_part",
            detail=f"`shothub {program}` needs {module}, which is not installed.",
            hint=f"run: pip install 'shothub[{extra}]'",
        )
    )


def exit_code(error: ShothubError) -> Exit:
    """Return the exit code for an error."""
    kinds = (kind for kind in type(error).__mro__ if kind in _CODES)
    return next((_CODES[kind] for kind in kinds), Exit.REFUSED)


def guarded(command: Callable[[], None], *, as_json: bool) -> int:
    """Run a command to its end; say in words what went wrong and return the exit code.

    Args:
        command: the whole program.
        as_json: print faults as JSON to stdout.
    """
    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.OK
    except ShothubError as error:
        if as_json:
            output.faults_document(error.faults)
        else:
            output.faults(error.faults)
        return exit_code(error)
    except Exception as error:  # noqa: BLE001 (the outermost loop of the process)
        _tell_of_a_bug(error)
        return Exit.REFUSED
    return Exit.OK


def _tell_of_a_bug(error: Exception) -> None:
    if os.environ.get("SHOTHUB_DEBUG"):
        output.note("".join(traceback.format_exception(error)))
    fault = Fault(
        code="bug",
        detail=f"A fault of shothub itself: {type(error).__name__}: {error}",
        hint="run it again with SHOTHUB_DEBUG=1 and report what it prints",
    )
    output.faults([fault])
