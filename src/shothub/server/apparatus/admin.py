"""Apparatus in Django's admin, to look at."""

from django.contrib import admin

from shothub.server.apparatus.models import Apparatus


@admin.register(Apparatus)
class ApparatusAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "title", "epoch", "last_seen", "paused")
    fields = ("name", "title")
