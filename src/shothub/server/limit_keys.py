"""Configuration of what the hub takes from anybody, and of how long results are kept."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

Rate = Annotated[int, Field(ge=0)]


class LimitKeys(BaseSettings):
    """The part of the hub's configuration that is about rates, costs and retention.

    Rates are a minute, each process counts its own, and 0 is no bound. Addresses of this
    machine itself (loopback) are not counted.

    Attributes:
        requests_per_user: requests of a user for whom no quota says otherwise.
        requests_per_token: requests with one token.
        requests_per_address: requests from one address (of IPv6 from one /64 network).
        bad_credentials_per_address: refused credentials from one address.
        open_requests_per_address: requests to the API for which no credential is needed:
            programs and agents that wait to be let in.
        forms_per_address: forms that nobody who is logged in has sent from one address:
            logins, sign-ups, forgotten passwords.
        max_stranger_bytes: largest body of a request that shows no credential.
        heavy_at_once: how many of his dearest requests of a user run at once.
        max_archive_bytes: largest archive of images.
        max_result_cells: largest table of results, rows times columns.
        body_seconds: longest silence of a client that is sending a body.
        session_hours: how long one stays logged in at a browser.
        keep_results_days: after how many days a job's results are deleted; 0 for never.
        warn_results_days: how many days before that the owner is told.
    """

    requests_per_user: Rate = 12_000
    requests_per_token: Rate = 6_000
    requests_per_address: Rate = 30_000
    bad_credentials_per_address: Rate = 60
    open_requests_per_address: Rate = 240
    forms_per_address: Rate = 30
    max_stranger_bytes: Annotated[int, Field(ge=10_000)] = 100_000
    heavy_at_once: Annotated[int, Field(ge=1)] = 2
    max_archive_bytes: Annotated[int, Field(ge=1_000_000)] = 4_000_000_000
    max_result_cells: Annotated[int, Field(ge=1_000)] = 5_000_000
    body_seconds: Annotated[float, Field(gt=0)] = 60.0
    session_hours: Annotated[int, Field(ge=1)] = 168
    keep_results_days: Annotated[int, Field(ge=0)] = 0
    warn_results_days: Annotated[int, Field(ge=1)] = 14
