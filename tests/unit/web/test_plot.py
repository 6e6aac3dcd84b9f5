"""The scatter plot: tidy ticks, units, missing shots, nothing unescaped."""

import math
from xml.etree import ElementTree as ET

import pytest
from django.utils.html import conditional_escape
from hypothesis import given
from hypothesis import strategies as st

from shothub.server.web.plot import Axis, Legend, Point, scatter

TOF, ATOMS = Axis(label="tof", unit="s"), Axis(label="atoms")
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def points(*pairs: tuple[float, float | None]) -> list[Point]:
    return [Point(shot=i, x=x, y=y) for i, (x, y) in enumerate(pairs)]


def drawn(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  (our own drawing)


def marks(svg: str, tag: str, kind: str) -> list[ET.Element]:
    root = drawn(svg)
    return [e for e in root.iter(tag) if kind in e.get("class", "").split()]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in drawn(svg).iter("text")]


def test_each_shot_is_a_point_and_each_missing_one_a_cross() -> None:
    svg = scatter(points((1e-3, 5.0), (2e-3, None), (3e-3, 6.0)), x=TOF, y=ATOMS)
    assert len(marks(svg, "circle", "plot-point")) == 2
    [cross] = marks(svg, "path", "plot-missing")
    assert "shot 1" in (cross.findtext("title") or "")


def test_axes_are_named_with_a_unit_that_gives_short_numbers() -> None:
    svg = scatter(points((5e-3, 1e5), (25e-3, 3e5)), x=TOF, y=ATOMS)
    assert "tof (ms)" in texts(svg)
    assert "atoms (×10³)" in texts(svg)
    assert {"5", "10", "15", "20", "25"} <= set(texts(svg))


def test_larger_values_stand_higher_and_further_right() -> None:
    svg = scatter(points((1.0, 1.0), (2.0, 2.0)), x=TOF, y=ATOMS)
    low, high = marks(svg, "circle", "plot-point")
    assert float(high.get("cx", "")) > float(low.get("cx", ""))
    assert float(high.get("cy", "")) < float(low.get("cy", ""))


def test_groups_have_colours_and_a_legend() -> None:
    both = [Point(shot=0, x=0, y=1, group=0), Point(shot=1, x=0, y=2, group=1)]
    legend = Legend(label="hold", values=["1 s", "2 s"])
    svg = scatter(both, x=TOF, y=ATOMS, legend=legend)
    assert {"hold:", "1 s", "2 s"} <= set(texts(svg))
    assert len(marks(svg, "circle", "plot-group-1")) == 2


def test_a_plot_without_any_result_says_so() -> None:
    assert "no results yet" in texts(scatter([], x=TOF, y=ATOMS))
    assert "no results yet" in texts(scatter(points((1.0, None)), x=TOF, y=ATOMS))


def test_hostile_labels_are_escaped_and_the_rest_is_not() -> None:
    axis = Axis(label="<script>alert(1)</script>", unit='"><b>')
    svg = scatter(points((1.0, 2.0)), x=axis, y=axis)
    assert "<script>" not in svg
    assert "<b>" not in svg
    assert str(conditional_escape(svg)) == str(svg)


@pytest.mark.parametrize("same", [0.0, 1e-300, -3.0, 1e100])
def test_equal_values_are_drawn_in_the_middle(same: float) -> None:
    svg = scatter(points((same, same)), x=TOF, y=ATOMS)
    [point] = marks(svg, "circle", "plot-point")
    assert math.isfinite(float(point.get("cx", "")))


@given(st.lists(st.tuples(NUMBERS, st.none() | NUMBERS), max_size=8))
def test_whatever_the_numbers_every_point_is_inside(
    pairs: list[tuple[float, float | None]],
) -> None:
    svg = scatter(points(*pairs), x=TOF, y=ATOMS)
    for circle in marks(svg, "circle", "plot-point"):
        assert 0 <= float(circle.get("cx", "")) <= 440
        assert 0 <= float(circle.get("cy", "")) <= 286
