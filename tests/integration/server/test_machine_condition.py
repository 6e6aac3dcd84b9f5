"""How a machine fares is on record, and staff hear of an error that lasts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.server.hub_cast import Cast

from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Event
from shothub.server.jobs.services.condition import PATIENCE, note_condition
from shothub.server.jobs.transitions import Note
from shothub.server.outbox.models import Message, Preference
from shothub.wire.apparatus import ApparatusStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ERROR = ApparatusStatus(blacs="error", message="camera: no light")
IDLE = ApparatusStatus(blacs="idle")
HELD = ApparatusStatus(blacs="idle", hold="The chiller is being repaired.")


@pytest.fixture
def says(
    cast: Cast, configured: Callable[..., None]
) -> Callable[[ApparatusStatus, timedelta], None]:
    configured(smtp_host="mail.example.org", smtp_from="shots@example.org")
    olga = cast.users["olga"]
    olga.email = "olga@example.org"
    olga.save(update_fields=["email"])
    Preference.objects.update_or_create(user=olga, defaults={"email": ["machine"]})

    def says(status: ApparatusStatus, after: timedelta = timedelta()) -> None:
        apparatus = Apparatus.objects.get(name="sim")
        note_condition(apparatus, status, Note(now=NOW + after, actor="agent"))
        apparatus.status = status.model_dump(mode="json")
        apparatus.save(update_fields=["status"])

    return says


def recorded() -> list[tuple[str, str]]:
    rows = Event.objects.filter(job=None).order_by("id")
    return [(e.what, e.detail) for e in rows if e.what.startswith(("blacs.", "lab."))]


Says = Callable[..., None]


def test_an_error_and_its_end_are_recorded_once_each(says: Says) -> None:
    for status in (IDLE, ERROR, ERROR, IDLE, IDLE):
        says(status)
    assert recorded() == [
        ("blacs.error", "camera: no light"),
        ("blacs.recovered", ""),
    ]


def test_staff_are_told_once_of_an_error_that_lasts(says: Says) -> None:
    for seconds in (0, 10, 61, 70, 200):
        says(ERROR, timedelta(seconds=seconds))
    (message,) = Message.objects.all()
    assert "needs a person" in message.subject
    assert "camera: no light" in message.body["text"]


def test_an_error_that_passes_is_nobodys_errand(says: Says) -> None:
    says(ERROR)
    says(ERROR, PATIENCE / 2)
    says(IDLE, PATIENCE)
    says(ERROR, 2 * PATIENCE)
    says(ERROR, 2.5 * PATIENCE)
    assert not Message.objects.exists()


def test_staff_are_told_again_of_a_second_error(says: Says) -> None:
    for minutes in (0, 2):
        says(ERROR, timedelta(minutes=minutes))
    says(IDLE, timedelta(minutes=3))
    for minutes in (4, 6):
        says(ERROR, timedelta(minutes=minutes))
    assert Message.objects.count() == 2


def test_a_hold_of_the_lab_is_recorded_with_its_reason(says: Says) -> None:
    for status in (IDLE, HELD, HELD, IDLE):
        says(status)
    assert recorded() == [("lab.held", HELD.hold), ("lab.released", "")]
