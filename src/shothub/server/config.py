"""Configuration of the hub: one typed object from file, environment and secret files."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from shothub.domain.people import SignUp
from shothub.server.databases import EXAMPLE, settings_of
from shothub.server.limit_keys import LimitKeys
from shothub.server.notice_keys import NoticeKeys
from shothub.server.sign_up_keys import SignUpKeys

PREFIX = "SHOTHUB_"
_LONG_SECRET = 32


class BadConfig(Exception):
    """The configuration is wrong; the message names each key, its fault, an example."""


class SecretFiles(PydanticBaseSettingsSource):
    """Reads the value of any key ``X`` from the file named by ``SHOTHUB_X_FILE``."""

    def get_field_value(
        self, field: FieldInfo, field_name: str
    ) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        text = Path(path).read_text().strip() if path else None
        return text, field_name, text is not None and text.startswith("[")

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, is_json = self.get_field_value(field, name)
            if value is not None:
                found[key] = json.loads(value) if is_json else value
        return found


class Config(NoticeKeys, SignUpKeys, LimitKeys):
    """Everything that a hub can be told, with the keys of its parts.

    Attributes:
        data: folder of the database, the files and the generated secrets.
        database: address of a PostgreSQL database; empty for SQLite in ``data``.
        secret_key: signs sessions; generated into ``data/secret`` if not given.
        token_peppers: keys of the token digests; the first signs, all verify. Digests
            name their pepper by number from the end, so put a new one in front.
        public_url: address under which users reach the hub, if a proxy is in front.
        allowed_hosts: names under which the hub answers.
        behind_tls: whether a proxy in front speaks HTTPS (secure cookies).
        lease_seconds: how long a leased shot stays reserved for the agent.
        task_seconds: how long a compile or analyse task stays with the agent.
        max_body_bytes: largest JSON body of a request.
        max_upload_bytes: largest file that an agent may upload.
        max_pending_shots: most waiting shots of one user, over all his jobs.
        max_pending_jobs: most unfinished jobs of one user.
        max_batch: most jobs in one submission.
        max_token_days: longest life of a token.
        threads: worker threads, each with its own database connection.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Path
    database: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    token_peppers: list[SecretStr] = Field(default=[])
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+)?$")] = ""
    allowed_hosts: list[str] = Field(default=["localhost", "127.0.0.1", "[::1]"])
    behind_tls: bool = False
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    lease_seconds: Annotated[float, Field(ge=1, le=3600)] = 120.0
    task_seconds: Annotated[float, Field(ge=1, le=86400)] = 900.0
    max_body_bytes: Annotated[int, Field(ge=10_000)] = 40_000_000
    max_upload_bytes: Annotated[int, Field(ge=10_000)] = 2_000_000_000
    max_pending_shots: Annotated[int, Field(ge=1)] = 20_000
    max_pending_jobs: Annotated[int, Field(ge=1)] = 10_000
    max_batch: Annotated[int, Field(ge=1)] = 1_000
    max_token_days: Annotated[int, Field(ge=1)] = 366
    threads: Annotated[int, Field(ge=1, le=64)] = 4

    @field_validator("database")
    @classmethod
    def _is_address(cls, value: SecretStr) -> SecretStr:
        settings_of(value.get_secret_value(), Path())
        return value

    @model_validator(mode="after")
    def _can_sign_up(self) -> "Config":
        if self.sign_up != SignUp.CLOSED and not self.smtp_host:
            raise ValueError(
                "smtp_host: sign_up needs it, to confirm addresses by mail"
            )
        if self.sign_up == SignUp.DOMAIN and not self.sign_up_domains:
            raise ValueError("sign_up_domains: sign_up = domain needs some")
        return self

    @property
    def on_postgresql(self) -> bool:
        """Whether the rows are in PostgreSQL, where several processes may share them."""
        return bool(self.database.get_secret_value())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = os.environ.get(f"{PREFIX}CONFIG")
        file = [TomlConfigSettingsSource(settings_cls, Path(path))] if path else []
        return (init_settings, env_settings, SecretFiles(settings_cls), *file)


EXAMPLES: Mapping[str, str] = {
    "data": "/srv/shothub",
    "database": EXAMPLE,
    "secret_key": "a text of at least 32 random characters",
    "token_peppers": '["a text of at least 32 random characters"]',
    "public_url": "https://shots.example.org",
    "allowed_hosts": '["shots.example.org"]',
    "log_level": "INFO",
    "smtp_host": "mail.example.org",
    "smtp_from": "shots@example.org",
    "sign_up": "approval",
    "sign_up_domains": '["example.org", "*.example.org"]',
    "login_providers": '[{"kind": "oidc", "id": "uni", "name": "University", "address":'
    ' "https://login.example.org", "client_id": "shothub", "secret": "..."}]',
    "private_webhook_hosts": '["elog.lab.example.org"]',
}


def load(**given: object) -> Config:
    """Read the configuration, make the data folder and, if needed, its secrets.

    Args:
        given: values that win over file and environment.

    Raises:
        BadConfig: a key is unknown, missing or has a wrong value.
    """
    return _with_secrets(read(**given))


def read(**given: object) -> Config:
    """Read the configuration and make nothing; secrets of the data folder are not in it.

    Raises:
        BadConfig: a key is unknown, missing or has a wrong value.
    """
    file = os.environ.get(f"{PREFIX}CONFIG")
    if file and not Path(file).is_file():
        raise BadConfig(f"{PREFIX}CONFIG: there is no file {file}.")
    try:
        config = Config(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise BadConfig(_in_words(error)) from None
    except (OSError, ValueError) as error:
        raise BadConfig(f"The configuration cannot be read: {error}") from error
    return config


def configure(data: Path) -> None:
    """Tell this process which data folder to use, before Django is set up."""
    os.environ[f"{PREFIX}DATA"] = str(data.resolve())
    os.environ["DJANGO_SETTINGS_MODULE"] = "shothub.server.settings"


def is_configured() -> bool:
    """Tell whether the environment names a data folder or a configuration file."""
    return bool({f"{PREFIX}DATA", f"{PREFIX}CONFIG"} & set(os.environ))


def _in_words(error: ValidationError) -> str:
    lines = []
    for fault in error.errors():
        key, said = ".".join(str(part) for part in fault["loc"]), fault["msg"]
        if not key:  # a fault of several keys names the one to change
            key, _, said = said.removeprefix("Value error, ").partition(": ")
        name = key.split(".")[0]
        example = EXAMPLES.get(name, _default_text(name))
        hint = f" Example: {PREFIX}{name.upper()}={example}" if example else ""
        lines.append(f"{key}: {said}.{hint}")
    return "The configuration is wrong.\n" + "\n".join(lines)


def _default_text(key: str) -> str:
    field = Config.model_fields.get(key)
    return str(field.default) if field and field.default is not None else ""


def _with_secrets(config: Config) -> Config:
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (config.data / "static").mkdir(exist_ok=True)
    except OSError as error:
        raise BadConfig(
            f"data: {config.data} cannot be used: {error.strerror}."
            f" Example: {PREFIX}DATA={EXAMPLES['data']}"
        ) from error
    key, peppers = config.secret_key, config.token_peppers
    if not (key.get_secret_value() and peppers):
        stored = _stored_secrets(config.data / "secret")
        key = key if key.get_secret_value() else SecretStr(stored["secret_key"])
        peppers = peppers or [SecretStr(p) for p in stored["token_peppers"]]
    for name, secret in [("secret_key", key), *(("token_peppers", p) for p in peppers)]:
        if len(secret.get_secret_value()) < _LONG_SECRET:
            raise BadConfig(
                f"{name}: shorter than {_LONG_SECRET} characters."
                f" Example: {PREFIX}{name.upper()}={EXAMPLES[name]}"
            )
    return config.model_copy(update={"secret_key": key, "token_peppers": peppers})


def _stored_secrets(path: Path) -> dict[str, Any]:
    """Return the secrets of this data folder, made the first time, readable by us only."""
    if path.exists():
        return _read_secrets(path)
    made = {
        "secret_key": secrets.token_urlsafe(48),
        "token_peppers": [secrets.token_urlsafe(48)],
    }
    # Whole under its name or not at all: two hubs may start at once, or one be killed.
    with NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as file:
        json.dump(made, file)
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, path)
        except FileExistsError:
            return _read_secrets(path)  # another hub was quicker
    return made


def _read_secrets(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text())
    except ValueError as error:
        raise BadConfig(
            f"secret: {path} cannot be read: {error}. Restore it from a backup; without"
            " it nobody's token is valid."
        ) from error
    if not isinstance(stored, dict) or set(stored) != {"secret_key", "token_peppers"}:
        raise BadConfig(f"secret: {path} is not a file of secrets.")
    return stored
