"""One's own data and kept results with the SDK and the command, against the real hub."""

import json
import stat
from pathlib import Path

import pytest
from tests.integration.client.test_client_with_hub import (  # noqa: F401 (fixtures)
    Place,
    agent,
    place,
)

pytestmark = pytest.mark.usefixtures("agent")


def test_all_that_is_stored_comes_as_a_private_file(
    place: Place,  # noqa: F811
    tmp_path: Path,
) -> None:
    job = place.hub("alice").apparatus("sim").run(procedure="bec_tof", name="mine")
    file = place.hub("alice").export(tmp_path / "sdk.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [row["id"] for row in json.loads(file.read_text())["jobs"]] == [job.id]
    target = tmp_path / "command.json"
    assert place.shothub("alice", "me", "export", str(target)).returncode == 0
    assert json.loads(target.read_text())["user"] == "alice"
    again = place.shothub("alice", "me", "export", str(target))
    assert (again.returncode != 0, "such a file" in again.stderr) == (True, True)


def test_results_are_kept_and_kept_no_longer(place: Place) -> None:  # noqa: F811
    job = place.hub("alice").apparatus("sim").run(procedure="bec_tof")
    assert job.keep().view.kept
    assert place.shothub("alice", "keep", job.id, "--no").returncode == 0
    assert not job.refresh().view.kept
