"""What else is known of an act, in words."""

from datetime import UTC, datetime

import pytest

from shothub.server.audit.queries import Recorded
from shothub.server.web.acts import detail_of


def an_act(**detail: object) -> Recorded:
    return Recorded(
        number=1,
        at=datetime(2026, 11, 23, tzinfo=UTC),
        what="token.created",
        actor="alice",
        by="session",
        subject="alice",
        on="",
        address="",
        detail=detail,
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "of: yes"),
        (False, "of: no"),
        (0, "of: 0"),
        (None, ""),
        ([], ""),
        (["jobs:read", "jobs:write"], "of: jobs:read, jobs:write"),
        ({"kinds": []}, "of: kinds none"),
        ({"kinds": ["hdf5"], "procedures": None}, "of: kinds hdf5, procedures none"),
        ("2026-11-30T11:49:15.684871+00:00", "of: 2026-11-30 11:49 UTC"),
        ("2026-11-30T11:49:15Z", "of: 2026-11-30 11:49 UTC"),
    ],
)
def test_a_value_is_said_as_people_say_it(value: object, said: str) -> None:
    assert detail_of(an_act(of=value)) == said


@pytest.mark.parametrize(
    "text", ["2026-11-30", "until 2026-11-30T11:49:15Z", "2026-11-30T11:49:15+02:00"]
)
def test_what_is_no_moment_stays_as_it_was_written(text: str) -> None:
    assert detail_of(an_act(why=text)) == f"why: {text}"


def test_a_moment_that_never_was_is_no_failure() -> None:
    assert detail_of(an_act(why="2026-99-99T99:99:99Z")).startswith("why: 2026-99-99")


def test_several_are_told_apart() -> None:
    act = an_act(before={"kinds": []}, after={"kinds": ["scripts", "hdf5"]})
    assert detail_of(act) == "before: kinds none; after: kinds scripts, hdf5"
