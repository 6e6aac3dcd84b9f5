"""Whether somebody asks too often: a user, a token, an address."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from django.apps import apps
from django.conf import settings

from shothub.server.accounts.buckets import Rates
from shothub.server.accounts.group_queries import requests_a_minute
from shothub.server.accounts.principals import Principal
from shothub.server.refusals import TooMany

_HINT = "wait as long as Retry-After says, and ask less often"


def rates() -> Rates:
    """Return this process's counts."""
    counts: Rates = apps.get_app_config("accounts").rates  # type: ignore[attr-defined]
    return counts


def count_request(principal: Principal, at: float, cost: float = 1.0) -> None:
    """Count a request of a user and of his token; agents are not counted.

    Args:
        principal: who asks.
        at: monotonic time, seconds.
        cost: for how many requests it counts.

    Raises:
        TooMany: he asks more often than his quota or the hub allows.
    """
    if principal.apparatus:
        return
    config, known = settings.SHOTHUB, rates()
    quota = known.limit_of(principal.user, at, requests_a_minute)
    # A quota of 0 is one that allows next to nothing; 0 in the configuration is no bound.
    limit = config.requests_per_user if quota is None else max(quota, 1)
    wait = known.asked.wait_for(("user", principal.user), limit, at, cost)
    if wait:
        raise _too_many(f"You may make {limit} requests a minute.", wait)
    if principal.token is not None:
        limit = config.requests_per_token
        wait = known.asked.wait_for(("token", principal.token), limit, at, cost)
        if wait:
            raise _too_many(f"A token may make {limit} requests a minute.", wait)


def count_address(address: str, at: float) -> None:
    """Count a request by where it comes from.

    Raises:
        TooMany: too many come from there.
    """
    limit = settings.SHOTHUB.requests_per_address
    _count("address", address, limit, at, "Too many requests come from your address.")


def count_bad_credential(address: str, at: float) -> None:
    """Count a credential that was refused.

    Raises:
        TooMany: too many that come from there are refused.
    """
    limit = settings.SHOTHUB.bad_credentials_per_address
    said = "Too many requests from your address show no valid credential."
    _count("bad", address, limit, at, said)


def count_open(address: str, at: float) -> None:
    """Count a request for which no credential is needed.

    Raises:
        TooMany: too many come from there.
    """
    limit = settings.SHOTHUB.open_requests_per_address
    said = "Too many programs at your address want to be let in."
    _count("open", address, limit, at, said)


def count_form(address: str, at: float) -> None:
    """Count a form that was sent by nobody who is logged in: a login, for example.

    Raises:
        TooMany: too many come from there.
    """
    limit = settings.SHOTHUB.forms_per_address
    said = "Too many logins or sign-ups were tried from your address."
    _count("form", address, limit, at, said)


@contextmanager
def in_turn(principal: Principal) -> Iterator[None]:
    """Let only so many of a user's dear requests run at once.

    Raises:
        TooMany: as many are under way.
    """
    slots, most = rates().heavy, settings.SHOTHUB.heavy_at_once
    if not slots.enter(principal.user, most):
        raise TooMany(
            f"{most} requests of yours that take the hub long are under way.",
            code="too_many_at_once",
            hint="wait for one of them",
            retry_after=1,
        )
    try:
        yield
    finally:
        slots.leave(principal.user)


def _count(kind: str, address: str, limit: int, at: float, said: str) -> None:
    network = _network(address)
    if not network:
        return
    wait = rates().asked.wait_for((kind, network), limit, at)
    if wait:
        raise _too_many(said, wait)


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """Return whom to count: an address, or the /64 that one host of IPv6 has at least.

    Empty for this machine itself, and where there is none to tell.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return _network(str(found.ipv4_mapped))
        network = ip_network((found, 64), strict=False)
        return "" if found.is_loopback else str(network)
    return "" if found.is_loopback else address


def _too_many(said: str, wait: float) -> TooMany:
    return TooMany(
        said, code="too_many_requests", hint=_HINT, retry_after=int(wait) + 1
    )
