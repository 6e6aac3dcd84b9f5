"""A job's results as the page shows them: a table, and what can be plotted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from pydantic import JsonValue

from shothub.server.web.plot import MAX_GROUPS, Axis, Legend, Point, Svg, scatter
from shothub.server.web.quantities import with_unit
from shothub.wire.jobs import ResultTable, ShotView

SHOT = "shot"
_SHOWN_ROWS, _FIRST_PLOTS, _MOST_PLOTS = 200, 2, 8


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the table: one of the globals, or what a routine saved."""

    key: str
    label: str
    unit: str
    place: int
    is_global: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One shot."""

    index: int
    state: str
    cells: list[JsonValue]
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShotTable:
    """The first shots of a job, with the columns that say something."""

    columns: list[Column]
    rows: list[Row]
    total: int

    @property
    def reasons(self) -> bool:
        return any(row.reason for row in self.rows)

    @property
    def shortened(self) -> bool:
        return self.total > len(self.rows)


@dataclass(frozen=True, kw_only=True)
class Option:
    """A column to choose for the plot."""

    key: str
    label: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is plotted, and what could be.

    Attributes:
        query: what the user asked for, as the query of an address; empty where he left
            the choice to us, as our choice changes while results come in.
    """

    axes: list[Option] = field(default_factory=list)
    columns: list[Option] = field(default_factory=list)
    query: str = ""


def columns_of(table: ResultTable) -> list[Column]:
    """Return the results, and of the globals those that vary over the shots."""
    units = [*table.units, *([""] * len(table.columns))]
    found = [
        Column(
            key="/".join(path),
            label=" · ".join(path) if len(path) > 1 else path[0],
            unit=units[place],
            place=place,
            is_global=len(path) == 1,
        )
        for place, path in enumerate(table.columns)
        if path
    ]
    return [c for c in found if not c.is_global or len(_distinct(table, c)) > 1]


def _distinct(table: ResultTable, column: Column) -> list[JsonValue]:
    values: dict[str, JsonValue] = {}
    for row in table.rows:
        values.setdefault(repr(row[column.place]), row[column.place])
    return list(values.values())


def shot_table(table: ResultTable, shots: Sequence[ShotView]) -> ShotTable:
    """Return the table of the page; each missing shot has its reason."""
    columns = columns_of(table)
    reasons = {shot.index: shot.reason for shot in shots}
    rows = [
        Row(
            index=index,
            state=state,
            cells=[values[column.place] for column in columns],
            reason=reasons.get(index, ""),
        )
        for index, state, values in zip(
            table.index[:_SHOWN_ROWS], table.states, table.rows, strict=False
        )
    ]
    return ShotTable(columns=columns, rows=rows, total=len(table.rows))


def choose(table: ResultTable, *, x: str, y: Sequence[str]) -> Choice:
    """Return what to plot: as asked for, else the first results over the first scan."""
    columns = [c for c in columns_of(table) if _is_numeric(table, c)]
    axes = [c for c in columns if c.is_global]
    results = [c for c in columns if not c.is_global]
    keys = [c.key for c in axes]
    across = x if x in {*keys, SHOT} else (keys or [SHOT])[0]
    asked = [c.key for c in results if c.key in y][:_MOST_PLOTS]
    shown = asked or [c.key for c in results[:_FIRST_PLOTS]]
    numbered = Option(key=SHOT, label="shot number", chosen=across == SHOT)
    return Choice(
        axes=[*(_option(c, {across}) for c in axes), numbered],
        columns=[_option(c, set(shown)) for c in results],
        query=urlencode(
            [("x", across)] * (x == across) + [("y", key) for key in asked]
        ),
    )


def _option(column: Column, chosen: set[str]) -> Option:
    return Option(key=column.key, label=column.label, chosen=column.key in chosen)


def _is_numeric(table: ResultTable, column: Column) -> bool:
    values = [row[column.place] for row in table.rows]
    given = [value for value in values if value is not None]
    return bool(given) and all(_number(value) is not None for value in given)


def _number(value: JsonValue) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None


def plots_of(table: ResultTable, choice: Choice) -> list[Svg]:
    """Draw a plot for each chosen column."""
    columns = {column.key: column for column in columns_of(table)}
    x = next((o.key for o in choice.axes if o.chosen), SHOT)
    groups = _groups(table, columns, x)
    return [
        _plot(table, columns.get(x), columns[option.key], groups)
        for option in choice.columns
        if option.chosen
    ]


@dataclass(frozen=True, kw_only=True)
class _Groups:
    """How a second scanned global colours the points."""

    legend: Legend | None = None
    of_row: list[int] = field(default_factory=list)


def _groups(table: ResultTable, columns: Mapping[str, Column], x: str) -> _Groups:
    others = [c for c in columns.values() if c.is_global and c.key != x]
    if len(others) != 1 or x == SHOT:
        return _Groups()
    values = _distinct(table, others[0])
    if len(values) > MAX_GROUPS:
        return _Groups()
    unit, place = others[0].unit, others[0].place
    said = [_said(value, unit) for value in values]
    return _Groups(
        legend=Legend(label=others[0].label, values=said),
        of_row=[values.index(row[place]) for row in table.rows],
    )


def _said(value: JsonValue, unit: str) -> str:
    number = _number(value)
    return f"{value}" if number is None else with_unit(number, unit)


def _plot(table: ResultTable, x: Column | None, y: Column, groups: _Groups) -> Svg:
    points = [
        Point(
            shot=index,
            x=float(index) if x is None else _number(row[x.place]) or 0.0,
            y=_number(row[y.place]),
            group=groups.of_row[place] if groups.of_row else 0,
        )
        for place, (index, row, state) in enumerate(
            zip(table.index, table.rows, table.states, strict=True)
        )
        if state in {"done", "failed", "unknown"}
    ]
    across = Axis(label=x.label, unit=x.unit) if x else Axis(label="shot number")
    return scatter(
        points, x=across, y=Axis(label=y.label, unit=y.unit), legend=groups.legend
    )


def captions(table: ResultTable) -> Callable[[int | None], str]:
    """Return what says of a shot its number and the values of its scanned globals."""
    scanned = [c for c in columns_of(table) if c.is_global][:3]
    rows = dict(zip(table.index, table.rows, strict=True))

    def said(shot: int | None) -> str:
        if shot is None:
            return "all shots"
        row = rows.get(shot)
        parts = [f"{c.label} {_said(row[c.place], c.unit)}" for c in scanned if row]
        return ", ".join([f"shot {shot}", *parts])

    return said
