"""Registration of the app."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "shothub.server.web"
    label = "web"

    def ready(self) -> None:
        from shothub.server.web import logins  # noqa: PLC0415  (tables are ready now)

        logins.connect()
