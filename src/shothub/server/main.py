"""Start the hub: configuration, migrations, one uvicorn process."""

import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import django
import platformdirs
import structlog
import uvicorn
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from shothub.runtime import logs
from shothub.server import exposure, reachable
from shothub.server.chores import Chores
from shothub.server.config import BadConfig, configure, is_configured

log = structlog.get_logger()
_COURIER = "shothub.server.outbox.courier.Courier"


class NotMigrated(Exception):
    """The database is older than this version; start with --migrate."""


def default_data() -> Path:
    """Return the data folder that is used when none is named."""
    return platformdirs.user_data_path("shothub") / "hub"


def prepare(data: Path | None) -> None:
    """Read the configuration, set Django up and see that the database is there.

    Raises:
        BadConfig: the configuration is wrong, or the database is none to work with.
    """
    if data is not None or not is_configured():
        configure(data or default_data())
    os.environ["DJANGO_SETTINGS_MODULE"] = "shothub.server.settings"
    django.setup()
    reachable.require()


def migrate() -> None:
    """Bring the database to the form that this version needs; one process at a time."""
    with reachable.alone(), reachable.unhurried():
        call_command("migrate", verbosity=0, interactive=False)


def require_migrated() -> None:
    """Refuse a database that is older than this version.

    Raises:
        NotMigrated: it is.
    """
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotMigrated(NotMigrated.__doc__)


def check(*, host: str = "127.0.0.1", with_database: bool = True) -> Sequence[str]:
    """Return what is wrong with this installation, in words; nothing if all is well.

    Args:
        host: address that the hub listens on; what only this machine reaches need not
            be safe from others.
        with_database: its database must be in the form that this version needs.
    """
    faults: list[str] = []
    found = run_checks(databases=["default"])
    faults += [str(fault) for fault in found if fault.is_serious()]
    faults += exposure.faults(settings.SHOTHUB, host)
    try:
        if with_database:
            require_migrated()
    except NotMigrated as error:
        faults.append(f"{settings.SHOTHUB.data}: {error}")
    return faults


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    data: Path | None = None,
    apply_migrations: bool = True,
    only_check: bool = False,
) -> int:
    """Run the hub until it is told to stop, and return its exit status.

    Args:
        host: address to listen on.
        port: port to listen on; 0 for a free one.
        data: folder of database, files and secrets; default: as configured, or the
            user's data folder.
        apply_migrations: bring the database up to date first.
        only_check: say what is wrong, and do not serve.
    """
    os.umask(0o077)  # what the hub writes is its own
    try:
        prepare(data)
    except BadConfig as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.configure("server", level=settings.SHOTHUB.log_level)
    # A refused request is no event of the hub; failures are errors, and are shown.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    if apply_migrations and not only_check:
        migrate()
    # The database of a hub that was never started, or is to be updated, is no fault.
    faults = check(host=host, with_database=not (only_check and apply_migrations))
    for line in (*faults, *reachable.doubts()):
        sys.stderr.write(f"{line}\n")
    if only_check and not faults:
        local = exposure.is_local(settings.SHOTHUB, host)
        whom = "this machine alone reaches it" if local else "safe for others to reach"
        sys.stdout.write(f"All is well: {whom}; data in {settings.SHOTHUB.data}\n")
    if faults or only_check:
        return int(bool(faults))
    return _run(host, port)


def _run(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        sys.stderr.write(
            f"--host {host} --port {port}: {os.strerror(error.errno or 0)}."
            " Is another hub running there?\n"
        )
        return 1
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        "shothub.server.asgi:build",
        factory=True,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        server_header=False,
        proxy_headers=False,
    )
    sys.stdout.write(f"shothub hub at {address}\n")
    sys.stdout.flush()
    log.info("serving", address=address, data=str(settings.SHOTHUB.data))
    wakeups = apps.get_app_config("jobs").wakeups  # type: ignore[attr-defined]
    # uvicorn has ended all requests before it hands Ctrl-C on.
    courier = import_string(_COURIER)()  # it knows tables, which are ready by now
    with wakeups, Chores(), courier, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
    return 0
