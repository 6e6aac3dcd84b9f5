"""Registration of the app; it holds this process's counts of requests."""

from django.apps import AppConfig

from shothub.server.accounts.buckets import Rates


class AccountsConfig(AppConfig):
    name = "shothub.server.accounts"
    label = "accounts"
    rates: Rates

    def ready(self) -> None:
        self.rates = Rates()
