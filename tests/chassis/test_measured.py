"""Every answer is counted under its route's template and has the headers that every answer has."""

import httpx
from fastapi import FastAPI, Request, Response
from prometheus_client import REGISTRY

from services.chassis import problems
from services.chassis.http import BEHIND
from services.chassis.measured import Measured
from services.chassis.tracing import OFF


def served() -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(Measured, name="measured", tracing=OFF)
    problems.install(app, "chassis")

    @app.get("/things/{name}")
    async def thing(request: Request, name: str) -> Response:
        if name == "broken":
            raise ZeroDivisionError
        if name == "behind":
            request.state.behind = "mediation:a:1"
        return Response("here", headers={"Cache-Control": "max-age=60"} if name == "kept" else None)

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://doorstep.test")


def counted(status: int, route: str = "/things/{name}", method: str = "GET") -> float:
    labels = {"service": "measured", "route": route, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("doorstep_http_requests_total", labels) or 0.0


async def test_what_was_answered_is_counted_even_when_it_broke() -> None:
    before = [counted(200), counted(500), counted(404, "none", "_OTHER")]
    async with served() as client:
        await client.get("/things/sound")
        assert (await client.get("/things/broken")).status_code == 500
        await client.request("PROPFIND", "/elsewhere")
    assert [counted(200), counted(500), counted(404, "none", "_OTHER")] == [number + 1 for number in before]


async def test_every_answer_has_the_headers_unless_it_says_otherwise() -> None:
    async with served() as client:
        plain, kept, behind = [await client.get(f"/things/{name}") for name in ("plain", "kept", "behind")]
    assert plain.headers["Cache-Control"] == "no-store"
    assert plain.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert BEHIND not in plain.headers
    assert kept.headers["Cache-Control"] == "max-age=60"
    assert behind.headers[BEHIND] == "mediation:a:1"
