"""Webhooks: what is registered, sent, signed, refused, repeated and given up."""

import base64
import json
import re
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import transaction
from pydantic import SecretStr
from tests.fakes.receiver import Receiver, receiving
from tests.integration.server.hub_cast import Cast

from shothub.domain.addresses import Address, target_of
from shothub.domain.notices import GIVE_UP_AFTER
from shothub.runtime import clock
from shothub.server.outbox.models import Message, Webhook
from shothub.server.outbox.posting import Poster, headers
from shothub.server.outbox.sealing import CannotOpen, seal, unseal
from shothub.server.outbox.services import tell
from shothub.server.outbox.services.delivery import (
    CLAIM,
    Box,
    claim,
    finish,
    look,
    prune,
)

Configured = Callable[..., None]
LOOPBACK = [ip_address("127.0.0.1")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def hook(cast: Cast, receiver: Receiver, configured: Configured) -> Any:
    """A webhook of Alice to a receiver that the lab has named."""
    configured(
        private_webhook_hosts=["localhost"], public_url="https://shots.example.org"
    )
    asked = {"url": receiver.url(), "events": ["done", "failed"]}
    return cast.alice("POST", "/webhooks", asked).ok()


def at_loopback(_host: str, _port: int) -> Sequence[Address]:
    return LOOPBACK


POSTER = Poster(resolve=at_loopback)


def say(cast: Cast, text: str = "All went well.", event: str = "done") -> None:
    alice = cast.users["alice"].pk
    data = {"job": "j1", "path": "/jobs/j1"}
    tell(alice, event, "A job", text, now=clock.now(), data=data)


def deliver(now: datetime | None = None, poster: Poster = POSTER) -> int:
    """Deliver all that is due; return how many messages were tried."""
    now, tried = now or clock.now(), 0
    while boxes := look(now).boxes:
        for box in boxes:
            delivery = claim(box, poster, now)
            if delivery is not None:
                finish(delivery, delivery.send(), now, lambda: 0.99)
                tried += 1
    return tried


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check a signature by the very example of the documents."""
    page = (Path(__file__).parents[3] / "docs/how-to/be-told.md").read_text()
    [example] = [
        text
        for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        if "def is_genuine" in text
    ]
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102
    sent = int(headers["webhook-timestamp"])
    assert not names["is_genuine"](secret, headers, body, now=sent + 1000)
    return bool(names["is_genuine"](secret, headers, body, now=sent + 1))


def test_a_message_is_delivered_with_a_signature_that_verifies(
    cast: Cast, hook: Any, receiver: Receiver
) -> None:
    say(cast)
    assert deliver() == 1
    (came,) = receiver.received
    assert verified(hook["secret"], came.headers, came.body)
    assert not verified(hook["secret"], came.headers, came.body + b" ")
    body = came.json()
    assert (body["type"], body["text"]) == ("done", "All went well.")
    assert body["data"] == {"job": "j1", "url": "https://shots.example.org/jobs/j1"}
    assert body["id"] == came.headers["webhook-id"]
    (row,) = cast.alice("GET", f"/webhooks/{hook['id']}/deliveries").ok()
    assert (row["state"], row["tries"], row["id"]) == ("delivered", 1, body["id"])


def test_a_webhook_hears_only_what_it_was_registered_for(cast: Cast, hook: Any) -> None:
    say(cast, event="cancelled")
    tell(cast.users["bob"].pk, "done", "x", "y", now=clock.now())
    assert not Message.objects.exists()
    say(cast, event="failed")
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_tells_nobody(
    lasting_cast: Cast, receiver: Receiver, configured: Configured
) -> None:
    configured(private_webhook_hosts=["localhost"])
    lasting_cast.alice("POST", "/webhooks", {"url": receiver.url()}).ok()
    with transaction.atomic():
        say(lasting_cast)
        assert Message.objects.count() == 1
        transaction.set_rollback(True)
    assert not Message.objects.exists()


def test_the_secret_is_shown_once_and_stored_sealed(cast: Cast, hook: Any) -> None:
    raw = base64.b64decode(hook["secret"].removeprefix("whsec_"))
    stored = Webhook.objects.get()
    assert raw not in bytes(stored.secret)
    assert hook["secret"].encode() not in bytes(stored.secret)
    assert unseal(bytes(stored.secret)) == raw
    shown = json.dumps(cast.alice("GET", "/webhooks").ok())
    assert "secret" not in shown


def test_sealed_secrets_outlive_a_change_of_keys(configured: Configured) -> None:
    old, new = SecretStr("o" * 40), SecretStr("n" * 40)
    configured(token_peppers=[old])
    sealed = seal(b"the key")
    configured(token_peppers=[new, old])
    assert unseal(sealed) == b"the key"
    configured(token_peppers=[new])
    with pytest.raises(CannotOpen):
        unseal(sealed)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
    ],
)
def test_a_private_or_plain_address_cannot_be_registered(cast: Cast, url: str) -> None:
    answer = cast.alice("POST", "/webhooks", {"url": url})
    assert (answer.status, answer.body["code"]) == (422, "bad_url")
    assert answer.body["where"] == "body.url"


def test_an_unknown_event_cannot_be_chosen(cast: Cast) -> None:
    asked = {"url": "https://example.org/", "events": ["done", "lunch"]}
    answer = cast.alice("POST", "/webhooks", asked)
    assert (answer.status, answer.body["code"]) == (422, "unknown_event")
    assert "unknown" in answer.body["hint"]


def test_a_user_has_so_many_webhooks_only(cast: Cast, configured: Configured) -> None:
    configured(max_webhooks=1)
    asked = {"url": "https://example.org/"}
    cast.alice("POST", "/webhooks", asked).ok()
    answer = cast.alice("POST", "/webhooks", asked)
    assert (answer.status, answer.body["code"]) == (422, "too_many_webhooks")
    cast.bob("POST", "/webhooks", asked).ok()


def test_nobody_sees_or_touches_the_webhooks_of_others(cast: Cast, hook: Any) -> None:
    ident = hook["id"]
    assert cast.bob("GET", "/webhooks").ok() == []
    for method, path in [
        ("DELETE", ""),
        ("POST", "/test"),
        ("POST", "/resume"),
        ("GET", "/deliveries"),
    ]:
        assert cast.bob(method, f"/webhooks/{ident}{path}").status == 404
    assert cast.alice("DELETE", f"/webhooks/{ident}").ok()["id"] == ident
    assert cast.alice("GET", "/webhooks").ok() == []


def test_a_test_message_arrives(cast: Cast, hook: Any, receiver: Receiver) -> None:
    sent = cast.alice("POST", f"/webhooks/{hook['id']}/test").ok()
    assert (sent["state"], sent["event"]) == ("waiting", "test")
    deliver()
    assert receiver.received[0].json()["id"] == sent["id"]


def test_a_failed_try_is_repeated_later_with_the_same_id(
    cast: Cast, hook: Any, receiver: Receiver
) -> None:
    receiver.answers.extend([500, 503])
    say(cast)
    now = clock.now()
    assert deliver(now) == 1
    assert deliver(now) == 0
    (waiting,) = cast.alice("GET", f"/webhooks/{hook['id']}/deliveries").ok()
    assert (waiting["state"], waiting["error"]) == ("waiting", "it answered 500")
    assert deliver(now + timedelta(seconds=5)) == 1
    assert deliver(now + timedelta(seconds=60)) == 1
    first, second, third = receiver.received
    assert first.json() == second.json() == third.json()
    assert first.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.headers["webhook-signature"] != third.headers["webhook-signature"]
    assert all(verified(hook["secret"], r.headers, r.body) for r in receiver.received)


def test_a_redirect_is_not_followed(cast: Cast, hook: Any, receiver: Receiver) -> None:
    receiver.answers.append(307)
    say(cast)
    deliver()
    assert len(receiver.received) == 1
    assert "redirects are not followed" in Message.objects.get().last_error


def test_a_dripping_answer_is_cut_at_the_deadline(
    cast: Cast, hook: Any, receiver: Receiver
) -> None:
    receiver.drip = 0.05
    say(cast)
    deliver(poster=Poster(resolve=at_loopback, seconds=0.5))
    assert Message.objects.get().last_error == "no answer within 0.5 s"


def test_an_endless_answer_is_read_only_a_little(
    cast: Cast, hook: Any, receiver: Receiver
) -> None:
    receiver.drip = 1e-5
    say(cast)
    deliver()
    assert Message.objects.get().outcome == "delivered"


def test_a_name_is_resolved_once_and_that_address_is_used(
    receiver: Receiver, configured: Configured
) -> None:
    """Against rebinding: a second answer of the name server is never asked for."""
    answers = [[ip_address("192.0.2.1")], LOOPBACK]
    asked = []

    def rebinding(host: str, _port: int) -> Sequence[Address]:
        asked.append(host)
        return answers.pop(0)

    target = target_of(f"https://evil.example:{receiver.port}/", trusted=[])
    posted = Poster(resolve=rebinding, seconds=0.3).post(target, b"{}", {})
    assert posted.error  # documentation addresses are nobody's
    assert asked == ["evil.example"]
    assert receiver.received == []


@pytest.mark.parametrize("bad", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1"])
def test_a_name_with_a_private_address_among_its_own_is_refused(
    receiver: Receiver, bad: str
) -> None:
    target = target_of(f"https://evil.example:{receiver.port}/", trusted=[])
    addresses = [ip_address("93.184.216.34"), ip_address(bad)]
    for order in (addresses, addresses[::-1]):
        found = list(order)
        posted = Poster(resolve=lambda *_, a=found: a).post(target, b"{}", {})
        assert "private address" in posted.error
    assert receiver.received == []


def test_the_same_address_is_reached_when_the_lab_has_named_the_host(
    receiver: Receiver,
) -> None:
    """The control: only the rule keeps the hub from this receiver."""
    url = f"http://evil.example:{receiver.port}/"
    target = target_of(url, trusted=["evil.example"])
    assert POSTER.post(target, b"{}", {}).error == ""
    assert receiver.received[0].headers["host"] == f"evil.example:{receiver.port}"


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the two sides of a connection to a server of this name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    noon = datetime(2026, 1, 2, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(noon)
        .not_valid_after(noon + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "both.pem"
    file.write_bytes(secret + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


def test_https_is_checked_against_the_name_though_the_address_is_used() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server, client = certificate("hooks.example", Path(folder))
    with receiving(server) as receiver:
        trusted = ["hooks.example", "other.example"]
        poster = Poster(trust=client, resolve=at_loopback)
        good = target_of(f"https://hooks.example:{receiver.port}/", trusted=trusted)
        assert poster.post(good, b"{}", {}).error == ""
        other = target_of(f"https://other.example:{receiver.port}/", trusted=trusted)
        assert "CERTIFICATE_VERIFY_FAILED" in poster.post(other, b"{}", {}).error
        stock = Poster(resolve=at_loopback)
        assert "CERTIFICATE_VERIFY_FAILED" in stock.post(good, b"{}", {}).error
        assert len(receiver.received) == 1


def test_the_signature_covers_id_time_and_body() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    said = headers(b"k", ident="msg_1", body=b"{}", now=now)
    secret = "whsec_" + base64.b64encode(b"k").decode()
    assert verified(secret, said, b"{}")
    for name, other in (("webhook-id", "msg_2"), ("webhook-timestamp", "1")):
        assert not verified(secret, said | {name: other}, b"{}")


def test_no_two_processes_have_the_same_message_in_hand(
    cast: Cast, hook: Any, receiver: Receiver
) -> None:
    say(cast)
    say(cast)
    now = clock.now()
    box = Box(cast.users["alice"].pk, hook["id"])
    first = claim(box, POSTER, now)
    assert first is not None
    assert claim(box, POSTER, now) is None
    assert look(now).boxes == []
    later = now + CLAIM + timedelta(seconds=1)
    again = claim(box, POSTER, later)
    assert again is not None
    assert [m.pk for m in again.messages] == [m.pk for m in first.messages]
    finish(again, again.send(), later, lambda: 0.5)
    finish(first, first.send(), later, lambda: 0.5)
    one, repeat = receiver.received
    assert one.headers["webhook-id"] == repeat.headers["webhook-id"]
    assert Message.objects.filter(outcome="delivered").count() == 1


def test_a_dead_receiver_costs_one_try_at_a_time(
    cast: Cast, hook: Any, receiver: Receiver
) -> None:
    for _ in range(30):
        say(cast)
    receiver.answers.extend([500] * 3)
    now = clock.now()
    assert [deliver(now + timedelta(minutes=m)) for m in (0, 1, 2)] == [1, 1, 1]
    assert len(receiver.received) == 3
    assert deliver(now + timedelta(hours=2)) == 30
    sent = [r.headers["webhook-id"] for r in receiver.received[3:]]
    order = Message.objects.order_by("id").values_list("ident", flat=True)
    assert sent == list(order)


def test_what_cannot_be_delivered_for_three_days_is_given_up_and_told(
    cast: Cast, hook: Any, receiver: Receiver, configured: Configured
) -> None:
    configured(private_webhook_hosts=["localhost"], smtp_host="mail.test")
    cast.users["alice"].email = "alice@example.org"
    cast.users["alice"].save()
    receiver.answers.extend([500] * 100)
    cast.alice("PUT", "/me/notifications", {"email": []}).ok()
    say(cast)
    say(cast)
    now = clock.now()
    deliver(now)
    assert Webhook.objects.get().switched_off == ""
    later = now + GIVE_UP_AFTER
    box = Box(cast.users["alice"].pk, hook["id"])
    last = claim(box, POSTER, later)
    assert last is not None
    finish(last, last.send(), later, lambda: 0.5)
    (shown,) = cast.alice("GET", "/webhooks").ok()
    assert "it answered 500" in shown["switched_off"]
    states = cast.alice("GET", f"/webhooks/{hook['id']}/deliveries").ok()
    assert {row["state"] for row in states} == {"given_up"}
    assert all("it answered 500" in row["error"] for row in states)
    notice = Message.objects.get(channel="email")
    assert (notice.event, notice.user.username) == ("webhook", "alice")
    say(cast)
    assert not Message.objects.filter(channel="webhook", outcome="").exists()
    answer = cast.alice("POST", f"/webhooks/{hook['id']}/test")
    assert (answer.status, answer.body["code"]) == (409, "switched_off")
    assert cast.alice("POST", f"/webhooks/{hook['id']}/resume").ok()["failures"] == 0
    receiver.answers.clear()
    say(cast, "It works again.")
    deliver(later)
    assert receiver.received[-1].json()["text"] == "It works again."


def test_a_receiver_that_is_gone_is_told_nothing_more(
    cast: Cast, hook: Any, receiver: Receiver
) -> None:
    receiver.answers.append(410)
    say(cast)
    say(cast)
    deliver()
    assert len(receiver.received) == 1
    assert "410" in Webhook.objects.get().switched_off


def test_revoking_the_token_that_made_a_webhook_silences_it(
    cast: Cast, hook: Any, receiver: Receiver
) -> None:
    say(cast)
    token = cast.alice("GET", "/tokens").ok()[0]["id"]
    cast.alice("DELETE", f"/tokens/{token}").ok()
    assert deliver() == 0
    assert receiver.received == []
    assert "revoked" in Webhook.objects.get().switched_off


def test_delivered_messages_are_forgotten_after_a_month(cast: Cast, hook: Any) -> None:
    say(cast)
    say(cast, event="failed")
    now = clock.now()
    box = Box(cast.users["alice"].pk, hook["id"])
    delivery = claim(box, POSTER, now)
    assert delivery is not None
    finish(delivery, delivery.send(), now, lambda: 0.5)
    prune(now + timedelta(days=29))
    assert Message.objects.count() == 2
    prune(now + timedelta(days=31))
    assert Message.objects.get().event == "failed"
