"""A scatter plot as SVG: axes with units, tidy ticks, a point per shot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from shothub.server.web.quantities import Scale, number, scale_for, tick_labels, ticks

WIDTH, HEIGHT = 440, 286
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 46, 46
_MARGIN = 0.06
_LARGEST = 1e150  # beyond it, differences of values overflow
_LETTER = 6.8  # width of a letter of the ticks, about
MAX_GROUPS = 6


class Svg(str):
    """The text of an SVG image, escaped, that templates may insert as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What an axis shows."""

    label: str
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One shot in the plot.

    Attributes:
        shot: index of the shot.
        x: abscissa.
        y: ordinate, None where the result is missing.
        group: which value of a second scanned global it belongs to, from 0.
    """

    shot: int
    x: float
    y: float | None
    group: int = 0


@dataclass(frozen=True, kw_only=True)
class Legend:
    """What the colours of the points mean.

    Attributes:
        label: name of the second scanned global.
        values: its values in order of group, at most six.
    """

    label: str
    values: Sequence[str]


@dataclass(frozen=True)
class _Ruler:
    """Maps values of one axis to places in the drawing."""

    low: float
    high: float
    start: float
    stop: float
    scale: Scale

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 2)

    def marks(self) -> list[tuple[float, str]]:
        shrink = self.scale.shrink
        values = ticks(shrink(self.low), shrink(self.high))
        unit = 10.0**self.scale.exponent
        places = [self.place(value * unit) for value in values]
        return list(zip(places, tick_labels(values), strict=True))


def scatter(
    points: Sequence[Point], *, x: Axis, y: Axis, legend: Legend | None = None
) -> Svg:
    """Draw ``y`` over ``x``; shots whose result is missing are crosses on the x axis.

    Args:
        points: the shots; places that are not finite count as missing or are left out.
        x: the horizontal axis.
        y: the vertical axis.
        legend: what the groups are, if there are several.
    """
    shown = [point for point in points if _can_be_drawn(point.x)]
    good = [point for point in shown if _can_be_drawn(point.y)]
    svg = ET.Element(
        "svg",
        {
            "class": "plot",
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "role": "img",
            "aria-label": f"{y.label} over {x.label}, {len(good)} points",
        },
    )
    across = _ruler([p.x for p in shown], x.unit, _LEFT, WIDTH - _RIGHT)
    up = _ruler([p.y for p in good if p.y is not None], y.unit, HEIGHT - _BOTTOM, _TOP)
    _draw_axes(svg, across, up)
    _draw_titles(svg, _titled(x, across), _titled(y, up))
    if legend:
        _draw_legend(svg, legend)
    for point in shown:
        _draw_point(svg, point, across, up, (x, y))
    if not good:
        _text(svg, WIDTH / 2, HEIGHT / 2 - 10, "no results yet", "plot-empty")
    return Svg(ET.tostring(svg, encoding="unicode"))


def _can_be_drawn(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and abs(value) < _LARGEST


def _ruler(values: Sequence[float], unit: str, start: float, stop: float) -> _Ruler:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        room = abs(low) * 0.1 or 1.0
    else:
        room = (high - low) * _MARGIN
    low, high = low - room, high + room
    return _Ruler(low, high, start, stop, scale_for(max(abs(low), abs(high)), unit))


def _draw_axes(svg: ET.Element, across: _Ruler, up: _Ruler) -> None:
    floor = HEIGHT - _BOTTOM
    for place, label in up.marks():
        _line(svg, (_LEFT, place), (WIDTH - _RIGHT, place), "plot-grid")
        _text(svg, _LEFT - 7, place + 4, label, "plot-tick plot-end")
    for place, label in across.marks():
        _line(svg, (place, floor), (place, floor + 5), "plot-axis")
        _text(svg, place, floor + 18, label, "plot-tick")
    _line(svg, (_LEFT, floor), (WIDTH - _RIGHT, floor), "plot-axis")


def _titled(axis: Axis, ruler: _Ruler) -> str:
    unit = ruler.scale.unit
    return f"{axis.label} ({unit})" if unit else axis.label


def _draw_titles(svg: ET.Element, x_title: str, y_title: str) -> None:
    _text(svg, (_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 8, x_title, "plot-title")
    _text(svg, 4, 16, y_title, "plot-title plot-start")


def _draw_legend(svg: ET.Element, legend: Legend) -> None:
    """Write the legend in a line above the plot, places guessed from text lengths."""
    x, y = 4.0, 35.0
    _text(svg, x, y, f"{legend.label}:", "plot-tick plot-start")
    x += _LETTER * (len(legend.label) + 2)
    for group, name in enumerate(legend.values[:MAX_GROUPS]):
        kind = f"plot-point plot-group-{group}"
        place = {"cx": f"{x + 6:g}", "cy": f"{y - 4:g}", "r": "4"}
        ET.SubElement(svg, "circle", {"class": kind, **place})
        _text(svg, x + 14, y, name, "plot-tick plot-start")
        x += 24 + _LETTER * len(name)


def _draw_point(
    svg: ET.Element, point: Point, across: _Ruler, up: _Ruler, axes: tuple[Axis, Axis]
) -> None:
    x, floor = across.place(point.x), HEIGHT - _BOTTOM
    where = f"shot {point.shot}: {axes[0].label} {number(point.x)} {axes[0].unit}"
    if point.y is None or not _can_be_drawn(point.y):
        path = f"M{x - 4},{floor - 4}l8,8m0,-8l-8,8"
        mark = ET.SubElement(svg, "path", {"class": "plot-missing", "d": path})
        ET.SubElement(mark, "title").text = f"{where.strip()}, no result"
        return
    mark = ET.SubElement(
        svg,
        "circle",
        {
            "class": f"plot-point plot-group-{point.group % MAX_GROUPS}",
            "cx": f"{x}",
            "cy": f"{up.place(point.y)}",
            "r": "4",
        },
    )
    value = f"{axes[1].label} {number(point.y)} {axes[1].unit}"
    ET.SubElement(mark, "title").text = f"{where.strip()}, {value.strip()}"


def _line(
    svg: ET.Element, start: tuple[float, float], stop: tuple[float, float], kind: str
) -> None:
    ends = {"x1": start[0], "y1": start[1], "x2": stop[0], "y2": stop[1]}
    ET.SubElement(
        svg, "line", {"class": kind, **{key: f"{at:g}" for key, at in ends.items()}}
    )


def _text(svg: ET.Element, x: float, y: float, text: str, kind: str) -> None:
    ET.SubElement(
        svg, "text", {"class": kind, "x": f"{x:g}", "y": f"{y:g}"}
    ).text = text
