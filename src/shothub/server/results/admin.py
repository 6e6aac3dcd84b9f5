"""Files in Django's admin, to look at."""

from django.contrib import admin

from shothub.server.results.models import File


@admin.register(File)
class FileAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("job", "name", "kind", "size")
    readonly_fields = ("job", "name", "kind", "label", "shot", "size", "sha256", "path")
