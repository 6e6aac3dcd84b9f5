"""Logs: one line an event, to standard error, never with a token in it."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = re.compile(r"shb_[a-z]+_[a-z2-7]+_\w+")
_LINK = re.compile(r"(/shared/[a-z2-7]{10})\w+")


def mask(text: str) -> str:
    """Return ``text`` with the secret part of every token and link hidden."""
    masked = _SECRET.sub(lambda m: "_".join(m[0].split("_")[:3]) + "_***", text)
    return _LINK.sub(r"\1***", masked)


class _Masked:
    """Renders an event as a line, whatever part of it holds a token."""

    def __init__(self, *, colours: bool) -> None:
        self._render = structlog.dev.ConsoleRenderer(colors=colours)

    def __call__(
        self, logger: object, method: str, event: MutableMapping[str, Any]
    ) -> str:
        return mask(self._render(logger, method, event))


class _MaskedText(logging.Formatter):
    """The same for what libraries log, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def configure(program: str, *, level: str = "INFO") -> None:
    """Send the logs of this process to standard error, each line naming ``program``."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _Masked(colours=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(program=program)
    if logging.lastResort:  # what libraries warn of goes to standard error by it
        logging.lastResort.setFormatter(_MaskedText())
