"""Mails: composed as plain text, sent by Django's e-mail backends."""

import smtplib
from collections.abc import Sequence
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage

from shothub.server.outbox.models import Message
from shothub.server.outbox.posting import Posted

_LISTED = 100


def link(path: str) -> str:
    """Return the address of a page of the hub, or its path if the hub has no address."""
    return f"{settings.SHOTHUB.public_url}{path}"


def send(messages: Sequence[Message], address: str) -> Posted:
    """Send one mail that carries the messages; every way of failing is an answer."""
    lead = messages[0]
    single = len(messages) == 1
    mail = EmailMessage(
        subject=f"[shothub] {lead.subject if single else _headline(messages)}",
        body=_footed(_one(lead) if single else _digest(messages)),
        to=[address],
        headers={
            # The same at every try, so that a repeated mail can be told.
            "Message-ID": f"<{lead.ident}@{_domain()}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(error, address)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return Posted(error=f"{type(error).__name__}: {error}"[:500])
    return Posted()


def _refused(error: smtplib.SMTPRecipientsRefused, address: str) -> Posted:
    code, said = error.recipients.get(address, (0, b""))
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    permanent = 500 <= code < 600
    return Posted(error=f"the mail server answered {code} {text}"[:500], gone=permanent)


def _domain() -> str:
    return parseaddr(settings.SHOTHUB.smtp_from)[1].rpartition("@")[2] or "localhost"


def _one(message: Message) -> str:
    body = message.body
    text, path = str(body.get("text", "")), body.get("path")
    return f"{message.subject}\n\n{text}" + (f"\n\n{link(str(path))}" if path else "")


def _headline(messages: Sequence[Message]) -> str:
    return f"{len(messages)} messages"


def _digest(messages: Sequence[Message]) -> str:
    lines = [_line(message) for message in messages[:_LISTED]]
    if len(messages) > _LISTED:
        lines.append(f"… and {len(messages) - _LISTED} more; see {link('/')}")
    most = settings.SHOTHUB.mails_per_hour
    why = (
        f"This hub sends at most {most} mails an hour to anybody; these came together."
    )
    return "\n".join([why, "", *lines])


def _line(message: Message) -> str:
    path = message.body.get("path")
    where = f"\n    {link(str(path))}" if path else ""
    return f"{message.created:%Y-%m-%d %H:%M} UTC  {message.subject}{where}"


def _footed(text: str) -> str:
    return f"{text}\n\n-- \nWhat shothub tells you is your choice: {link('/notifications')}\n"
