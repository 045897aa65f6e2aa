"""How the residents' pages look, and what is said on them when something can't be done."""

from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path

import yaml
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, TypeAdapter

from services.chassis.decider import Refused
from services.chassis.eventstore import KeyReused
from services.chassis.passing import passes
from services.chassis.web.languages import ASKED, Language, asked_for
from services.chassis.web.marked import marked
from services.chassis.web.pages import Assets, Pages
from services.chassis.web.trouble import AWAY, UNREADABLE, again_soon, telling
from services.intake.attachments.refusals import PhotoRefused

INTAKE = Path(__file__).parent.parent

assets = Assets(
    "/assets",
    *(INTAKE / "assets" / name for name in ("resident.css", "poster.css", "receipt.js", "keep.js", "place.js")),
)
pages = Pages(INTAKE / "templates", assets, ("tokens.css", "base.css", "resident.css"))


class HelpAtOnce(BaseModel):
    number: str
    name: str


@cache
def help_at_once() -> list[HelpAtOnce]:
    """Whom to call when somebody is in danger."""
    file = INTAKE / "help_at_once.yaml"
    return TypeAdapter(list[HelpAtOnce]).validate_python(yaml.safe_load(file.read_text()))


class ForeignForm(Exception):
    """The form was sent from a page that is not ours."""


async def own_form(request: Request) -> None:
    """A dependency of every POST: a browser that says that another site sent the form is not listened to."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise ForeignForm


def redirect(request: Request, address: str) -> Response:
    """To a page that can be opened, in the language that was asked for on the way."""
    asked = asked_for(request)
    return RedirectResponse(f"{address}?{ASKED}={asked}" if asked else address, status_code=303)


def refusal(error: Refused, language: Language, zone: tzinfo = UTC) -> str:
    """What the rule says, in the reader's language, an instant by the clock of `zone`."""
    details = dict(error.details)
    if "until" in details:
        details["until"] = language.moment(datetime.fromisoformat(details["until"]), zone)
    return language.gettext(type(error).message).format(**details)


def _trouble(request: Request, error: Exception) -> Response | None:
    match error:
        case ForeignForm():
            return said(request, 403, marked("This form came from another site and was not taken."))
        case RequestValidationError():
            return said(request, 422, UNREADABLE)
        case KeyReused():
            return said(
                request,
                409,
                marked("This report was sent before, with other words. To report something else, begin anew."),
            )
        case Refused():
            language = pages.language(request)
            return pages.render("sentence.html", {"told": refusal(error, language)}, request=request, status=409)
        case PhotoRefused():
            return said(request, error.status, error.message)
        case _ if passes(error):
            return again_soon(said(request, 503, AWAY))
        case _:
            return None


PageRoute = telling(_trouble)
"""What goes wrong is told to residents in one sentence."""


def said(request: Request, status: int, told: str) -> Response:
    """A page of one marked sentence and the way back to the first question."""
    language = pages.language(request)
    context = {"told": language.gettext(told)}
    return pages.render("sentence.html", context, request=request, language=language, status=status)
