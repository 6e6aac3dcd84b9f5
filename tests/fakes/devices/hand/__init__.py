"""The operator's hand in a BLACS of the tests: it does at the window what it is told."""

import json
import socket
import sys
import threading
from pathlib import Path

from qtutils import inmain

_reached: list[Path] = []


def reach_in(file: Path) -> None:
    """Carry out expressions that come to a loopback port, which is written to ``file``."""
    if _reached:
        return  # The tab that began this was restarted.
    _reached.append(file)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_obey, args=(listener,), daemon=True).start()
    fresh = file.with_suffix(".fresh")
    fresh.write_text(str(listener.getsockname()[1]))
    fresh.replace(file)


def _obey(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as stream:
            stream.write(json.dumps(_do(stream.readline())) + "\n")


def _do(expression: str) -> dict[str, object]:
    names = {"app": getattr(sys.modules["__main__"], "app", None)}
    try:
        return {"value": inmain(eval, expression, names)}
    except Exception as error:  # noqa: BLE001 (the test is told)
        return {"error": repr(error)}
