"""Routes for those who have no credential yet: programs at the door, new agents."""

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from ninja import Router

from shothub.runtime import clock
from shothub.server.accounts import agents, devices
from shothub.server.api.access import NeedsNothing, Request
from shothub.server.api.replies import reply
from shothub.server.apparatus import credentials
from shothub.server.requests import address_of
from shothub.wire.accounts import (
    DevicePoll,
    DeviceRequest,
    DeviceStarted,
    Enrolment,
    NewToken,
)

router = Router(tags=["login"])


@router.post("/device/code", response=DeviceStarted, auth=NeedsNothing())
def ask_to_log_in(request: Request, asked: DeviceRequest) -> HttpResponse:
    """Begin a login that its user completes in a browser (RFC 8628)."""
    started = credentials.ask_to_log_in(
        asked,
        page=f"{_address(request)}{reverse('device')}",
        address=address_of(request),
        now=clock.now(),
    )
    return reply(started)


def _address(request: Request) -> str:
    """Return the hub's own address, as people reach it."""
    known = settings.SHOTHUB.public_url
    return known or request.build_absolute_uri("/").rstrip("/")


@router.post("/device/token", response={201: NewToken}, auth=NeedsNothing())
def collect_token(request: Request, asked: DevicePoll) -> HttpResponse:
    """Fetch the token of a login that was completed; ask again while it was not.

    The codes of refusals are those of RFC 8628: `authorization_pending` (409), `slow_down`
    (429), `access_denied` (403), `expired_token` (404).
    """
    return reply(devices.collect(asked.device_code, now=clock.now()), status=201)


@router.post("/agent/enrol", response={201: NewToken}, auth=NeedsNothing())
def enrol_agent(request: Request, asked: Enrolment) -> HttpResponse:
    """Give an agent its first token, for a code that is good once."""
    return reply(agents.enrol(asked.code, now=clock.now()), status=201)
