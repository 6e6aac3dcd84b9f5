"""Logs: one line an event, to standard error, never with a token in it."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = re.compile(r"shb_[a-z]+_[a-z2-7]+_\w+")


def mask(text: str) -> str:
    """Return ``text`` with the secret part of every token hidden."""
    return _SECRET.sub(lambda m: "_".join(m[0].split("_")[:3]) + "_***", text)


def _mask_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {k: mask(v) if isinstance(v, str) else v for k, v in event.items()}


def configure(program: str, *, level: str = "INFO") -> None:
    """Send the logs of this process to standard error, each line naming ``program``."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask_event,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(program=program)
