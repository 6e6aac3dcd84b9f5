"""Registration of the app."""

from django.apps import AppConfig


class ResultsConfig(AppConfig):
    name = "shothub.server.results"
    label = "results"
