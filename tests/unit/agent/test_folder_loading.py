from pathlib import Path

import pytest

from shothub.agent.config_faults import line_of, parse_config
from shothub.agent.folder import ApparatusFolder, load
from shothub.domain.faults import Fault
from shothub.domain.limits import OutputLimit

TOML = """\
name = "sim"
title = "Simulated"
max_shots = 50

[routines]
single = ["atom_number"]

[limits]
max_duration = 20

[limits.outputs.coil]
min = 0
max = 10
max_slew = 1e4
final = 0
unit = "A"

[orders.camera]
start = -1
"""
PROCEDURE = '''\
"""Time of flight.

Longer words.
"""

GLOBALS = {
    "tof": {"type": "float", "unit": "s", "default": 15e-3, "min": 1e-3, "max": 30e-3},
    "atoms": {"type": "str", "default": "Rb87", "choices": ["Rb87", "K39"]},
}
EXAMPLE = {"tof": {"linspace": [5e-3, 25e-3, 11]}}
ROUTINES = ["atom_number"]

raise SystemExit("read, never executed")
'''
API = '''\
"""The lab's API."""

def hold(time: float, *, trap="main") -> float:
    """Hold the atoms for ``time`` seconds."""
    raise SystemExit("read, never executed")

class Trap:
    """A trap."""
    def __init__(self, depth, width=2): ...

def _own(): ...
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("procedures", "routines", "labscriptlib"):
        (tmp_path / name).mkdir()
    (tmp_path / "apparatus.toml").write_text(TOML)
    (tmp_path / "connection_table.py").write_text("start()\nstop(1)\n")
    (tmp_path / "procedures" / "bec_tof.py").write_text(PROCEDURE)
    (tmp_path / "routines" / "atom_number.py").write_text("import lyse\n")
    (tmp_path / "labscriptlib" / "__init__.py").write_text("")
    (tmp_path / "labscriptlib" / "bec.py").write_text(API)
    return tmp_path


def loaded(folder: Path) -> ApparatusFolder:
    read = load(folder)
    assert isinstance(read, ApparatusFolder), read
    return read


def faults(folder: Path) -> list[Fault]:
    read = load(folder)
    assert isinstance(read, list)
    return read


def test_a_good_folder_is_read_without_executing_it(folder: Path) -> None:
    read = loaded(folder)
    assert read.config.name == "sim"
    assert read.limits.outputs == {
        "coil": OutputLimit(minimum=0, maximum=10, max_slew=1e4, final=0)
    }
    assert read.units == {"coil": "A"}
    assert read.orders["camera"].start == -1
    assert set(read.routines) == {"atom_number"}
    assert read.connection_table.startswith("start()")


def test_a_procedure_tells_its_globals_and_its_example(folder: Path) -> None:
    procedure = loaded(folder).procedures["bec_tof"]
    assert (procedure.title, procedure.doc) == ("Time of flight.", "Longer words.")
    tof, atoms = procedure.parameters
    assert (tof.name, tof.unit, tof.minimum, tof.maximum) == ("tof", "s", 1e-3, 30e-3)
    assert atoms.choices == ("Rb87", "K39")
    assert procedure.example == {"tof": {"linspace": [5e-3, 25e-3, 11]}}
    assert procedure.routines == ("atom_number",)
    assert len(procedure.sha256) == 64


def test_the_api_is_told_with_signatures_and_words(folder: Path) -> None:
    told = {function.name: function for function in loaded(folder).api}
    assert set(told) == {"hold", "Trap"}
    assert told["hold"].module == "labscriptlib.bec"
    assert told["hold"].signature == "(time: float, *, trap='main') -> float"
    assert told["hold"].doc == "Hold the atoms for ``time`` seconds."
    assert told["Trap"].signature == "(depth, width=2)"


def test_places_are_relative_to_the_folder(folder: Path) -> None:
    read = loaded(folder)
    assert read.shots == folder / "shots"
    assert read.state == folder / "state"
    assert read.profile == folder / "state" / "profile"


def test_a_profile_given_is_the_home_around_it(folder: Path, tmp_path: Path) -> None:
    text = f'{TOML}\n[labscript]\nprofile = "{tmp_path}/elsewhere/labscript-suite"\n'
    (folder / "apparatus.toml").write_text(text)
    assert loaded(folder).profile == tmp_path / "elsewhere"


BROKEN_TOML = [
    ("max_shots = 50", "max_shot = 50", "apparatus.toml:3", "did you mean max_shots?"),
    ("max_shots = 50", 'max_shots = "50"', "apparatus.toml:3", "max_shots"),
    ("max_shots = 50", "max_shots = 0", "apparatus.toml:3", "greater than 0"),
    ('name = "sim"', 'name = "Sim Lab"', "apparatus.toml:1", "name"),
    ('name = "sim"', "", "apparatus.toml", "name: field required"),
    ('name = "sim"', "name = sim", "apparatus.toml:1", "no TOML"),
    ("max = 10", "maxi = 10", "apparatus.toml:13", "did you mean max?"),
    ("max = 10", "max = nan", "apparatus.toml:13", "finite"),
    ("max = 10", "max = -10", "apparatus.toml:11", "min is larger than max"),
    ("max_duration = 20", "max_duration = inf", "apparatus.toml:9", "finite"),
    ("start = -1", "start = 1.5", "apparatus.toml:19", "orders.camera.start"),
    ('["atom_number"]', '["atom_numbr"]', "apparatus.toml", "no routine 'atom_numbr'"),
    ('["atom_number"]', '"atom_number"', "apparatus.toml:6", "routines.single"),
]


@pytest.mark.parametrize(("old", "new", "where", "words"), BROKEN_TOML)
def test_a_mistake_in_the_configuration_is_told_with_line_and_key(
    old: str, new: str, where: str, words: str, folder: Path
) -> None:
    assert old in TOML
    (folder / "apparatus.toml").write_text(TOML.replace(old, new))
    (fault,) = faults(folder)
    assert fault.where.startswith(where)
    assert words in str(fault)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    (folder / "connection_table.py").write_text("start(\n")
    (folder / "routines" / "atom_number.py").write_text("def f(:\n")
    (folder / "procedures" / "bec_tof.py").write_text("GLOBALS = {\n")
    places = {fault.where.partition(":")[0].split("/")[-1] for fault in faults(folder)}
    assert places >= {"connection_table.py", "atom_number.py", "bec_tof.py"}


BROKEN_PROCEDURES = [
    ("15e-3", '"long"', 7, "not of type float"),
    ("15e-3", "1.0", 7, "above the maximum"),
    ("15e-3", "2 * tof", 7, "must be written out"),
    ('"type": "float"', '"type": "real"', 7, "type"),
    ('"unit": "s"', '"units": "s"', 7, "units"),
    ('"min": 1e-3', '"min": 1', 7, "min is larger than max"),
    ('"min": 1e-3', '"min": "low"', 7, "min"),
    ('"tof": {"type"', '"time of flight": {"type"', 7, "cannot be the name"),
    ('"tof": {"type"', '"lambda": {"type"', 7, "cannot be the name"),
    ('"tof": {"type"', '"list": {"type"', 7, "cannot be the name"),
    ('["Rb87", "K39"]', '["K39", "K40"]', 8, "is not one of"),
    ("25e-3, 11", "25e-3, 51", 10, "51 shots"),
    ("25e-3, 11", "2.0, 11", 10, "above the maximum"),
    ('EXAMPLE = {"tof"', 'EXAMPLE = {"tov"', 10, "no global named 'tov'"),
    ('ROUTINES = ["atom_number"]', 'ROUTINES = "atom_number"', 11, "list of names"),
    ('ROUTINES = ["atom_number"]', 'ROUTINES = ["other"]', None, "no routine 'other'"),
    ("GLOBALS = {", "GLOBALS = [{", None, "no Python"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), BROKEN_PROCEDURES)
def test_a_mistake_in_a_procedure_is_told_with_its_line(
    old: str, new: str, line: int | None, words: str, folder: Path
) -> None:
    assert old in PROCEDURE
    (folder / "procedures" / "bec_tof.py").write_text(PROCEDURE.replace(old, new, 1))
    told = faults(folder)
    assert words in str(told[0])
    place = "procedures/bec_tof.py"
    assert told[0].where.startswith(f"{place}:{line}" if line else place)


def test_a_procedure_with_a_name_that_no_url_takes_is_refused(folder: Path) -> None:
    (folder / "procedures" / "Bad Name.py").write_text('"""X."""\n')
    assert [fault.code for fault in faults(folder)] == ["bad_name"]


def test_a_file_that_is_no_text_is_told_by_name(folder: Path) -> None:
    (folder / "procedures" / "bec_tof.py").write_bytes(b"\xff\xfe\x00")
    assert faults(folder)[0].where == "procedures/bec_tof.py"


@pytest.mark.parametrize("name", ["missing", "apparatus.toml"])
def test_what_is_no_apparatus_folder_says_how_to_make_one(
    name: str, folder: Path
) -> None:
    (fault,) = faults(folder / name)
    assert fault.code == "no_apparatus"
    assert "apparatus init" in fault.hint


def test_lines_are_found_in_nested_tables() -> None:
    assert line_of(TOML, ["limits", "outputs", "coil", "max"]) == 13
    assert line_of(TOML, ["limits", "outputs", "coil", "none"]) == 11
    assert line_of(TOML, ["storage"]) is None


def test_a_whole_number_stands_for_a_float_but_not_the_other_way_round() -> None:
    assert not isinstance(parse_config('name = "a"\n[limits]\nmax_duration = 5'), list)
    assert isinstance(parse_config('name = "a"\nmax_shots = 5.5'), list)


def test_the_lab_says_how_its_machine_is_shared(folder: Path) -> None:
    (folder / "apparatus.toml").write_text(
        TOML + "[queue]\nsetup_share = 0.3\nmemory = 1.0\n"
        "[link]\noffline_seconds = 60.0\n"
    )
    config = loaded(folder).config
    assert (config.queue.setup_share, config.queue.round_seconds) == (0.3, 120.0)
    assert config.link.offline_seconds == 60.0


def test_without_a_word_of_the_lab_every_start_asks_the_hub(folder: Path) -> None:
    assert loaded(folder).config.link.offline_seconds == 0.0


@pytest.mark.parametrize(
    ("table", "where", "words"),
    [
        (
            "[queue]\nsetup_share = 1.5",
            "queue.setup_share",
            "less than or equal to 0.9",
        ),
        ("[queue]\nround_seconds = 0", "queue.round_seconds", "greater than"),
        ("[queue]\nsetupshare = 0.1", "queue.setupshare", "no such key"),
        ("[queue]\nmemory = 'long'", "queue.memory", "valid number"),
        ("[link]\noffline_seconds = -1", "link.offline_seconds", "greater than"),
        ("[link]\noffline_seconds = 99999", "link.offline_seconds", "3600"),
        ("[link]\noffline = 5", "link.offline", "no such key"),
    ],
)
def test_mistakes_in_queue_and_link_are_told_by_line(
    folder: Path, table: str, where: str, words: str
) -> None:
    (folder / "apparatus.toml").write_text(TOML + table + "\n")
    (fault,) = faults(folder)
    assert where in fault.detail
    assert words in fault.detail
    assert fault.where == f"apparatus.toml:{len(TOML.splitlines()) + 2}"


def test_a_procedure_is_not_run_again_unless_it_says_that_this_is_safe(
    folder: Path,
) -> None:
    file = folder / "procedures" / "bec_tof.py"
    assert loaded(folder).procedures["bec_tof"].rerun == "never"
    file.write_text(PROCEDURE.replace("ROUTINES", 'RERUN = "safe"\nROUTINES'))
    assert loaded(folder).procedures["bec_tof"].rerun == "safe"


@pytest.mark.parametrize("value", ["True", "'Safe'", "['safe']", "1"])
def test_a_mistake_in_rerun_is_told_and_not_guessed(folder: Path, value: str) -> None:
    file = folder / "procedures" / "bec_tof.py"
    file.write_text(PROCEDURE.replace("ROUTINES", f"RERUN = {value}\nROUTINES"))
    (fault,) = faults(folder)
    assert fault.where.startswith("procedures/bec_tof.py:")
    assert "'never' or 'safe'" in fault.detail
