"""One log line an event, structured; secrets are masked whatever the event."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any

import structlog

_SECRET_KEY = re.compile(r"token|secret|password|authorization|cookie|credential|api_?key|code_verifier", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(Bearer\s+|Basic\s+|access_token=|refresh_token=|client_secret=|kicau_|whsec_|code=)[\w\-.~+/%=]{6,}"
)
# Addresses of which whoever has them may act: the segment after these is a secret. A medium's may hold a slash.
_SECRET_PATH = re.compile(
    r"((?:/|%2F)(?:accept-invitation|verify-address|review|retractions|notifications(?:/|%2F)unsubscribe)(?:/|%2F))(?:(?!%2F)[^\s/?#\"'<>])+"
    r"|((?:/|%2F)m(?:/|%2F))[^\s?#\"'<>]+",
    re.IGNORECASE,
)


def mask_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whatever looks like a secret, by its key, its form or its place in an address, becomes ***."""
    for key, value in event.items():
        event[key] = _mask_value(key, value)
    return event


def mask(text: str) -> str:
    """A text without the secrets that are in it."""
    return _SECRET_PATH.sub(lambda found: f"{found[1] or found[2]}***", _SECRET_VALUE.sub(r"\1***", text))


def _mask_value(key: str, value: Any) -> Any:
    if value and _SECRET_KEY.search(key):
        return "***"
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {name: _mask_value(str(name), one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask_value("", one) for one in value]
    return value


def _shorten_host_errors(record: logging.LogRecord) -> bool:
    """A request with a wrong Host header is a visitor's fault, or a scanner's: one warning, without a traceback."""
    record.levelno, record.levelname = logging.WARNING, "WARNING"
    record.exc_info = record.exc_text = record.stack_info = None
    return True


def set_up_logging(level: str = "info", form: str = "json", **bound: str) -> None:
    """For a whole process: our own events and those of libraries, in one form, to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_event,
    ]
    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    wrong_hosts = logging.getLogger("django.security.DisallowedHost")
    wrong_hosts.filters[:] = [_shorten_host_errors]
    for chatty in ("asyncio", "uvicorn.access", "aiohttp.access", "PIL", "libav"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))
    structlog.contextvars.bind_contextvars(**bound)
    sys.excepthook, threading.excepthook = _log_fatal, _log_thread


def _log_fatal(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ends the process is one event as well, and masked; Ctrl-C is none."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("kicau").critical("ended by an error", exc_info=(kind, error, trace))


def _log_thread(died: threading.ExceptHookArgs) -> None:
    if died.exc_value is not None and not issubclass(died.exc_type, SystemExit):
        logging.getLogger("kicau").error(
            "a thread was ended by an error", exc_info=(died.exc_type, died.exc_value, died.exc_traceback)
        )
