"""What every page may know of signing up."""

from django.conf import settings
from django.http import HttpRequest


def sign_up(_request: HttpRequest) -> dict[str, str]:
    """Say who may sign up, for the pages of those who are not logged in."""
    return {"sign_up": settings.SHOTHUB.sign_up.value}
