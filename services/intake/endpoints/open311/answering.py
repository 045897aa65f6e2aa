"""How Open311 answers: in the format that the address ends in, in the reader's language, and what goes wrong alike."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from services.chassis.web.languages import DEFAULT, Language, spoken, translator
from services.intake.open311.formats import MEDIA_TYPES, Format, Value, write
from services.intake.open311.refusals import NotAnswered, refusal_of

_NO_FORMAT = "There is nothing at this address. Ask for xml or json."


class Open311Route(APIRoute):
    """What goes wrong is told as a list of errors; in XML where no format that we speak was asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                if _format(request) is None:
                    raise NotAnswered(404, _NO_FORMAT)
                return await handler(request)
            except Exception as error:
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                return _refused(request, refusal)

        return answered


def open311_router() -> APIRouter:
    return APIRouter(prefix="/open311", route_class=Open311Route)


def answer(request: Request, root: str, content: Value) -> Response:
    """`root` names the content in XML."""
    return _written(request, root, content, 200, language_of(request).code)


def language_of(request: Request) -> Language:
    return translator(spoken(request), "intake")


def _refused(request: Request, refusal: NotAnswered) -> Response:
    """Errors are for those who write programs, and have one language."""
    errors = [{"code": refusal.code, "description": description} for description in refusal.descriptions]
    told = _written(request, "errors", errors, refusal.code, DEFAULT)
    told.headers.update(refusal.headers)
    return told


def _written(request: Request, root: str, content: Value, status: int, language: str) -> Response:
    written = _format(request) or Format.XML
    return Response(
        write(root, content, written),
        status_code=status,
        media_type=MEDIA_TYPES[written],
        headers={"Content-Language": language},
    )


def _format(request: Request) -> Format | None:
    written = request.path_params.get("format")
    return Format(written) if written in set(Format) else None
