# ruff: noqa: SLF001  (Django's documented API of models)
"""Copy a whole hub's rows into another database, such as from SQLite into PostgreSQL."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

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
    given = settings_of(address, Path())
    connections.settings[TARGET] = connections.settings["default"] | given
    reachable.require(connections[TARGET])
    call_command("migrate", database=TARGET, verbosity=0, interactive=False)
    models = _models()
    with transaction.atomic(), transaction.atomic(using=TARGET):
        _require_empty()
        # Made by the migrations, under numbers of their own.
        ContentType.objects.using(TARGET).all().delete()
        copied = {m._meta.db_table: _copy(m) for m in models}
        _count_on(models)
    return copied


def _models() -> list[type[Model]]:
    return [m for m in apps.get_models(include_auto_created=True) if m._meta.managed]


def _require_empty() -> None:
    for name in ("accounts.User", "apparatus.Apparatus", "jobs.Job"):
        model = apps.get_model(name)
        if model._base_manager.using(TARGET).exists():
            raise NotEmpty(NotEmpty.__doc__)


def _copy(model: type[Model]) -> int:
    rows = model._base_manager.using("default").order_by("pk").iterator(_AT_ONCE)
    target = model._base_manager.using(TARGET)
    number = 0
    while some := list(islice(rows, _AT_ONCE)):
        target.bulk_create(some)
        number += len(some)
    if target.count() != number:
        raise Incomplete(f"{model._meta.db_table}: {Incomplete.__doc__}")
    return number


def _count_on(models: Iterable[type[Model]]) -> None:
    """Let the numbers of new rows go on after those that were copied."""
    target = connections[TARGET]
    with target.cursor() as cursor:
        for statement in target.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(statement)
