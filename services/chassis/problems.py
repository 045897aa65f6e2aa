"""Errors for people: every error leaves as application/problem+json that names the field and the remedy (RFC 9457)."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from services.chassis.auth import Forbidden, Unauthenticated
from services.chassis.commands import UnknownStream
from services.chassis.decider import Refused
from services.chassis.eventstore import KeyReused, StaleVersion, StoreUnavailable
from services.chassis.passing import note_away, passes
from services.chassis.telemetry import log
from services.chassis.web.languages import spoken, translator
from services.chassis.web.marked import marked

MEDIA_TYPE = "application/problem+json"


class Fault(BaseModel):
    """One thing wrong in the input: where, what, and what to do about it."""

    field: str
    message: str
    remedy: str


class Problem(BaseModel):
    """The body of every error answer."""

    type: str
    title: str
    status: int
    detail: str | None = None
    faults: list[Fault] = []


class ProblemError(Exception):
    """Raise to answer with a problem. `code` is stable and for programs, `title` is for people."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.headers = headers
        self.problem = Problem(
            type=f"urn:doorstep:{code}", title=title, status=status, detail=detail, faults=list(faults)
        )


def unprocessable(field: str, message: str, remedy: str) -> ProblemError:
    """422 for one field."""
    return ProblemError(
        422,
        "invalid",
        marked("The request can't be taken as it is"),
        faults=[Fault(field=field, message=message, remedy=remedy)],
    )


_ADVICE: dict[str, tuple[str, str]] = {
    "missing": ("is missing", "Add it."),
    "string_too_short": ("is shorter than {min_length} characters", "Write more."),
    "string_too_long": (
        "is longer than {max_length} characters",
        "Shorten it to {max_length} characters or fewer.",
    ),
    "string_pattern_mismatch": ("is not in the form asked for", "Write it to match {pattern}"),
    "string_type": ("is not text", "Send a JSON string."),
    "string_unicode": ("is not well-formed Unicode", "Send text in UTF-8, without halves of characters."),
    "enum": ("is not one of the known values", "Use one of: {expected}."),
    "literal_error": ("is not one of the known values", "Use one of: {expected}."),
    "json_invalid": ("is not JSON", "Send one well-formed JSON object in UTF-8."),
    "model_attributes_type": ("is not an object", "Send a JSON object."),
    "model_type": ("is not an object", "Send a JSON object."),
    "dict_type": ("is not an object", "Send a JSON object."),
    "extra_forbidden": (
        "is more than is asked for",
        "Send only the fields that the OpenAPI document lists.",
    ),
    "bool_parsing": ("is neither true nor false", "Send true or false."),
    "greater_than_equal": ("is too small", "Send at least {ge}."),
    "less_than_equal": ("is too large", "Send at most {le}."),
    "greater_than": ("is too small", "Send more than {gt}."),
    "less_than": ("is too large", "Send less than {lt}."),
    "time_parsing": ("is not a time of day", "Write it as 18:00."),
    "timezone_aware": ("has no time zone", "Add an offset, as in 2026-03-01T09:30:00+08:00."),
    "uuid_type": ("is not a UUID", "Send it as 8-4-4-4-12 hexadecimal digits."),
    "uuid_parsing": ("is not a UUID", "Send it as 8-4-4-4-12 hexadecimal digits."),
    "date_from_datetime_parsing": ("is not a date", "Write it as 2026-03-01."),
    "date_parsing": ("is not a date", "Write it as 2026-03-01."),
    "datetime_parsing": ("is not a point in time", "Write it as 2026-03-01T09:30:00+08:00."),
    "datetime_from_date_parsing": ("is not a point in time", "Write it as 2026-03-01T09:30:00+08:00."),
    "int_parsing": ("is not a whole number", "Send a whole number."),
    "too_long": ("has too many entries", "Send at most {max_length}."),
    "too_short": ("has too few entries", "Send {min_length} or more."),
}

_FIELD_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}|[0-9]+", re.ASCII)
"""What a field of ours may look like; a caller's own name for one may hold anything, and is not repeated."""


def faults_of(errors: Sequence[Mapping[str, Any]], skip: int = 0) -> list[Fault]:
    """pydantic's errors in our words, without a character of the input. `skip` drops leading parts of the path.

    A validator of our own raises ValueError("message|remedy"); both parts are ours, never the caller's.
    """
    faults: list[Fault] = []
    for error in errors:
        location = takewhile(_FIELD_NAME.fullmatch, map(str, error["loc"][skip:]))
        context: dict[str, Any] = dict(error.get("ctx") or {})
        if error["type"] == "value_error" and "|" in str(context.get("error", "")):
            message, remedy = str(context["error"]).split("|", 1)
        else:
            message, remedy = _ADVICE.get(
                error["type"], ("is not valid", "See the OpenAPI document for what is asked.")
            )
            message, remedy = message.format_map(_Gaps(context)), remedy.format_map(_Gaps(context))
        faults.append(Fault(field=".".join(location) or "body", message=message, remedy=remedy))
    return faults


class _Gaps(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(
        problem.model_dump(exclude_none=True, exclude_defaults=False),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def describe(error: Exception) -> ProblemError | None:
    """The one mapping from errors of the domain and the store to problems."""
    match error:
        case ProblemError():
            return error
        case Refused():
            return ProblemError(
                409, f"refused:{type(error).__name__}", marked("Not possible as things stand"), str(error)
            )
        case UnknownStream():
            return ProblemError(404, "unknown", error.title, error.detail)
        case StaleVersion():
            return ProblemError(
                412, "stale", marked("Somebody else changed it meanwhile"), marked("Read it again, then repeat.")
            )
        case KeyReused():
            return ProblemError(
                422,
                "key-reused",
                marked("This Idempotency-Key was used for another request"),
                faults=[
                    Fault(
                        field="Idempotency-Key",
                        message="was sent before with other content",
                        remedy="Repeat the first request unchanged, or send this one under a new key.",
                    )
                ],
            )
        case StoreUnavailable():
            return ProblemError(
                503,
                "unavailable",
                marked("Doorstep can't store anything just now"),
                marked("Nothing is lost: send the same request again with the same Idempotency-Key."),
                headers={"Retry-After": "2"},
            )
        case Unauthenticated():
            return ProblemError(
                401,
                "unauthenticated",
                marked("Say who you are"),
                marked("Send `Authorization: Bearer …` with a token or key that is valid for this address."),
                headers={"WWW-Authenticate": "Bearer"},
            )
        case Forbidden(needed=needed):
            return ProblemError(
                403, "forbidden", marked("Your role does not allow this"), f"It takes one of: {', '.join(needed)}."
            )
        case _:
            return None


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description}
    for status, description in {
        401: "Who you are is not known",
        403: "Your role does not allow it",
        404: "Not there, or not in your areas",
        409: "A rule says no; `detail` says what to do",
        412: "It has changed since the version you saw",
        422: "A field is wrong; `faults` names it and the remedy",
        503: "Stored nothing; repeat with the same key",
    }.items()
}


TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {"model": Problem, "description": "Too many; `Retry-After` says when to send it again"}
}
"""For `responses` of routes that have a limit."""


ProblemPage = Callable[[Request, Problem, Mapping[str, str]], Response]

_FOR_PROGRAMS = re.compile(r"/(api|open311|internal)(/|$)")


def opened_by_hand(request: Request) -> bool:
    """Whether a browser asks for a whole page, and so for somebody who reads it."""
    return (
        "text/html" in request.headers.get("Accept", "")
        and "HX-Request" not in request.headers
        and not _FOR_PROGRAMS.match(request.url.path)
    )


def install(app: FastAPI, service: str, page: ProblemPage | None = None) -> None:
    """Make every error of `app` a problem, told in the language that the request asks for.

    Where an address was opened by hand, it is the `page` made of it, in that language or the installation's.
    """

    def told(
        request: Request, problem: Problem, headers: Mapping[str, str] | None = None, refused: Refused | None = None
    ) -> Response:
        shown = page if opened_by_hand(request) else None
        language = translator(
            spoken(request, request.app.state.settings.language) if shown else spoken(request), service
        )
        detail = problem.detail and language.gettext(problem.detail)
        if refused is not None:
            detail = language.gettext(refused.message).format(**refused.details)
        said = problem.model_copy(update={"title": language.gettext(problem.title), "detail": detail})
        headers = {**(headers or {}), "Content-Language": language.code}
        return shown(request, said, headers) if shown else answer(said, headers)

    async def on_described(request: Request, error: Exception) -> Response:
        described = describe(error)
        assert described is not None
        refused = error if isinstance(error, Refused) else None
        return told(request, described.problem, described.headers, refused)

    for kind in (
        ProblemError, Refused, UnknownStream, StaleVersion, KeyReused, StoreUnavailable, Unauthenticated, Forbidden
    ):  # fmt: skip
        app.add_exception_handler(kind, on_described)

    async def on_database(request: Request, error: Exception) -> Response:
        """A read that found no database is told so, as a write is."""
        if not passes(error):
            return await on_anything_else(request, error)
        note_away(error, route=route_of(request))
        return await on_described(request, StoreUnavailable())

    for kind in (DBAPIError, PoolTimeout, OSError):
        app.add_exception_handler(kind, on_database)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors: Sequence[Mapping[str, Any]] = error.errors()
        problem = Problem(
            type="urn:doorstep:invalid",
            title=marked("The request can't be taken as it is"),
            status=422,
            faults=faults_of([{**e, "loc": e["loc"][1:] if e["type"] != "json_invalid" else ()} for e in errors]),
        )
        return told(request, problem)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 400:  # FastAPI's word for a body that it could not decode
            return told(
                request, unprocessable("body", "is not JSON in UTF-8", "Send one well-formed JSON object.").problem
            )
        titles = {
            404: marked("There is nothing at this address"),
            405: marked("This address does not take that method"),
        }
        title = titles.get(error.status_code, marked("The request can't be taken as it is"))
        problem = Problem(type=f"urn:doorstep:http-{error.status_code}", title=title, status=error.status_code)
        return told(request, problem, error.headers)

    async def on_anything_else(request: Request, error: Exception) -> Response:
        log.error("request failed", route=route_of(request), exc_info=error)
        problem = Problem(
            type="urn:doorstep:failed",
            title=marked("Something went wrong on our side"),
            status=500,
            detail=marked(
                "Send the same request again with the same Idempotency-Key; if it fails again, tell the operator."
            ),
        )
        return told(request, problem)

    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_anything_else)


def route_of(request: Request) -> str | None:
    """The template of its address, for a log: the address itself may hold anything."""
    return getattr(request.scope.get("route"), "path_format", None)
