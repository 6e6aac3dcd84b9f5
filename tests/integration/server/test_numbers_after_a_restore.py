"""A hub that was set back gives no number of an attempt or lease that it gave before."""

from collections.abc import Callable
from typing import Any

from tests.integration.server.hub_cast import Cast

from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Attempt, Shot

Submit = Callable[..., Any]


def one_start(cast: Cast, submit: Submit) -> tuple[int, int]:
    """Run one shot to its start; return the numbers of its attempt and its lease."""
    submit()
    cast.agent.compile_one(shots=1)
    lease = cast.agent.poll(shots=1).ok()["shots"][0]
    attempt = cast.agent.start(lease).ok()["attempt"]
    return attempt, lease["fence"]


def test_numbers_go_on_after_the_database_was_set_back(
    cast: Cast, submit: Submit
) -> None:
    before = one_start(cast, submit)
    Attempt.objects.all().delete()
    Shot.objects.all().delete()
    Apparatus.objects.filter(name="sim").update(fence=0)
    cast.agent.open()
    after = one_start(cast, submit)
    assert after[0] > before[0]
    assert after[1] > before[1]
