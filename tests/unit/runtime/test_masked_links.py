"""The secret of a link to a shared job is in no log."""

import random

from shothub.domain.links import ident_of, make_link
from shothub.runtime.logs import mask


def test_a_link_in_a_log_line_loses_its_secret() -> None:
    text = make_link(random.Random(1).choice)
    masked = mask(f"Forbidden: /shared/{text}/files/shots/0.h5")
    assert masked == f"Forbidden: /shared/{ident_of(text)}***/files/shots/0.h5"


def test_other_addresses_stay_as_they_are() -> None:
    said = "Not Found: /jobs/k3v9/shares/7 and /shared/none"
    assert mask(said) == said
