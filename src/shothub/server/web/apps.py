"""Registration of the app."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "shothub.server.web"
    label = "web"
