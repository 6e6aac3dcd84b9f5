"""Whether a user asks too often."""

from django.apps import apps

from shothub.server.accounts.buckets import Rates
from shothub.server.accounts.group_queries import requests_a_minute
from shothub.server.accounts.principals import Principal
from shothub.server.refusals import TooMany


def count_request(principal: Principal, at: float) -> None:
    """Count a request of a user; agents are not counted.

    Raises:
        TooMany: he asks more often than his quota allows.
    """
    if principal.apparatus:
        return
    rates: Rates = apps.get_app_config("accounts").rates  # type: ignore[attr-defined]
    wait, limit = rates.wait_for(principal.user, at, requests_a_minute)
    if wait:
        raise TooMany(
            f"You may make {limit} requests a minute.",
            code="too_many_requests",
            hint="wait as long as Retry-After says, and ask less often",
            retry_after=int(wait) + 1,
        )
