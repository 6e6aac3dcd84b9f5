"""What Alice submits, and a picture of it."""

from tests.integration.server.hub_cast import Cast

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def submit(cast: Cast, **changes: object) -> str:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    return str(cast.alice("POST", "/jobs", body | changes).ok()["id"])
