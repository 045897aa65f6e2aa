"""/duty/channels: how I am reached when I do not look at the page."""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from services.chassis.auth import Staff
from services.chassis.service import Service
from services.chassis.signin.page import Csrf, own_form, page_staff_with
from services.chassis.web.languages import VARIANTS
from services.chassis.web.marked import marked
from services.chassis.web.pages import Assets, Pages
from services.contracts.cases import Urgency
from services.notifications.answering import ON_DUTY
from services.notifications.deliveries.own_channels import Channels, ask_for_test, forget_own, keep_own, read_own
from services.notifications.deliveries.sending import waits
from services.notifications.pages import DutyRoute

HERE = Path(__file__).parent
ADDRESS = "/duty/channels"

assets = Assets(f"{ADDRESS}/assets", HERE / "assets" / "duty.css", HERE / "assets" / "channels.css")
pages = Pages(HERE / "templates", assets, ("tokens.css", "base.css", "duty.css", "channels.css"))

Reader = Annotated[Staff, Depends(page_staff_with(*ON_DUTY, "operator"))]
Line = Annotated[str, Form(max_length=200)]

_URGENCIES = {
    Urgency.URGENT: marked("urgent"),
    Urgency.ORDINARY: marked("ordinary"),
    Urgency.COMPLEX: marked("complex"),
}
_WRONG = {
    "email": marked("This is no mail address. Write it as name@example.org, or leave the field empty."),
    "phone": marked("This is no telephone number. Write digits, with + before a country code, or leave it empty."),
}
_ELSE_WRONG = marked("That could not be read. Choose again.")
_DONE = {
    "kept": marked("Kept. Ask for a test message to be sure that it reaches you."),
    "asked": marked("A test message is on its way. If it does not come, look at the address again."),
    "forgotten": marked("Forgotten. From now on only the page tells you."),
}

router = APIRouter(route_class=DutyRoute)
router.include_router(assets.router())


@router.get(ADDRESS)
async def show(request: Request, staff: Reader, csrf: Csrf, done: str = "") -> Response:
    channels = await read_own(_parts(request), staff)
    filled = {"email": channels.email or "", "phone": channels.phone or "", "language": channels.language or ""}
    return _page(request, csrf, filled, {one.value for one in channels.urgencies}, {}, notice=_DONE.get(done))


@router.post(ADDRESS, dependencies=[own_form])
async def change(
    request: Request,
    staff: Reader,
    csrf: Csrf,
    do: Annotated[Literal["keep", "test", "forget"], Form()],
    email: Line = "",
    phone: Line = "",
    language: Line = "",
    urgencies: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Keep what the form says; with `test`, send a message there too."""
    if do == "forget":
        await forget_own(_parts(request), staff)
        return RedirectResponse(f"{ADDRESS}?done=forgotten", status_code=303)
    filled = {"email": email.strip(), "phone": phone.strip(), "language": language}
    said = {name: value for name, value in filled.items() if value}
    try:
        wanted = Channels.model_validate({**said, "urgencies": urgencies or []})
    except ValidationError as invalid:
        wrong = {str(error["loc"][0]) for error in invalid.errors(include_input=False, include_url=False)}
        return _page(request, csrf, filled, set(urgencies or []), {one: _WRONG.get(one, _ELSE_WRONG) for one in wrong})
    await keep_own(_parts(request), staff, wanted)
    if do == "test":
        await ask_for_test(_parts(request), staff, waits(request.app.state.settings))
    return RedirectResponse(f"{ADDRESS}?done={'asked' if do == 'test' else 'kept'}", status_code=303)


def _page(
    request: Request,
    csrf: str,
    filled: dict[str, str],
    chosen: set[str],
    wrong: dict[str, str],
    notice: str | None = None,
) -> Response:
    context = {
        "csrf": csrf,
        "filled": filled,
        "chosen": chosen,
        "wrong": wrong,
        "notice": notice,
        "urgencies": _URGENCIES,
        "tongues": VARIANTS,
        "action": ADDRESS,
    }
    return pages.render("channels.html", context, request=request, status=422 if wrong else 200)


def _parts(request: Request) -> Service:
    return request.app.state.service
