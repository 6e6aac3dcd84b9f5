"""Registration of the app."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "shothub.server.web"
    label = "web"

    def ready(self) -> None:
        # Tables are ready now.
        from django.contrib.admin import site  # noqa: PLC0415

        from shothub.server.web import logins, tables  # noqa: PLC0415
        from shothub.server.web.people import records  # noqa: PLC0415

        logins.connect()
        records.connect()
        tables.only_look(site)
