"""One log line an event, structured; secrets are masked whatever the event."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_KEY = re.compile(r"token|secret|password|authorization|cookie|credential|api_?key|code_verifier", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(Bearer\s+|Basic\s+|access_token=|refresh_token=|client_secret=|kicau_|whsec_|code=)[\w\-.~+/%=]{6,}"
)


def masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whatever looks like a secret, by its key or its form, becomes ***."""
    for key, value in event.items():
        if _SECRET_KEY.search(key) and value:
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _SECRET_VALUE.sub(r"\1***", value)
    return event


def set_up(level: str = "info", form: str = "json", **bound: str) -> None:
    """For a whole process: our own events and those of libraries, in one form, to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        masked,
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
    for chatty in ("asyncio", "uvicorn.access", "aiohttp.access", "PIL", "libav"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))
    structlog.contextvars.bind_contextvars(**bound)
