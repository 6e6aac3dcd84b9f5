"""Registration of the app."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "shothub.server.outbox"
    label = "outbox"
