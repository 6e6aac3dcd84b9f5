"""The advanced part of a submission's form: when, after what, for which group."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shothub.domain.names import is_slug
from shothub.server.web.fields import Given

_SERVICES = ("normal", "scavenger")
_LONGEST, _MOST_AFTER = 400, 20


@dataclass(frozen=True, kw_only=True)
class TermsForm:
    """The fields as they were given; times are in UTC, as browsers write them.

    Attributes:
        errors: by field, in words.
    """

    not_before: str = ""
    start_by: str = ""
    after: str = ""
    hold: bool = False
    group: str = ""
    service: str = "normal"
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_used(self) -> bool:
        """Whether anything was changed, so that the part is to be shown open."""
        return self != TermsForm()


def read_terms(given: Given) -> tuple[TermsForm, dict[str, Any]]:
    """Read the fields; return them as given, and what they mean for a request."""
    errors: dict[str, str] = {}
    texts = {
        name: given.get(name, "").strip()[:_LONGEST]
        for name in ("not_before", "start_by", "after", "group", "service")
    }
    fields: dict[str, Any] = {"hold": given.get("hold", "") == "on"}
    for name in ("not_before", "start_by"):
        if texts[name]:
            try:
                fields[name] = datetime.fromisoformat(texts[name]).replace(tzinfo=UTC)
            except ValueError:
                errors[name] = "A time such as 2026-12-24 14:30."
    after = texts["after"].replace(",", " ").split()
    if len(after) > _MOST_AFTER or not all(_is_id(job) for job in after):
        errors["after"] = f"Up to {_MOST_AFTER} job ids, separated by commas."
    else:
        fields["after"] = after
    if texts["group"] in ("", "-") or is_slug(texts["group"]):
        fields["group"] = texts["group"]
    else:
        errors["group"] = "One of your groups."
    fields["service"] = texts["service"] if texts["service"] in _SERVICES else "normal"
    form = TermsForm(
        **texts | {"service": fields["service"]}, hold=fields["hold"], errors=errors
    )
    return form, fields


def _is_id(text: str) -> bool:
    return text.isascii() and text.isalnum() and text.islower() and len(text) <= 16
