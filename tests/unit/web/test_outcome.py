"""A job's results as table and plots."""

from pydantic import JsonValue

from shothub.domain.states import ShotState
from shothub.server.web.outcome import captions, choose, plots_of, shot_table
from shothub.wire.jobs import ResultTable, ShotView

COLUMNS = [["tof"], ["hold"], ["power"], ["fit", "atoms"], ["fit", "note"]]


def table(*rows: list[JsonValue], last: ShotState = ShotState.DONE) -> ResultTable:
    states = [ShotState.DONE] * (len(rows) - 1) + [last]
    return ResultTable(
        job="j",
        columns=COLUMNS,
        units=["s", "s", "V", "", ""],
        index=list(range(len(rows))),
        states=states,
        rows=list(rows),
    )


SCAN = table([1e-3, 1, 5, 10.0, "a"], [2e-3, 1, 5, 20.0, "b"], [3e-3, 1, 5, None, None])
GRID = table([1e-3, 1, 5, 10.0, "a"], [1e-3, 2, 5, 20.0, "b"])


def test_globals_that_never_change_are_left_out() -> None:
    shown = shot_table(SCAN, [])
    assert [c.label for c in shown.columns] == ["tof", "fit · atoms", "fit · note"]


def test_a_missing_result_stays_missing_and_has_its_reason() -> None:
    shots = [ShotView(index=2, state=ShotState.FAILED, reason="no light")]
    row = shot_table(SCAN, shots).rows[2]
    assert row.cells == [3e-3, None, None]
    assert row.reason == "no light"


def test_the_first_results_are_plotted_over_the_scan() -> None:
    choice = choose(SCAN, x="", y=[])
    assert [o.key for o in choice.axes if o.chosen] == ["tof"]
    assert [o.key for o in choice.columns] == ["fit/atoms"]
    [plot] = plots_of(SCAN, choice)
    assert "tof (ms)" in plot


def test_only_what_the_user_chose_stays_chosen_while_results_come_in() -> None:
    nothing_yet = table()
    assert choose(nothing_yet, x="", y=[]).query == ""
    assert choose(SCAN, x="", y=[]).query == ""
    assert choose(SCAN, x="shot", y=["fit/atoms"]).query == "x=shot&y=fit%2Fatoms"


def test_an_unknown_column_is_ignored() -> None:
    assert choose(SCAN, x="nonsense", y=["evil"]) == choose(SCAN, x="", y=[])


def test_without_a_scan_results_are_plotted_over_the_shot_number() -> None:
    one = table([1e-3, 1, 5, 10.0, "a"])
    assert "shot number" in plots_of(one, choose(one, x="", y=[]))[0]


def test_a_second_scan_colours_the_points() -> None:
    choice = choose(GRID, x="hold", y=[])
    assert "plot-group-1" not in plots_of(GRID, choice)[0]
    both = table([1, 1, 5, 1.0, ""], [2, 1, 5, 2.0, ""], [1, 2, 5, 3.0, ""])
    plot = plots_of(both, choose(both, x="tof", y=[]))[0]
    assert "plot-group-1" in plot
    assert "hold:" in plot


def test_a_shot_that_has_not_run_yet_is_not_called_missing() -> None:
    waiting = table([1, 1, 5, 1.0, ""], [2, 1, 5, None, ""], last=ShotState.COMPILED)
    assert "plot-missing" not in plots_of(waiting, choose(waiting, x="", y=[]))[0]
    failed = table([1, 1, 5, 1.0, ""], [2, 1, 5, None, ""], last=ShotState.FAILED)
    assert "plot-missing" in plots_of(failed, choose(failed, x="", y=[]))[0]


def test_a_caption_names_the_shot_and_its_scan() -> None:
    said = captions(SCAN)
    assert said(1) == "shot 1, tof 2 ms"
    assert said(None) == "all shots"
    assert said(99) == "shot 99"
