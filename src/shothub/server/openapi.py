"""``python -m shothub.server.openapi``: rewrite the checked-in OpenAPI description."""

import json
import os
from pathlib import Path

import django

TARGET = Path("docs/reference/openapi.json")


def text() -> str:
    """Return the OpenAPI description of the API as it is now."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shothub.server.settings")
    django.setup()
    from shothub.server.urls import api  # noqa: PLC0415  (needs Django set up)

    schema = api.get_openapi_schema()
    return json.dumps(schema, indent=1, sort_keys=True, default=str) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
