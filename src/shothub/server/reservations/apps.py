"""Registration of the app."""

from django.apps import AppConfig


class ReservationsConfig(AppConfig):
    name = "shothub.server.reservations"
    label = "reservations"
