"""Whether the hub lives, and figures for Prometheus."""

from importlib.metadata import version

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from shothub.runtime import clock
from shothub.server.api import problems
from shothub.server.api.access import Needs
from shothub.server.apparatus.queries import all_apparatus, is_online
from shothub.server.jobs.queries import counts_by_state, pending_shots
from shothub.server.refusals import Refused


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the database answers; open to all, as it tells nothing else."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "no database"}, status=503)
    return JsonResponse({"status": "ok", "version": version("shothub")})


def metrics(request: HttpRequest) -> HttpResponse:
    """Return figures for Prometheus, to tokens with the scope ``metrics:read``.

    A rule of loopback only would open them to everybody as soon as a proxy is in front.
    """
    try:
        Needs("metrics:read")(request)
    except Refused as error:
        return problems.refused(request, error)
    return HttpResponse(generate_latest(_figures()), content_type=CONTENT_TYPE_LATEST)


def _figures() -> CollectorRegistry:
    registry, now = CollectorRegistry(), clock.now()
    jobs = Gauge("shothub_jobs", "Jobs by state", ["state"], registry=registry)
    for state, count in counts_by_state():
        jobs.labels(state).set(count)
    left = Gauge(
        "shothub_pending_shots", "Shots yet to end", ["apparatus"], registry=registry
    )
    online = Gauge(
        "shothub_agent_online", "Agent heard lately", ["apparatus"], registry=registry
    )
    for apparatus in all_apparatus():
        left.labels(apparatus.name).set(pending_shots(apparatus))
        online.labels(apparatus.name).set(is_online(apparatus, now))
    return registry
