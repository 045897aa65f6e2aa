"""Open311: where it is, and what can be reported."""

from fastapi import Request, Response

from services.intake.address import public_url
from services.intake.endpoints.open311.answering import answer, language_of, open311_router
from services.intake.endpoints.open311.door import Jurisdiction
from services.intake.open311.discovery import discovery
from services.intake.open311.offered import definition, listed, service_of, services
from services.intake.open311.refusals import NO_SERVICE, NotAnswered

router = open311_router()


@router.get("/discovery.{format}")
async def discover(request: Request) -> Response:
    """Where the endpoint is, which formats it speaks, and how to get a key."""
    return answer(request, "discovery", discovery(public_url(request), language_of(request)))


@router.get("/v2/services.{format}")
async def read_services(request: Request, _jurisdiction: Jurisdiction) -> Response:
    """The same in every jurisdiction."""
    language = language_of(request)
    return answer(request, "services", [listed(service, language) for service in services()])


@router.get("/v2/services/{service_code}.{format}")
async def read_definition(request: Request, service_code: str, _jurisdiction: Jurisdiction) -> Response:
    """What a service asks for besides."""
    service = service_of(service_code)
    if service is None:
        raise NotAnswered(404, NO_SERVICE)
    return answer(request, "service_definition", definition(service, language_of(request)))
