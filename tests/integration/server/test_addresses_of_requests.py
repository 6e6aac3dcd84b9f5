"""Where a request came from: nobody can write his address himself."""

from collections.abc import Callable

import pytest
from django.test import RequestFactory

from shothub.server.requests import address_of


def asked(**given: str) -> str:
    return address_of(RequestFactory().get("/", **given))  # type: ignore[arg-type]


def test_without_a_proxy_the_peer_counts_and_no_header() -> None:
    forged = {"HTTP_X_FORWARDED_FOR": "198.51.100.7"}
    assert asked(REMOTE_ADDR="203.0.113.9", **forged) == "203.0.113.9"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("10.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("<script>", "127.0.0.1"),
        ("198.51.100.7,", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_behind_a_proxy_its_own_entry_counts(
    configured: Callable[..., None], header: str, address: str
) -> None:
    configured(behind_tls=True)
    assert asked(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=header) == address


def test_an_address_that_is_none_is_left_out() -> None:
    assert asked(REMOTE_ADDR="a socket") == ""
