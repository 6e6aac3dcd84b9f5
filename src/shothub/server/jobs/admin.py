"""Jobs in Django's admin, to look at; they change by their transitions only."""

from django.contrib import admin
from django.http import HttpRequest

from shothub.server.jobs.models import Job


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "owner", "apparatus", "source", "state", "submitted")
    list_filter = ("state", "apparatus")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Jobs are submitted."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Job | None = None
    ) -> bool:
        """Jobs change by transitions."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Job | None = None
    ) -> bool:
        """Jobs are kept."""
        return False
