"""Chips, times, progress bars and numbers, as the pages show them."""

from datetime import UTC, datetime

from django import template
from django.forms import BoundField
from django.template.defaultfilters import truncatechars
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from shothub.server.web import words
from shothub.server.web.browsers import browser_named
from shothub.server.web.quantities import number, with_unit
from shothub.wire.apparatus import ApiFunction, ApparatusView
from shothub.wire.jobs import EventView, JobView

register = template.Library()
_SHORT = 300


@register.filter
def bare(field: BoundField) -> SafeString:
    """Show a field of a form without the example in it, which says no more than its label."""
    return field.as_widget(attrs={"placeholder": False})


@register.filter
def browser(agent: str) -> str:
    """Show by what name people know the browser that calls itself so."""
    return browser_named(agent)


@register.simple_tag
def when(moment: datetime) -> SafeString:
    """Show a moment in UTC; the page's script writes it in local time."""
    return _time(moment, "%d %b %Y, %H:%M:%S UTC")


@register.simple_tag
def clock(moment: datetime) -> SafeString:
    """Show a foreseen time, to the minute; the page's script writes it in local time."""
    return _time(moment, "%d %b, %H:%M UTC", kind="clock")


@register.filter
def plain_seconds(seconds: float) -> str:
    """Show a length of time."""
    return words.length(seconds)


@register.filter
def signed_seconds(seconds: float) -> str:
    """Show how much later or earlier something came."""
    return f"{words.length(abs(seconds))} {'later' if seconds >= 0 else 'earlier'}"


@register.simple_tag
def day(moment: datetime) -> SafeString:
    """Show a date."""
    return format_html("{}", f"{moment.astimezone(UTC):%d %b %Y}")


def _time(moment: datetime, form: str, *, kind: str = "") -> SafeString:
    utc = moment.astimezone(UTC)
    return format_html(
        '<time class="{}" datetime="{}">{}</time>',
        kind,
        f"{utc:%Y-%m-%dT%H:%M:%S}Z",
        f"{utc:{form}}",
    )


def _chip(chip: words.Chip, *, big: bool = False) -> SafeString:
    size = " big" if big else ""
    return format_html('<span class="chip {}{}">{}</span>', chip.mood, size, chip.text)


@register.simple_tag
def chip(job: JobView, *, big: bool = False) -> SafeString:
    """Show a job's state."""
    return _chip(words.job_chip(job), big=big)


@register.simple_tag
def state_chip(state: str) -> SafeString:
    """Show the state of a job in a queue."""
    return _chip(words.state_chip(state))


@register.simple_tag
def shot_chip(state: str) -> SafeString:
    """Show a shot's state."""
    return _chip(words.shot_chip(state))


@register.simple_tag
def apparatus_chip(apparatus: ApparatusView, *, big: bool = False) -> SafeString:
    """Show whether an apparatus runs."""
    return _chip(words.apparatus_chip(apparatus), big=big)


@register.simple_tag
def progress(job: JobView, *, tall: bool = False) -> SafeString:
    """Show how many shots have ended, and how."""
    if job.shots is None:
        said = "–" if words.is_finished(job) else "not compiled yet"
        return format_html('<span class="soft small">{}</span>', said)
    parts = {
        "done": job.shots_done,
        "failed": job.shots_failed,
        "unknown": job.shots_unknown,
    }
    said = ", ".join(f"{count} {word}" for word, count in parts.items() if count)
    return format_html(
        '<div class="progress"><svg class="bar{}" viewBox="0 0 100 1" '
        'preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        "<span>{}/{}</span></div>",
        " tall" if tall else "",
        said or "no shot has ended",
        _bars(parts, max(job.shots, 1)),
        sum(parts.values()),
        job.shots,
    )


def _bars(parts: dict[str, int], shots: int) -> SafeString:
    bars, start = [], 0.0
    for kind, count in parts.items():
        width = 100 * count / shots
        bars.append((kind, f"{start:.3f}", f"{width:.3f}"))
        start += width
    rect = '<rect class="{}" x="{}" y="0" width="{}" height="1"/>'
    return format_html_join("", rect, bars)


@register.simple_block_tag
def snippet(content: str, ident: str) -> SafeString:
    """Show a text that can be copied."""
    return format_html(
        '<div class="copy"><pre id="{0}" tabindex="0">{1}</pre>'
        '<button type="button" class="plain small" data-copy="{0}" hidden>Copy</button>'
        "</div>",
        ident,
        content,
    )


@register.filter
def hold(apparatus: ApparatusView) -> str:
    """Return why nothing starts, in words."""
    return words.hold(apparatus)


@register.filter
def happened(event: EventView) -> str:
    """Return what an event says, e.g. ``shot 3 started`` for ``shot.started``."""
    subject, _, change = event.what.partition(".")
    numbered = subject if event.shot is None else f"{subject} {event.shot}"
    return f"{numbered} {change.replace('_', ' ')}".strip()


@register.filter
def value(raw: object) -> str:
    """Return a result as people read it."""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, int | float):
        return number(raw)
    if isinstance(raw, list | tuple):
        return truncatechars(", ".join(value(part) for part in raw), _SHORT)
    return "–" if raw is None else truncatechars(str(raw), _SHORT)


@register.filter
def quantity(raw: float | None, unit: str) -> str:
    """Return a number with its unit."""
    return "–" if raw is None else with_unit(raw, unit)


@register.filter
def short(text: str) -> str:
    """Return the beginning of a long text."""
    return truncatechars(text, _SHORT)


@register.filter
def arguments(function: ApiFunction) -> str:
    """Return a function's signature without its name."""
    return function.signature.removeprefix(function.name)
