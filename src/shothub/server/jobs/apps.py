"""Registration of the app; it holds this process's wake-ups."""

from django.apps import AppConfig

from shothub.server.wakeups import Wakeups


class JobsConfig(AppConfig):
    name = "shothub.server.jobs"
    label = "jobs"
    wakeups: Wakeups

    def ready(self) -> None:
        self.wakeups = Wakeups()
