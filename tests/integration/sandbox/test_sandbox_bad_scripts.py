from typing import Any

import pytest

from shothub.sandbox.host import Zygote

OWN = "my_experiment.py"


def test_a_script_that_raises_is_told_with_its_own_lines_only(compiled: Any) -> None:
    script = "from labscriptlib.coils import refuse\n\n\ndef mot():\n    refuse(3)\n\n\nmot()\n"
    outcome = compiled(script)
    assert outcome.fault == {
        "code": "compile_error",
        "detail": "ValueError: 3 is too much",
        "where": f"{OWN}:5",
        "hint": f"called from {OWN}:8",
    }
    assert f'File "{OWN}", line 5, in mot' in outcome.end.output
    for foreign in ("shothub", "coils.py", "/scratch", "site-packages"):
        assert foreign not in outcome.end.output


@pytest.mark.parametrize(
    ("script", "code", "where", "words"),
    [
        ("x = (\n", "syntax_error", f"{OWN}:1", "never closed"),
        ("x = '\0'\n", "syntax_error", OWN, "null bytes"),
        ("import sys\nsys.exit(2)\n", "exited", f"{OWN}:2", "exit(2)"),
        ("raise KeyboardInterrupt\n", "compile_error", f"{OWN}:1", "KeyboardInterrupt"),
        ("import nothing_there\n", "compile_error", f"{OWN}:1", "nothing_there"),
        ("x = unknown_global\n", "compile_error", f"{OWN}:1", "unknown_global"),
        ("import os\nos.fork()\n", "compile_error", f"{OWN}:2", "not implemented"),
        ("open('/etc/shadow')\n", "compile_error", f"{OWN}:1", "No such file"),
        (
            "import urllib.request as u\nu.urlopen('http://localhost')\n",
            "compile_error",
            f"{OWN}:2",
            "not permitted",
        ),
    ],
)
def test_a_bad_script_gets_a_code_a_place_and_words(
    compiled: Any, script: str, code: str, where: str, words: str
) -> None:
    outcome = compiled(script)
    assert not outcome.end.ok
    assert outcome.end.reason == ""
    assert (outcome.fault["code"], outcome.fault["where"]) == (code, where)
    assert words in outcome.fault["detail"]


def test_a_missing_module_comes_with_the_list_of_those_there_are(compiled: Any) -> None:
    hint = compiled("import labscriptlib.coil\n").fault["hint"]
    assert "labscriptlib.coils" in hint
    assert "labscriptlib.connection_table" in hint


def test_a_script_without_stop_is_told_so(compiled: Any, experiment: str) -> None:
    fault = compiled(experiment.replace("stop(t + hold)", "")).fault
    assert fault["code"] == "no_stop"


@pytest.mark.parametrize("script", ["shutter.go_high(1)\nstop(2)\n", "stop(2)\n"])
def test_a_script_without_start_is_told_so(compiled: Any, script: str) -> None:
    head = "from labscript import *\nimport labscriptlib.connection_table\n"
    fault = compiled(head + script).fault
    assert fault["code"] == "no_start"
    assert fault["where"] == f"{OWN}:3" if "go_high" in script else fault["where"]


def test_the_second_shot_that_fails_fails_the_job(
    compiled: Any, experiment: str
) -> None:
    outcome = compiled(
        experiment + "assert top < 2\n", globals={"top": "[1, 2] | outer", "hold": "1"}
    )
    assert len(outcome.heads(b"S")) == 1
    assert outcome.fault["detail"] == "AssertionError"
    assert not outcome.end.ok


@pytest.mark.parametrize(
    ("globals_", "code", "where"),
    [
        ({"top": "1 +", "hold": "1"}, "bad_expression", "main.top"),
        ({"top": "nowhere", "hold": "1"}, "bad_expression", "main.top"),
        ({"top": "3 | outer", "hold": "1"}, "bad_expression", "main.top"),
        ({"top": "3 | zipped", "hold": "1"}, "bad_expansion", "main.top"),
        ({"top": "'ab' | outer", "hold": "1"}, "bad_expansion", "main.top"),
        ({"top": "[] | outer", "hold": "1"}, "no_shots", "globals"),
        ({"top": "range(10**9) | outer", "hold": "1"}, "too_many_shots", "globals"),
        (
            {"top": "range(90) | outer", "hold": "range(90) | outer"},
            "too_many_shots",
            "globals",
        ),
        ({"top": "first() | outer", "hold": "1"}, "bad_expression", "main.top"),
        (
            {"top": "__import__('itertools').count() | outer", "hold": "1"},
            "too_many_shots",
            "globals",
        ),
        ({"top": "{'a': object()}", "hold": "1"}, "bad_global_value", "main.top"),
        ({"linspace": "1", "hold": "1"}, "bad_global_name", "main.linspace"),
        ({"lambda": "1", "hold": "1"}, "bad_global_name", "main.lambda"),
        ({"top": "__import__('sys').exit()", "hold": "1"}, "exited", OWN),
    ],
)
def test_bad_globals_get_a_code_and_their_group_and_name(
    compiled: Any, globals_: dict[str, str], code: str, where: str
) -> None:
    fault = compiled(globals=globals_).fault
    assert (fault["code"], fault["where"]) == (code, where)


def test_an_unknown_axis_to_shuffle_is_refused(compiled: Any) -> None:
    assert compiled(shuffle=["tof"]).fault["code"] == "unknown_axis"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("globals.h5", b"not an HDF5 file"),
        ("globals.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 500),
        ("globals.json", b"{"),
        ("globals.json", b"[1, 2]"),
        ("globals.json", b"\xff\xfe"),
        ("globals.json", b"[" * 100_000),
        ("globals.toml", b"= 3"),
        ("globals.txt", b"x = 3"),
    ],
)
def test_a_globals_file_that_is_none_is_refused_by_name(
    compiled: Any, name: str, content: bytes
) -> None:
    fault = compiled(globals={}, globals_file=name, blobs=[content]).fault
    assert (fault["code"], fault["where"]) == ("bad_globals_file", name)


def test_a_value_of_json_that_is_no_number_is_refused_with_its_place(
    compiled: Any,
) -> None:
    fault = compiled(globals={}, globals_file="g.json", blobs=[b'{"top": NaN}']).fault
    assert (fault["code"], fault["where"]) == ("bad_value", "globals.top")


def test_the_same_global_in_two_groups_is_refused(compiled: Any) -> None:
    content = b'{"a": {"top": 1}, "b": {"top": 2}}'
    fault = compiled(globals={}, globals_file="g.json", blobs=[content]).fault
    assert fault["code"] == "global_defined_twice"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("while True: pass\n", "wall_clock"),
        ("print('x' * 10**8)\n", "output"),
        ("import os\nos._exit(0)\n", "ended_early"),
        ("import ctypes\nctypes.string_at(0)\n", "crashed"),
        ("import ctypes\nctypes.CDLL(None).unshare(0x10000000)\n", "forbidden_syscall"),
        (
            "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n",
            "wall_clock",
        ),
    ],
)
def test_a_runaway_script_is_ended_with_a_reason_and_the_next_job_runs(
    hasty_compiler: Zygote, compile_in: Any, experiment: str, script: str, reason: str
) -> None:
    outcome = compile_in(hasty_compiler, script)
    assert not outcome.end.ok
    assert outcome.end.reason == reason
    assert outcome.end.detail
    assert len(outcome.end.output) < 100_000
    assert compile_in(hasty_compiler, experiment).end.ok


@pytest.mark.parametrize(
    "script",
    [
        "x = [0]\nwhile True: x = x + x\n",
        "x = bytearray(10**11)\n",
        "with open('big', 'wb') as file:\n    while True: file.write(bytes(10**6))\n",
    ],
)
def test_a_script_that_wants_too_much_room_is_told_what_is_limited(
    hasty_compiler: Zygote, compile_in: Any, experiment: str, script: str
) -> None:
    outcome = compile_in(hasty_compiler, script)
    assert outcome.fault["code"] == "compile_error"
    assert "limited" in outcome.fault["hint"]
    assert compile_in(hasty_compiler, experiment).end.ok


def test_what_was_printed_before_the_end_is_kept(
    hasty_compiler: Zygote, compile_in: Any
) -> None:
    outcome = compile_in(hasty_compiler, "print('so far')\nimport os\nos._exit(3)\n")
    assert outcome.end.output == "so far\n"
