"""The list of security items holds: each names tests that are there, or a reason."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/security.md"
_ROW = re.compile(r"^\| ([\d.,– ]+) \| ([^|]+) \| (.*) \|$", re.M)
_TEST = re.compile(r"`(tests/[^`]+)`")


def missing(text: str) -> list[str]:
    """Return what is wrong with the rows of a list."""
    found = []
    for item, _, here in _ROW.findall(text):
        tests = _TEST.findall(here)
        if not tests and not re.search(r"Reason: \S", here):
            found.append(f"{item}: neither a test nor a reason")
        found += [f"{item}: {test}" for test in tests if not _is_there(test)]
    return found


def _is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    file = ROOT / path
    if not name:
        return file.is_file()
    return file.is_file() and f"\ndef {name}(" in file.read_text(encoding="utf-8")


def test_every_item_has_its_test_or_its_reason() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(_ROW.findall(text)) > 100
    assert missing(text) == []


def test_a_list_with_holes_is_found_out() -> None:
    bad = (
        "| 1.1 | a |  |\n"
        "| 1.2 | b | Reason: |\n"
        "| 1.3 | c | `tests/unit/test_security_list.py::test_that_is_not_there` |\n"
        "| 1.4 | d | Reason: so it is. |\n"
    )
    assert [said.partition(":")[0] for said in missing(bad)] == ["1.1", "1.2", "1.3"]


def test_the_list_reads_all_of_its_rows() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if re.match(r"\| \d", line)]
    assert len(rows) == len(_ROW.findall("\n".join(lines)))
