"""Fixtures of the pages' tests: browsers of Alice, Bob and Olga, and Alice's jobs."""

from collections.abc import Callable

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast, make_cast
from tests.integration.web.alices_jobs import PNG, submit

from shothub.runtime import clock


def prove(client: Client, *, ago: float = 0.0) -> None:
    """Note in the session, as allauth does, that its user gave his password."""
    session = client.session
    at = clock.now().timestamp() - ago
    session["account_authentication_methods"] = [{"method": "password", "at": at}]
    session.save()


@pytest.fixture
def cast(db: None) -> Cast:
    cast = make_cast()
    cast.agent.open()
    return cast


@pytest.fixture
def browser(cast: Cast) -> Callable[[str], Client]:
    """Return the browser of a user who has logged in; of nobody for an empty name."""

    def of(name: str) -> Client:
        client = Client(raise_request_exception=True)
        if name:
            client.force_login(cast.users[name])
            prove(client)
        return client

    return of


@pytest.fixture
def alice(browser: Callable[[str], Client]) -> Client:
    return browser("alice")


@pytest.fixture
def bob(browser: Callable[[str], Client]) -> Client:
    return browser("bob")


@pytest.fixture
def finished_job(cast: Cast) -> str:
    """A job of Alice with three shots: one done, one failed, one unknown; an image."""
    submit(
        cast, name="tof scan", tags=["thesis"], globals={"tof": [5e-3, 10e-3, 15e-3]}
    )
    job = cast.agent.compile_one(shots=3, log="evaporation ends at 0.6 V")
    cast.agent.run_one(atoms=120_000.0, fraction=0.6)
    for outcome, reason in (("failed", "camera not ready"), ("unknown", "BLACS gone")):
        [lease] = cast.agent.lease()
        attempt = int(cast.agent.start(lease).ok()["attempt"])
        cast.agent.finish(attempt, outcome, reason=reason).ok()
    kinds = {"kind": "preview", "media_type": "image/png"}
    cast.agent.upload(job, "previews/absorption/0.png", PNG, **kinds).ok()
    cast.agent.upload(job, "images/absorption/0.npy", b"numbers").ok()
    return cast.agent.end_job(temperature_nK=182.5)
