"""The API object: routers, parser, problems; it refuses a route without a scope."""

from importlib.metadata import version
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from shothub.server.api import (
    description,
    problems,
    routes_accounts,
    routes_agent,
    routes_apparatus,
    routes_events,
    routes_groups,
    routes_jobs,
    routes_login,
    routes_notices,
    routes_privacy,
    routes_reservations,
    routes_results,
    routes_sharing,
)
from shothub.server.api.access import Needs
from shothub.server.api.reading import StrictParser


class Api(NinjaAPI):
    """The API, whose description also says what its routes have in common."""

    def get_openapi_schema(
        self,
        *,
        path_prefix: str | None = None,
        path_params: dict[str, Any] | None = None,
    ) -> OpenAPISchema:
        """Return the OpenAPI description."""
        prefix = path_prefix or self.get_root_path(path_params or {})
        schema = super().get_openapi_schema(path_prefix=prefix)
        description.complete(schema, routes(self), prefix)
        return schema


class RouteWithoutScope(Exception):
    """A route declares no scope: anybody could call it."""


def build() -> NinjaAPI:
    """Return the API.

    Raises:
        RouteWithoutScope: a route declares none.
    """
    api = Api(
        title="shothub",
        version=version("shothub"),
        description="Many users, one experiment: jobs in, results by job id out.",
        urls_namespace="api",
        docs_url=None,
        parser=StrictParser(),
    )
    api.add_router("", routes_accounts.router)
    api.add_router("", routes_privacy.router)
    api.add_router("", routes_login.router)
    api.add_router("/apparatus", routes_apparatus.router)
    api.add_router("/jobs", routes_jobs.router)
    api.add_router("/jobs", routes_results.router)
    api.add_router("", routes_notices.router)
    api.add_router("/jobs", routes_events.job_router)
    api.add_router("/jobs", routes_sharing.router)
    api.add_router("/groups", routes_groups.router)
    api.add_router("/events", routes_events.router)
    api.add_router("/agent", routes_agent.router)
    api.add_router("/reservations", routes_reservations.reservations)
    api.add_router("/sessions", routes_reservations.sessions)
    problems.install(api)
    require_scopes(api)
    return api


def require_scopes(api: NinjaAPI) -> None:
    """Refuse an API of which a route declares no scope.

    Raises:
        RouteWithoutScope: and which.
    """
    for method, path, scope in routes(api):
        if not scope:
            raise RouteWithoutScope(f"{method} {path} declares no scope.")


def routes(api: NinjaAPI) -> list[tuple[str, str, str]]:
    """Return method, path and scope of every route; an empty scope where none is."""
    found = []
    for prefix, router in api._routers:  # noqa: SLF001  (ninja offers no public walk)
        for path, view in router.path_operations.items():
            for operation in view.operations:
                needs = [a for a in operation.auth_callbacks if isinstance(a, Needs)]
                scope = needs[0].scope if len(needs) == 1 else ""
                found += [(m, f"{prefix}{path}", scope) for m in operation.methods]
    return found
