"""Configuration of what the hub tells the outside: mail server, webhooks, streams."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class NoticeKeys(BaseSettings):
    """The part of the hub's configuration that is about telling people.

    Attributes:
        smtp_host: mail server; empty: the hub sends no mail.
        smtp_port: its port.
        smtp_user: name to log in with there; empty for none.
        smtp_password: password; better from a file: SHOTHUB_SMTP_PASSWORD_FILE.
        smtp_tls: ``starttls`` (usual), ``tls`` from the first byte, or ``none``.
        smtp_from: the sender's address.
        mails_per_hour: most mails to one user in an hour; more are put into one.
        private_webhook_hosts: names of hosts of the lab's own network that webhooks may
            reach although their addresses are private, and without HTTPS.
        max_webhooks: most webhooks of one user.
        max_streams: most event streams of one user that are open at once.
    """

    smtp_host: str = ""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_from: str = "shothub@localhost"
    mails_per_hour: Annotated[int, Field(ge=1, le=1000)] = 12
    private_webhook_hosts: list[str] = []
    max_webhooks: Annotated[int, Field(ge=0)] = 10
    max_streams: Annotated[int, Field(ge=1)] = 20
