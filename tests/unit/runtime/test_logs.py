import random
from itertools import islice

from shothub.domain.tokens import make_token
from shothub.runtime.delays import delays
from shothub.runtime.logs import mask


def test_a_token_in_a_log_line_loses_its_secret() -> None:
    token = make_token("agt", random.Random(1).choice)
    masked = mask(f"Authorization: Bearer {token}, done")
    assert token.rpartition("_")[2] not in masked
    assert masked.endswith("_***, done")


def test_delays_grow_up_to_a_bound() -> None:
    assert list(islice(delays(first=1, longest=5, jitter=lambda: 1.0), 5)) == [
        1,
        2,
        4,
        5,
        5,
    ]
