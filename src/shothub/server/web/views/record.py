"""The record of acts: all of it for staff, of one's own account for everybody."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.audit.queries import Recorded, Viewer, Wanted, recorded
from shothub.server.refusals import Invalid, NotThere
from shothub.server.web.access import member
from shothub.server.web.acts import WORDS, as_csv, as_json, detail_of, words_of

_PAGE = 100
_LONGEST = 200
_MOST_EXPORTED = 20_000
_FORMS: dict[str, tuple[str, Callable[[Iterable[Recorded]], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "jsonl": ("application/jsonl", as_json),
}


@member
@require_safe
def record(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show what is on record, newest first."""
    wanted = _wanted(request.GET)
    found = recorded(_viewer(principal), wanted, limit=_PAGE + 1)
    shown = found[:_PAGE]
    context = {
        "section": "people" if principal.staff else "record",
        "acts": [(act, words_of(act.what), detail_of(act)) for act in shown],
        "older": shown[-1].number if len(found) > _PAGE else None,
        "wanted": wanted,
        "until": request.GET.get("until", ""),
        "active": wanted != Wanted(),
        "kinds": sorted(WORDS.items(), key=lambda pair: pair[0].value),
        "subjects": sorted({act.value.partition(".")[0] for act in WORDS}),
        "staff": principal.staff,
    }
    return render(request, "shothub/record.html", context)


@member
@require_safe
def record_file(request: HttpRequest, principal: Principal, form: str) -> HttpResponse:
    """Give the newest of what is on record as a file."""
    if form not in _FORMS:
        raise NotThere
    media, write = _FORMS[form]
    wanted = replace(_wanted(request.GET), before=None)
    found = recorded(_viewer(principal), wanted, limit=_MOST_EXPORTED)
    name = f"record-{now():%Y-%m-%d}.{form}"
    saved = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse("".join(write(found)), content_type=media, headers=saved)


def _viewer(principal: Principal) -> Viewer:
    return Viewer(user=principal.user, staff=principal.staff)


def _wanted(given: QueryDict) -> Wanted:
    until = _day(given, "until")
    return Wanted(
        what=_text(given, "what"),
        who=_text(given, "who"),
        on=_text(given, "on"),
        since=_day(given, "since"),
        until=until + timedelta(days=1) if until else None,
        before=_number(given, "before"),
    )


def _text(given: QueryDict, name: str) -> str:
    return given.get(name, "").strip().replace("\0", "")[:_LONGEST]


def _day(given: QueryDict, name: str) -> datetime | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Invalid(
            f"{text[:20]!r} is no day.", where=name, hint="for example 2026-11-23"
        ) from None


def _number(given: QueryDict, name: str) -> int | None:
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
