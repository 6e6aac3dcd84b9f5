"""Registration of the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "shothub.server.audit"
    label = "audit"
