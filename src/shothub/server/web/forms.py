"""Forms of a submission: what the user gave, the request it makes, what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import JsonValue

from shothub.domain.faults import Fault
from shothub.server.web.fields import (
    Given,
    GlobalField,
    fresh_field,
    read_field,
    with_faults,
)
from shothub.server.web.terms import TermsForm, read_terms
from shothub.wire.apparatus import ProcedureView

_MOST_TAGS, _LONGEST = 20, 120


@dataclass(frozen=True, kw_only=True)
class Form:
    """A submission's form.

    Attributes:
        fields: the globals of a procedure.
        globals: the globals of a script, as JSON text.
        errors: faults of the other fields by name, in words.
        faults: all faults that the hub found.
        general: those of them that belong to no field.
    """

    fields: list[GlobalField] = field(default_factory=list)
    globals: str = ""
    name: str = ""
    tags: str = ""
    priority: str = "0"
    terms: TermsForm = field(default_factory=TermsForm)
    errors: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    general: list[Fault] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.errors or self.faults or self.terms.errors)


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The part of a submission that every kind of job has."""

    name: str = ""
    tags: list[str] = field(default_factory=list)
    priority: int = 0
    terms: dict[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """Return them as fields of a request."""
        plain = {"name": self.name, "tags": self.tags, "priority": self.priority}
        return plain | self.terms


def fresh_form(
    procedure: ProcedureView,
    values: Mapping[str, JsonValue],
    *,
    name: str = "",
    tags: Sequence[str] = (),
) -> Form:
    """Return a form that shows ``values``, and defaults for the rest."""
    fields = [fresh_field(p, values.get(p.name)) for p in procedure.parameters]
    return Form(fields=fields, name=name, tags=", ".join(tags))


def read_labels(given: Given) -> tuple[Form, Labels]:
    """Read name, tags and priority; errors are in the form."""
    form = Form(
        name=given.get("name", "").strip(),
        tags=given.get("tags", "").strip(),
        priority=given.get("priority", "0").strip() or "0",
    )
    tags = [tag.strip() for tag in form.tags.split(",") if tag.strip()]
    errors = {}
    if len(form.name) > _LONGEST:
        errors["name"] = f"At most {_LONGEST} characters."
    if len(tags) > _MOST_TAGS or any(len(tag) > _LONGEST for tag in tags):
        errors["tags"] = f"At most {_MOST_TAGS} tags of {_LONGEST} characters."
    priority = _priority(form.priority)
    if priority is None:
        errors["priority"] = "A whole number from −100 to 100."
    advanced, terms = read_terms(given)
    labels = Labels(name=form.name, tags=tags, priority=priority or 0, terms=terms)
    return replace(form, errors=errors, terms=advanced), labels


def _priority(text: str) -> int | None:
    try:
        number = int(text)
    except ValueError:
        return None
    return number if -100 <= number <= 100 else None


def read_form(
    procedure: ProcedureView, given: Given
) -> tuple[Form, Labels, dict[str, JsonValue]]:
    """Read a procedure's form: the form as given, its labels, its globals."""
    form, labels = read_labels(given)
    read = [read_field(parameter, given) for parameter in procedure.parameters]
    values = {f.parameter.name: value for f, value in read if not f.error}
    faults = [
        Fault(code="bad_value", detail=f.error, where=f"globals.{f.parameter.name}")
        for f, _ in read
        if f.error
    ]
    filled = replace(form, fields=[f for f, _ in read], faults=faults)
    return filled, labels, values


def judged(form: Form, faults: Sequence[Fault]) -> Form:
    """Return the form with the hub's faults at their fields."""
    fields, general = with_faults(form.fields, faults)
    return replace(form, fields=fields, faults=[*form.faults, *faults], general=general)
