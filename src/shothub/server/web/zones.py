"""The zone in which a page shows times: the browser tells it by a cookie, else UTC."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest

COOKIE = "zone"


def zone_of(request: HttpRequest) -> ZoneInfo:
    """Return the zone of the browser if it told one that exists, else UTC."""
    name = request.COOKIES.get(COOKIE, "")
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
