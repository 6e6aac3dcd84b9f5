"""Of what one is told: webhooks, e-mail; and the feed of events for operators."""

from typing import Annotated

import typer

from shothub.client.cli import output
from shothub.client.cli.session import Json, Profile, hub
from shothub.wire.notices import DeliveryView, FeedEvent, NotificationsView

Ident = Annotated[int, typer.Argument(help="Number of the webhook.", metavar="ID")]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", help="Tell of this event; may be given several times."),
]


def webhooks(
    context: typer.Context, profile: Profile = None, as_json: Json = False
) -> None:
    """List your webhooks, without their secrets."""
    found = hub(context, profile).webhooks.list()
    if as_json:
        output.document(found)
        return
    rows = [
        (w.id, w.url, ", ".join(w.events), _standing(w.switched_off)) for w in found
    ]
    output.table(["id", "address", "events", ""], rows)


def _standing(switched_off: str) -> str:
    return f"switched off: {switched_off}" if switched_off else ""


def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Address, https://…", metavar="URL")],
    events: Events = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Have the hub tell an address of your jobs; prints the secret of its signatures.

    Without --event it is told of done, failed and unknown.
    """
    made = hub(context, profile).webhooks.create(url, events or [])
    if as_json:
        output.document(made)
        return
    output.text(made.secret)
    output.note(f"webhook {made.id}; its secret is not shown again")


def delete(context: typer.Context, ident: Ident, profile: Profile = None) -> None:
    """Delete a webhook; what waits for it is not delivered."""
    hub(context, profile).webhooks.delete(ident)
    output.note(f"webhook {ident} is deleted")


def try_(
    context: typer.Context,
    ident: Ident,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Send a test message to a webhook."""
    sent = hub(context, profile).webhooks.test(ident)
    if as_json:
        output.document(sent)
        return
    output.note(f"{sent.id} is on its way: shothub webhooks deliveries {ident}")


def resume(context: typer.Context, ident: Ident, profile: Profile = None) -> None:
    """Switch a webhook on again that the hub has switched off."""
    hub(context, profile).webhooks.resume(ident)
    output.note(f"webhook {ident} is switched on")


def deliveries(
    context: typer.Context,
    ident: Ident,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=500)] = 20,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List the messages to a webhook and how their delivery went, newest first."""
    found = hub(context, profile).webhooks.deliveries(ident, limit=limit)
    if as_json:
        output.document(found)
        return
    rows = [_delivery(one) for one in found]
    output.table(["message", "event", "created (UTC)", "state", "tries", "why"], rows)


def _delivery(one: DeliveryView) -> tuple[object, ...]:
    when = f"{one.created:%Y-%m-%d %H:%M:%S}"
    return one.id, one.event, when, one.state, one.tries, one.error


def show(
    context: typer.Context, profile: Profile = None, as_json: Json = False
) -> None:
    """Show of which events you are sent an e-mail."""
    _show(hub(context, profile).notifications.get(), as_json=as_json)


def choose(
    context: typer.Context,
    events: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of events; none for no e-mail.", metavar="[EVENT]..."
        ),
    ] = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Choose of which events you are sent an e-mail."""
    _show(hub(context, profile).notifications.set(events or []), as_json=as_json)


def _show(chosen: NotificationsView, *, as_json: bool) -> None:
    if as_json:
        output.document(chosen)
        return
    rows = [
        (e.name, "yes" if e.name in chosen.email else "", e.meaning)
        for e in chosen.events
    ]
    output.table(["event", "e-mail", "when"], rows)
    if not chosen.sends_mail:
        output.note("this hub sends no mail: the lab has set no mail server")
    elif not chosen.address:
        output.note("the hub knows no e-mail address of yours")


def feed(
    context: typer.Context,
    apparatus: Annotated[
        str, typer.Option("-a", "--apparatus", help="Only this apparatus.")
    ] = "",
    since: Annotated[
        int | None, typer.Option(help="Begin after this event.", min=0)
    ] = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on as events happen.")
    ] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Print the events of the apparatus that you operate, one a line.

    With --json each line is one JSON document.
    """
    found = hub(context, profile).feed(since=since, apparatus=apparatus, follow=follow)
    for event in found:
        if as_json:
            output.json_line(event)
        else:
            output.text(_line(event))


def _line(event: FeedEvent) -> str:
    where = "" if event.job is None else f" {event.job}"
    shot = "" if event.shot is None else f"#{event.shot}"
    said = f"{event.id} {event.at:%Y-%m-%d %H:%M:%S} {event.apparatus} {event.what}"
    return f"{said}{where}{shot} {event.actor} {event.detail}".rstrip()
