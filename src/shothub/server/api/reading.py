"""Reading bodies strictly: JSON without NaN, infinities or endless nesting."""

from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser
from pydantic_core import from_json

from shothub.server.refusals import Invalid


class StrictParser(Parser):
    """Refuses what JSON does not have, with a place."""

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            return from_json(request.body, allow_inf_nan=False)
        except ValueError as error:
            raise Invalid(
                f"The body is not JSON: {error}.",
                code="bad_json",
                where="body",
                hint="JSON has no NaN and no Infinity; texts are UTF-8",
            ) from None
