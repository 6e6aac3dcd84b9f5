"""Every address of the hub."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from shothub.server.api.health import healthz, metrics
from shothub.server.api.problems import nothing_here
from shothub.server.api.root import build

api = build()
handler500 = "shothub.server.web.problems.failure_page"

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    re_path(r"^api/", nothing_here),
    path("healthz", healthz),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
    path("", include("shothub.server.web.urls")),
]
