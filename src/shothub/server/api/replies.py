"""Answers as JSON of wire models."""

from collections.abc import Sequence

from django.http import HttpResponse
from pydantic import BaseModel, TypeAdapter


def reply(model: BaseModel, *, status: int = 200) -> HttpResponse:
    """Return one model as JSON."""
    text = model.model_dump_json()
    return HttpResponse(text, status=status, content_type="application/json")


def reply_list(models: Sequence[BaseModel], *, status: int = 200) -> HttpResponse:
    """Return several models as a JSON array."""
    content = TypeAdapter(list[BaseModel]).dump_json(
        list(models), serialize_as_any=True
    )
    return HttpResponse(content, status=status, content_type="application/json")
