"""Where readers find Doorstep, and in it a community."""

from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from services.contracts.event import AreaPath
from services.intake.settings import IntakeSettings

_AREA: TypeAdapter[str] = TypeAdapter(AreaPath)


def public_url(request: Request) -> str:
    """With a slash at its end."""
    settings: IntakeSettings = request.app.state.settings
    return f"{(settings.public_url or str(request.base_url)).rstrip('/')}/"


def jurisdiction_id(area: str) -> str:
    """A community's name in addresses and for Open311: `/lakeside/east/willow-lane/` is `lakeside.east.willow-lane`."""
    return area.strip("/").replace("/", ".")


def area_of(jurisdiction: str) -> str | None:
    """The path of the area; none: it can't be one."""
    try:
        return _AREA.validate_python(f"/{jurisdiction.replace('.', '/')}/")
    except ValidationError:
        return None


def at_address(request: Request, area: str) -> str:
    """The first page with the community of this area filled in: what the code on a poster holds."""
    return f"{public_url(request)}at/{jurisdiction_id(area)}"


def poster_address(request: Request, area: str) -> str:
    return f"{at_address(request, area)}/poster"
