# ruff: noqa: SLF001  (Django's documented API of models)
"""Copy a whole hub's rows into another database, such as from SQLite into PostgreSQL."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connections, transaction
from django.db.models import Model

from shothub.server import reachable
from shothub.server.databases import settings_of

TARGET = "target"
_AT_ONCE = 1_000


class NotEmpty(Exception):
    """The database holds a hub already; copy into an empty one."""


class Incomplete(Exception):
    """Not every row arrived; nothing was kept of the copy."""


def copy_to(address: str) -> dict[str, int]:
    """Copy every row, and return how many by table. All of it arrives, or nothing.

    Args:
        address: of the database, as in ``SHOTHUB_DATABASE``.

    Raises:
        BadAddress: the address is none.
        BadDatabase: the database cannot be used.
        NotEmpty: it holds a hub already.
        Incomplete: rows are missing there.
    """
    attach(TARGET, settings_of(address, Path()))
    return copy_between("default", TARGET)


def attach(alias: str, given: Mapping[str, Any]) -> None:
    """Make another database known under a name, and give it the tables of this version.

    Args:
        alias: the name.
        given: Django's settings of it.

    Raises:
        BadDatabase: it cannot be used.
    """
    connections.settings[alias] = connections.settings["default"] | dict(given)
    reachable.require(connections[alias])
    call_command("migrate", database=alias, verbosity=0, interactive=False)


def copy_between(source: str, target: str) -> dict[str, int]:
    """Copy every row as of now into an empty database; return how many by table.

    Raises:
        NotEmpty: it holds a hub already.
        Incomplete: rows are missing there.
    """
    models = _models()
    with _as_of_now(source), transaction.atomic(using=target):
        _require_empty(target)
        # Made by the migrations, under numbers of their own.
        ContentType.objects.using(target).all().delete()
        copied = {m._meta.db_table: _copy(m, source, target) for m in models}
        _count_on(models, target)
    return copied


@contextmanager
def _as_of_now(source: str) -> Iterator[None]:
    """Read a database as it is at one moment, while others go on writing to it."""
    with transaction.atomic(using=source):
        if connections[source].vendor == "postgresql":
            with connections[source].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _models() -> list[type[Model]]:
    return [m for m in apps.get_models(include_auto_created=True) if m._meta.managed]


def require_no_hub() -> None:
    """Refuse a PostgreSQL database in which a hub lives, of whatever version.

    An SQLite file is judged with the folder in which it lies.

    Raises:
        NotEmpty: one does.
    """
    database = connections["default"]
    if database.vendor == "sqlite":
        return
    if "accounts_user" in database.introspection.table_names():
        _require_empty("default")


def _require_empty(target: str) -> None:
    for name in ("accounts.User", "apparatus.Apparatus", "jobs.Job"):
        model = apps.get_model(name)
        if model._base_manager.using(target).exists():
            raise NotEmpty(NotEmpty.__doc__)


def _copy(model: type[Model], source: str, target: str) -> int:
    rows = model._base_manager.using(source).order_by("pk").iterator(_AT_ONCE)
    there = model._base_manager.using(target)
    number = 0
    while some := list(islice(rows, _AT_ONCE)):
        there.bulk_create(some)
        number += len(some)
    if there.count() != number:
        raise Incomplete(f"{model._meta.db_table}: {Incomplete.__doc__}")
    return number


def _count_on(models: Iterable[type[Model]], target: str) -> None:
    """Let the numbers of new rows go on after those that were copied."""
    database = connections[target]
    with database.cursor() as cursor:
        for statement in database.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(statement)
