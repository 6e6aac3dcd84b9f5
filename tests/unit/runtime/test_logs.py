import logging
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import structlog
from tests.log_watch import leaks

from shothub.domain.tokens import make_token
from shothub.runtime.delays import delays
from shothub.runtime.logs import configure, mask


def test_a_token_in_a_log_line_loses_its_secret() -> None:
    token = make_token("agt", random.Random(1).choice)
    masked = mask(f"Authorization: Bearer {token}, done")
    assert token.rpartition("_")[2] not in masked
    assert masked.endswith("_***, done")


def test_no_part_of_an_event_shows_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    token = make_token("pat", random.Random(1).choice)
    log = configured()
    log.warning(" ".join(["got", token]), plain=token, inside={"deep": [token]})
    try:
        raise ValueError(token)
    except ValueError:
        log.exception("failed")
    said = capsys.readouterr().err
    assert said.count("shb_pat_") >= 4
    assert leaks(said) == []


def test_no_warning_of_a_library_shows_a_token(
    capsys: pytest.CaptureFixture[str],
) -> None:
    token = make_token("pat", random.Random(1).choice)
    configured()
    record = logging.LogRecord("lib", 40, "f", 1, "bad path /%s", (token,), None)
    assert logging.lastResort is not None
    logging.lastResort.handle(record)
    said = capsys.readouterr().err
    assert "bad path /shb_pat_" in said
    assert leaks(said) == []


def test_the_watch_over_logs_notices_what_is_not_masked() -> None:
    """The control: without the mask these tests, and every other one, would fail."""
    token = make_token("pat", random.Random(1).choice)
    assert leaks(f"GET /{token} 404")
    assert leaks(f"GET /{token[:30]} 404")
    assert leaks(mask(f"GET /{token} 404")) == []


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Leave logging as these tests found it."""
    last = logging.lastResort
    formatter = last.formatter if last else None
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    if last:
        last.setFormatter(formatter)


def configured() -> Any:
    configure("test")
    return structlog.get_logger()


def test_delays_grow_up_to_a_bound() -> None:
    assert list(islice(delays(first=1, longest=5, jitter=lambda: 1.0), 5)) == [
        1,
        2,
        4,
        5,
        5,
    ]
