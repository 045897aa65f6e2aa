"""How Open311 answers: in the format that the address ends in, in the reader's language, and what goes wrong alike."""

from fastapi import APIRouter, Depends, Request, Response

from services.chassis.web.languages import DEFAULT, Language, spoken, translator
from services.chassis.web.trouble import telling
from services.intake.open311.formats import MEDIA_TYPES, Format, Value, write
from services.intake.open311.refusals import NotAnswered, refusal_of

_NO_FORMAT = "There is nothing at this address. Ask for xml or json."


def open311_router() -> APIRouter:
    """Routes of Open311: what goes wrong is told as a list of errors."""
    return APIRouter(prefix="/open311", route_class=telling(_told), dependencies=[Depends(_in_a_format)])


async def _in_a_format(request: Request) -> None:
    if _format(request) is None:
        raise NotAnswered(404, _NO_FORMAT)


def _told(request: Request, error: Exception) -> Response | None:
    refusal = refusal_of(error)
    return _refused(request, refusal) if refusal else None


def answer(request: Request, root: str, content: Value) -> Response:
    """`root` names the content in XML."""
    return _written(request, root, content, 200, language_of(request).code)


def language_of(request: Request) -> Language:
    return translator(spoken(request), "intake")


def _refused(request: Request, refusal: NotAnswered) -> Response:
    """Errors are for those who write programs: one language, and XML where no format of ours was asked for."""
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
