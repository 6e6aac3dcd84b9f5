"""Every address of the hub."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from shothub.server.api.health import healthz, metrics
from shothub.server.api.problems import nothing_here
from shothub.server.api.root import build

api = build()
# Django's own page would log people in without their second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
handler429 = "shothub.server.limits.slow_down"
handler500 = "shothub.server.web.problems.failure_page"

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    re_path(r"^api/", nothing_here),
    path("healthz", healthz),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
    path("", include("shothub.server.web.urls")),
]
