"""The page of BLACS's traps names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "explanation" / "blacs-traps.md"


def test_every_test_on_the_page_exists() -> None:
    files = (ROOT / "tests").rglob("test_*.py")
    known = set(re.findall(r"def (test_\w+)", "".join(f.read_text() for f in files)))
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    assert len(named) > 40
    assert named <= known, named - known


def test_every_trap_tried_on_the_stock_blacs_is_on_the_page() -> None:
    folder = ROOT / "tests" / "integration" / "suite"
    controls = (folder / "test_blacs_bare.py").read_text()
    tried = set(re.findall(r"def (test_\w+)", controls))
    assert tried <= set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
