"""Rows by plain SQL: building a statement with the ORM takes most of its time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import AutoField, BinaryField, DateTimeField, JSONField, Model
from django.db.models.expressions import Col

Adapt = Callable[[Any, BaseDatabaseWrapper], Any]
Convert = Callable[[Any, Col, BaseDatabaseWrapper], Any]
M = TypeVar("M", bound=Model)
_ADAPTED = (BinaryField, DateTimeField, JSONField)
_MANY = 8


@dataclass(frozen=True)
class _Plan:
    """The statements that store rows of one model, and the fields that fill them."""

    sql: str
    copy: str
    fields: tuple[tuple[str, Adapt | None], ...]

    def values(self, row: Model) -> list[Any]:
        """Return a row's values in the order of the statement."""
        return [_value(getattr(row, name), adapt) for name, adapt in self.fields]


def insert(rows: Sequence[Model]) -> None:
    """Store new objects of one model; keys that the database makes are not read back."""
    if not rows:
        return
    plan = _plan(type(rows[0]))
    values = [plan.values(row) for row in rows]
    with connection.cursor() as cursor:
        if len(rows) < _MANY or connection.vendor != "postgresql":
            cursor.executemany(plan.sql, values)
            return
        # A quarter of the time of statements, and no part of Django's cursor.
        with connection.wrap_database_errors, cursor.copy(plan.copy) as copy:
            for row in values:
                copy.write_row(row)


def insert_if_new(row: Model) -> bool:
    """Store an object unless a unique constraint knows it; tell whether it was stored."""
    plan = _plan(type(row))
    with connection.cursor() as cursor:
        cursor.execute(f"{plan.sql} ON CONFLICT DO NOTHING", plan.values(row))
        return bool(cursor.rowcount)


def _value(value: Any, adapt: Adapt | None) -> Any:
    return value if adapt is None or value is None else adapt(value, connection)


@lru_cache(maxsize=64)
def _plan(model: type[Model]) -> _Plan:
    meta = model._meta  # noqa: SLF001  (Django's documented API of models)
    fields = [f for f in meta.concrete_fields if not isinstance(f, AutoField)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    adapted = [f.get_db_prep_save if isinstance(f, _ADAPTED) else None for f in fields]
    names = [field.attname for field in fields]
    return _Plan(
        f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({marks})',  # noqa: S608
        f'COPY "{meta.db_table}" ({columns}) FROM STDIN',
        tuple(zip(names, adapted, strict=True)),
    )


def ask(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows that a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def aware(stored: datetime) -> datetime:
    """Return a time as plain SQL gives it: SQLite drops the zone, which is UTC."""
    return stored if stored.tzinfo else stored.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Columns(Generic[M]):
    """The columns of one model within a statement, and objects of what they hold.

    Attributes:
        sql: the columns, as they stand after SELECT.
    """

    model: type[M]
    sql: str
    names: tuple[str, ...]
    converters: tuple[tuple[int, Col, tuple[Convert, ...]], ...]

    def __len__(self) -> int:
        """Return how many values of a row they are."""
        return len(self.names)

    def object(self, row: Sequence[Any]) -> M:
        """Return the object of a row of just these columns, as the ORM would."""
        values = list(row)
        for place, column, converters in self.converters:
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return self.model.from_db(connection.alias, self.names, values)


def columns(model: type[M], alias: str, *left_out: str) -> Columns[M]:
    """Return the columns of a table that a statement names so, but for some fields."""
    return _columns(model, alias, left_out)


@lru_cache(maxsize=64)
def _columns(model: type[M], alias: str, left_out: tuple[str, ...]) -> Columns[M]:
    meta = model._meta  # noqa: SLF001  (Django's documented API of models)
    fields = [f for f in meta.concrete_fields if f.name not in left_out]
    cols = [field.get_col(alias) for field in fields]
    found = [
        (*connection.ops.get_db_converters(col), *col.get_db_converters(connection))
        for col in cols
    ]
    return Columns(
        model,
        ", ".join(f'{alias}."{field.column}"' for field in fields),
        tuple(field.attname for field in fields),
        tuple((i, cols[i], some) for i, some in enumerate(found) if some),
    )


def update(
    model: type[Model],
    where: str,
    values: Sequence[Any],
    changes: Mapping[str, Any],
    more: Mapping[str, float] | None = None,
) -> int:
    """Change rows of one model; return how many.

    Args:
        model: of which.
        where: condition in SQL, without placeholders but those of ``values``.
        values: of the condition.
        changes: new values by field.
        more: what to add to fields.
    """
    sql, given = _change(model, changes, more or {})
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} WHERE {where}", [*given, *values])
        return int(cursor.rowcount)


def update_one(
    model: type[Model],
    pk: int | str,
    changes: Mapping[str, Any],
    more: Mapping[str, float],
    *,
    returning: Sequence[str],
) -> tuple[Any, ...]:
    """Change the row of a key, which exists; return columns of it as they are then."""
    sql, given = _change(model, changes, more)
    names = ", ".join(f'"{name}"' for name in returning)
    [row] = ask(f'{sql} WHERE "id" = %s RETURNING {names}', [*given, pk])
    return row


def _change(
    model: type[Model], changes: Mapping[str, Any], more: Mapping[str, float]
) -> tuple[str, list[Any]]:
    known: Callable[[str], Any] = model._meta.get_field  # noqa: SLF001
    table = model._meta.db_table  # noqa: SLF001
    sets, given = [], []
    for name, value in changes.items():
        field = known(name)
        plain = value.pk if isinstance(value, Model) else value
        sets.append(f'"{field.column}" = %s')
        given.append(field.get_db_prep_save(plain, connection))
    for name, amount in more.items():
        column = known(name).column
        sets.append(f'"{column}" = "{column}" + %s')
        given.append(amount)
    return f'UPDATE "{table}" SET {", ".join(sets)}', given  # noqa: S608
