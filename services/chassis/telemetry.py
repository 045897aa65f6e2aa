"""Logs and metrics that an operator needs and no resident has to fear: no bodies, no parameters, no addresses."""

import logging
import sys
import traceback
from types import TracebackType
from typing import Any, cast

import stamina.instrumentation
import structlog
from prometheus_client import Counter, Histogram

REQUESTS = Counter("doorstep_http_requests_total", "Requests answered.", ["service", "route", "method", "status"])
REQUEST_SECONDS = Histogram("doorstep_http_request_seconds", "Time to answer.", ["service", "route"])

log = structlog.stdlib.get_logger("doorstep")


def configure_logging(service: str) -> None:
    """JSON lines on standard output, for our own logger and for every library's."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _where_it_failed,
        _named(service),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Its own would tell an error's message, and count each number of tries apart, for ever.
    stamina.instrumentation.set_on_retry_hooks([_tried_again])
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for chatty in ("aiokafka", "faststream", "alembic", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _tried_again(details: stamina.instrumentation.RetryDetails) -> None:
    log.warning("tried again", times=details.retry_num, exc_info=details.caused_by)


def _named(service: str) -> structlog.typing.Processor:
    def add(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return add


def _where_it_failed(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The class of an error and where it came from; never its message, which may quote what a resident wrote."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = cast("BaseException | None", raised[1] if isinstance(raised, tuple) else raised)
    if isinstance(error, BaseException):
        event["error"] = type(error).__qualname__
        event["at"] = where(error.__traceback__)
        if error.__cause__ is not None:
            event["cause"] = type(error.__cause__).__qualname__
    return event


def where(trace: TracebackType | None, frames: int = 6) -> list[str]:
    """The innermost frames as `file:line function`, without the values in them."""
    return [
        f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-frames:]
    ]
