"""Registration of the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "shothub.server.accounts"
    label = "accounts"
