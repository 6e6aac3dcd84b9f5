"""Registration of the app."""

from django.apps import AppConfig


class ApparatusConfig(AppConfig):
    name = "shothub.server.apparatus"
    label = "apparatus"
