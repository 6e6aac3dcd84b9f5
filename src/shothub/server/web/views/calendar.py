"""The calendar of an apparatus: a week, booking, cancelling, ending sessions."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import override
from django.views.decorators.http import require_http_methods, require_POST

from shothub.domain.calendar import weeks_of
from shothub.domain.faults import Fault
from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.queries import apparatus_named
from shothub.server.jobs.services import bookings, turns
from shothub.server.refusals import Refused
from shothub.server.reservations import queries
from shothub.server.reservations.services import Wish
from shothub.server.reservations.turn_queries import alive_turns
from shothub.server.web.access import member
from shothub.server.web.week import monday_of, name_of, span_of, week
from shothub.server.web.zones import zone_of
from shothub.wire.reservations import ReservationView

_INPUT = "%Y-%m-%dT%H:%M"
_LONGEST_TITLE = 200
_YEARS = 2000, 2200  # as in wire.reservations


@dataclass(frozen=True, kw_only=True)
class BookingForm:
    """What the user has filled in; times as the browser's field gives them."""

    starts: str = ""
    ends: str = ""
    whose: str = "me"
    title: str = ""
    faults: list[Fault] = field(default_factory=list)


@member
@require_http_methods(["GET", "HEAD", "POST"])
def calendar(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Show a week; book time."""
    zone = zone_of(request)
    if request.method != "POST":
        return _page(request, principal, name, _fresh(zone))
    form = _read(request.POST)
    wish = _wish(form, zone)
    try:
        if isinstance(wish, Fault):
            raise Refused(faults=[wish])
        bookings.book(principal, name, wish, now=now())
    except Refused as refusal:
        faults = list(refusal.faults)
        return _page(request, principal, name, _with(form, faults), status=422)
    shown = name_of(monday_of("", wish.starts.astimezone(zone).date()))
    return _to_week(name, shown)


@member
@require_POST
def calendar_cancel(
    request: HttpRequest, principal: Principal, name: str, reservation: int
) -> HttpResponse:
    """Give a reservation up."""
    bookings.cancel(principal, reservation, now=now())
    return _to_week(name, request.POST.get("week", ""))


@member
@require_POST
def session_end(
    request: HttpRequest, principal: Principal, name: str, session: str
) -> HttpResponse:
    """End a session."""
    turns.end(principal, session, now=now())
    return _to_week(name, request.POST.get("week", ""))


def _to_week(name: str, shown: str) -> HttpResponseRedirect:
    address = reverse("calendar", args=[name])
    monday = monday_of(shown, now().date())
    return HttpResponseRedirect(f"{address}?week={name_of(monday)}")


def _fresh(zone: ZoneInfo) -> BookingForm:
    """Return a form for the next full hour."""
    here = now().astimezone(zone).replace(minute=0, second=0, microsecond=0)
    starts, ends = here + timedelta(hours=1), here + timedelta(hours=2)
    return BookingForm(starts=f"{starts:{_INPUT}}", ends=f"{ends:{_INPUT}}")


def _read(given: QueryDict) -> BookingForm:
    title = given.get("title", "")
    return BookingForm(
        starts=given.get("starts", "").strip(),
        ends=given.get("ends", "").strip(),
        whose=given.get("whose", "me"),
        title="".join(filter(str.isprintable, title)).strip()[:_LONGEST_TITLE],
    )


def _with(form: BookingForm, faults: list[Fault]) -> BookingForm:
    return BookingForm(**{**vars(form), "faults": faults})


def _wish(form: BookingForm, zone: ZoneInfo) -> Wish | Fault:
    times = []
    for name in ("starts", "ends"):
        try:
            given = datetime.fromisoformat(getattr(form, name))
        except ValueError:
            return Fault(code="bad_time", detail="This is no time.", where=name)
        if not _YEARS[0] <= given.year < _YEARS[1]:
            return Fault(code="bad_time", detail="This is no time.", where=name)
        times.append(given.replace(tzinfo=given.tzinfo or zone))
    kind, _, group = form.whose.partition(":")
    kinds = {"me": "exclusive", "group": "group", "maintenance": "maintenance"}
    return Wish(
        kind=kinds.get(kind, "exclusive"),
        starts=times[0],
        ends=times[1],
        group=group,
        title=form.title,
    )


def _page(
    request: HttpRequest,
    principal: Principal,
    name: str,
    form: BookingForm,
    *,
    status: int = 200,
) -> HttpResponse:
    apparatus, zone, moment = apparatus_named(name), zone_of(request), now()
    today = moment.astimezone(zone).date()
    monday = monday_of(request.GET.get("week", ""), today)
    span = span_of(monday, zone)
    views = queries.list_reservations(principal, apparatus, span, now=moment)
    [utc_week] = weeks_of(moment, moment + timedelta(seconds=1))[:1]
    operates = principal.may("operator", name)
    allowances = queries.allowances(principal, apparatus, utc_week)
    context: dict[str, Any] = {
        "section": "apparatus",
        "apparatus": apparatus,
        "week": week(monday, views, zone, now=moment),
        "week_name": name_of(monday),
        "today": today,
        "views": [_row(view, zone) for view in views],
        "zone": zone.key,
        "offset": f"{moment.astimezone(zone):%z}",
        "form": form,
        "operates": operates,
        "allowances": allowances,
        "may_book": operates or any(each.hours > 0 for each in allowances),
        "turns": alive_turns(apparatus, principal),
    }
    with override(zone):  # in which templates write times
        return render(request, "shothub/calendar.html", context, status=status)


def _row(view: ReservationView, zone: ZoneInfo) -> dict[str, object]:
    starts, ends = view.starts.astimezone(zone), view.ends.astimezone(zone)
    return {"view": view, "one_day": starts.date() == ends.date()}
