"""Registration of the app; it holds this process's wake-ups and open streams."""

from django.apps import AppConfig
from django.db import connection

from shothub.server.streams import Streams
from shothub.server.wakeups import Wakeups


class JobsConfig(AppConfig):
    name = "shothub.server.jobs"
    label = "jobs"
    wakeups: Wakeups
    streams: Streams

    def ready(self) -> None:
        self.wakeups = _wakeups()
        self.streams = Streams()


def _wakeups() -> Wakeups:
    if connection.vendor != "postgresql":
        return Wakeups()
    # Its driver is an optional extra.
    from shothub.server.listening import PostgresWakeups  # noqa: PLC0415

    return PostgresWakeups()
