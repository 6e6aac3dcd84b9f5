"""No act is on the list that nobody puts on the record."""

from pathlib import Path

import shothub.server
from shothub.domain.acts import Act

SOURCES = Path(shothub.server.__file__).parent


def test_every_act_is_recorded_somewhere() -> None:
    words = SOURCES / "web" / "acts.py"
    code = "".join(f.read_text() for f in SOURCES.rglob("*.py") if f != words)
    assert [act.name for act in Act if f"Act.{act.name}" not in code] == []
