"""Where a guest's own folders lie."""

import pytest

from shothub.sandbox.mounts import _temporary_folder


@pytest.mark.parametrize(
    ("targets", "folder"),
    [
        (["/usr/lib", "/srv/shothub/src"], "/tmp"),
        (["/usr/lib", "/tmp/checkout/.venv"], "/temporary"),
        (["/tmpfiles/checkout"], "/tmp"),
    ],
)
def test_the_temporary_folder_hides_nothing_that_guests_need(
    targets: list[str], folder: str
) -> None:
    assert _temporary_folder(targets) == folder
