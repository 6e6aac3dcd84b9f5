"""All that is stored about a user, as one JSON document for himself."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q

from shothub.domain.acts import Act
from shothub.server.accounts.principals import Principal
from shothub.server.audit.services import Account, record
from shothub.server.results.personal_kinds import KINDS, Kind

_ABOUT = (
    "All that this hub stores about you, secrets left out. The contents of the files are"
    " to be had by the jobs' ids: shothub files JOB --download DIR."
)
_AT_ONCE = 1000


class _Encoder(DjangoJSONEncoder):
    """Also writes bytes, as base64."""

    def default(self, o: Any) -> Any:
        if isinstance(o, bytes | memoryview):
            return base64.b64encode(bytes(o)).decode()
        return super().default(o)


def export(principal: Principal, *, now: datetime) -> IO[bytes]:
    """Return an open file with everything stored about a user; it is put on record."""
    subject = Account(principal.user, principal.username)
    record(Act.USER_EXPORTED, now=now, subject=subject)
    out = TemporaryFile()  # noqa: SIM115  (whoever sends it closes it)
    head = {"about": _ABOUT, "user": principal.username, "made": now}
    out.write(_json(head)[:-1])
    for kind in KINDS:
        out.write(b",\n" + _json(kind.name) + b": [")
        for number, row in enumerate(rows_of(kind, principal.user)):
            out.write((b",\n" if number else b"\n") + _json(row))
        out.write(b"]")
    out.write(b"}\n")
    return out


def rows_of(kind: Kind, user: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of one kind, as they are exported."""
    model = apps.get_model(kind.model)
    whose = Q()
    for field in kind.whose:
        whose |= Q(**{field: user})
    # By any unique order; each row once, however many of its fields are the user.
    rows = model._default_manager.filter(whose).order_by("pk")  # noqa: SLF001
    for row in rows.values(*kind.columns).iterator(chunk_size=_AT_ONCE):
        yield _without_others(row, user) if kind.name == "record" else row


def _without_others(row: dict[str, Any], user: int) -> dict[str, Any]:
    """Return an act without the address of somebody else who did it."""
    mine = row.pop("actor") == user
    return row if mine else {**row, "address": ""}


def _json(value: object) -> bytes:
    return json.dumps(value, cls=_Encoder, ensure_ascii=False).encode()
