"""What our OpenAPI documents say besides what FastAPI finds out: of problems, and of headers."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from services.chassis.problems import MEDIA_TYPE

_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
_REQUIRED = {"idempotency-key", "doorstep-receipt"}
"""Headers that FastAPI takes for optional, because it is we who say what is wrong when they are missing."""


def complete(app: FastAPI) -> None:
    """Let `app` tell its document with that."""
    found = app.openapi

    def openapi() -> dict[str, Any]:
        document = found()
        for path in document["paths"].values():
            for operation in path.values():
                for response in operation["responses"].values():
                    _as_problem(response)
                for parameter in operation.get("parameters", ()):
                    if parameter["in"] == "header":
                        _as_header(parameter)
        return document

    app.openapi = openapi


def _as_problem(response: dict[str, Any]) -> None:
    """FastAPI takes each model for plain JSON."""
    if response.get("content", {}).get("application/json") == _PROBLEM:
        response["content"] = {MEDIA_TYPE: _PROBLEM}


def _as_header(parameter: dict[str, Any]) -> None:
    """A header is there or not; there is no null that could be sent."""
    parameter["required"] |= parameter["name"].lower() in _REQUIRED
    schema: dict[str, Any] = parameter["schema"]
    one_of: list[Mapping[str, Any]] = schema.pop("anyOf", [])
    for kind in one_of:
        if kind != {"type": "null"}:
            schema |= kind
