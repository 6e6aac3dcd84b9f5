"""What passes is told apart from what stays, for both databases."""

import sqlite3

import pytest
from django.db import DataError, IntegrityError, InterfaceError, InternalError
from django.db import OperationalError as Operational
from psycopg import errors

from shothub.server.failures import Failure, kind_of


def raised_by(cause: Exception, kind: type[Exception]) -> Exception:
    error = kind(str(cause))
    error.__cause__ = cause
    return error


def sqlite_error(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Operational("database is locked"), Failure.PASSING),
        (Operational("database or disk is full"), Failure.FULL),
        (raised_by(sqlite_error("SQLITE_IOERR_SHMSIZE"), Operational), Failure.FULL),
        (raised_by(sqlite_error("SQLITE_IOERR_READ"), Operational), Failure.PASSING),
        (raised_by(errors.DiskFull("No space left"), Operational), Failure.FULL),
        (raised_by(errors.DeadlockDetected(), Operational), Failure.PASSING),
        (raised_by(errors.SerializationFailure(), Operational), Failure.PASSING),
        (raised_by(errors.LockNotAvailable(), Operational), Failure.PASSING),
        (raised_by(errors.AdminShutdown(), Operational), Failure.PASSING),
        (
            raised_by(errors.IdleInTransactionSessionTimeout(), InternalError),
            Failure.PASSING,
        ),
        (raised_by(errors.ReadOnlySqlTransaction(), InternalError), Failure.PASSING),
        (raised_by(errors.UniqueViolation(), IntegrityError), Failure.PASSING),
        (InterfaceError("the connection is closed"), Failure.PASSING),
        (raised_by(errors.NumericValueOutOfRange(), DataError), Failure.LASTING),
        (raised_by(errors.CheckViolation(), IntegrityError), Failure.LASTING),
        (IntegrityError("UNIQUE constraint failed"), Failure.LASTING),
        (ValueError("disk is full"), Failure.LASTING),
    ],
)
def test_an_error_is_of_its_kind(error: Exception, kind: Failure) -> None:
    assert kind_of(error) == kind
