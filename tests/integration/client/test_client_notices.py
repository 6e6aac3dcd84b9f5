"""Webhooks, mail and the feed from Python and the command line, against the real hub."""

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.integration.server.test_event_streams import operator, submitted
from tests.integration.server.test_served_hub import Served, served
from typer.testing import CliRunner

from shothub.client import Hub, Refused
from shothub.client.cli.app import build

__all__ = ["operator", "served"]


@pytest.fixture
def hub(served: Served) -> Iterator[Hub]:
    token = served.user.headers["Authorization"].removeprefix("Bearer ")
    with Hub(served.url, token) as hub:
        yield hub


def run(served: Served, token: str, *words: str) -> str:
    app, _ = build()
    environment = {"SHOTHUB_URL": served.url, "SHOTHUB_TOKEN": token}
    done = CliRunner().invoke(app, list(words), env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


def token_of(client: httpx.Client) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")


def test_webhooks_from_python(hub: Hub) -> None:
    made = hub.webhooks.create("https://hooks.example.invalid/", ["done"])
    assert made.secret.startswith("whsec_")
    assert [hook.id for hook in hub.webhooks.list()] == [made.id]
    assert hub.webhooks.test(made.id).event == "test"
    assert [d.event for d in hub.webhooks.deliveries(made.id)] == ["test"]
    assert hub.webhooks.resume(made.id).switched_off == ""
    hub.webhooks.delete(made.id)
    assert hub.webhooks.list() == []
    with pytest.raises(Refused, match="private address"):
        hub.webhooks.create("https://10.0.0.1/")


def test_mails_from_python(hub: Hub) -> None:
    assert hub.notifications.set(["done"]).email == ["done"]
    assert hub.notifications.get().email == ["done"]
    with pytest.raises(Refused, match="lunch"):
        hub.notifications.set(["lunch"])


def test_the_same_from_the_command_line(served: Served) -> None:
    token = token_of(served.user)
    url = "https://hooks.example.invalid/x"
    secret = run(served, token, "webhooks", "create", url, "--event", "done")
    assert secret.startswith("whsec_")
    [hook] = json.loads(run(served, token, "webhooks", "list", "--json"))
    ident = str(hook["id"])
    run(served, token, "webhooks", "test", ident)
    assert "test" in run(served, token, "webhooks", "deliveries", ident)
    run(served, token, "webhooks", "delete", ident)
    shown = run(served, token, "notifications", "set", "failed", "unknown", "--json")
    assert json.loads(shown)["email"] == ["failed", "unknown"]
    assert "failed" in run(served, token, "notifications", "show")


def test_the_feed_from_the_command_line(served: Served, operator: httpx.Client) -> None:
    job = submitted(served)
    lines = run(served, token_of(operator), "feed", "--since", "0", "--json")
    told = [json.loads(line) for line in lines.splitlines()]
    assert (told[-1]["what"], told[-1]["job"]) == ("job.submitted", job)
    assert [e["id"] for e in told] == sorted({e["id"] for e in told})
