"""Two services with pages and the demo's provider behind one address, and browsers that come to them."""

import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
import httpx
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.types import Receive, Scope, Send

from deploy.local.issuer import issuer
from deploy.local.issuer_told import Told
from deploy.local.postgres import Dsns
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.service import Service, compose, parts
from services.chassis.settings import ServiceSettings
from services.chassis.signin.page import Csrf, PageStaff, own_form, page_staff_with
from services.chassis.signin.sessions import Sessions
from services.chassis.web.pages import SECURITY_HEADERS
from tests.conftest import Databases
from tests.services import settings_for

SQL = Path(__file__).parents[2] / "services" / "chassis" / "sql"

PUBLIC = "https://doorstep.test"
OWN = {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC}
INSIDE = "/inside"
"""Below it services find each other."""
FACES = {"mediation": "/desk", "notifications": "/duty"}


def pages(face: str) -> APIRouter:
    router = APIRouter()

    @router.get(face)
    async def show(staff: PageStaff, csrf: Csrf) -> dict[str, str]:
        return {"staff": staff.id, "csrf": csrf, "areas": " ".join(staff.areas)}

    @router.get(f"{face}/managers")
    async def managers(_staff: Annotated[Staff, Depends(page_staff_with("manager"))]) -> str:
        return "numbers"

    @router.get(f"{face}/sent")
    @router.post(f"{face}/sent", dependencies=[own_form])
    async def sent(staff: PageStaff) -> str:
        return f"sent by {staff.id}"

    @router.post(f"{face}/do", dependencies=[own_form])
    async def do(staff: PageStaff) -> str:
        return f"done by {staff.id}"

    return router


@dataclass
class Town:
    """Two services and the provider behind one address.

    `gives` is what the provider's token endpoint answers instead of its own word; what it was asked lies in `asked`.
    `silent` are services that don't answer the others.
    """

    apps: dict[str, FastAPI]
    key: RSAKey
    away: bool = False
    gives: Response | None = None
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    silent: set[str] = field(default_factory=set[str])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.away and scope["path"].startswith("/sign-in"):
            raise httpx.ConnectError("the provider is away")
        if self.gives and scope["path"] == "/sign-in/token":
            form = await Request(scope, receive).form()
            self.asked.append({name: str(value) for name, value in form.items()})
            return await self.gives(scope, receive, send)
        first = f"/{scope['path'].split('/')[1]}"
        if first == INSIDE:
            service, path = scope["path"].removeprefix(f"{INSIDE}/").split("/", 1)
            if service in self.silent:
                raise httpx.ConnectError("away")
            if service not in FACES:
                return await Response(status_code=404)(scope, receive, send)
            first, scope = FACES[service], {**scope, "path": f"/{path}", "raw_path": f"/{path}".encode()}
        return await self.apps[first](scope, receive, send)

    def sessions(self, face: str) -> Sessions:
        return self.apps[face].state.sessions

    @asynccontextmanager
    async def giving(self, status: int = 200, **said: object) -> AsyncGenerator[None]:
        """The provider's token endpoint says this, for the length of a block."""
        self.gives = JSONResponse(said, status)
        self.asked.clear()
        try:
            yield
        finally:
            self.gives = None

    @asynccontextmanager
    async def browser(self) -> AsyncGenerator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, follow_redirects=True) as client:
            yield client


@asynccontextmanager
async def face_of(postgres: Databases, town: Town, service: str, **told: Any) -> AsyncGenerator[None]:
    dsns: Dsns = await postgres.create_database(service)
    owner = await asyncpg.connect(dsns.owner)
    for name in ("sessions.sql", "signed_out.sql"):
        await owner.execute((SQL / name).read_text().replace("{service}", service))
    await owner.close()
    told.setdefault("oidc_issuer", f"{PUBLIC}/sign-in")
    told |= {f"{name}_url": f"{PUBLIC}{INSIDE}/{name}" for name in (*FACES, "intake")}
    settings = settings_for(ServiceSettings, dsns, public_url=PUBLIC, **told)
    http = httpx.AsyncClient(transport=httpx.ASGITransport(town))
    made: Service = replace(parts(service, settings), http=http)
    town.apps[FACES[service]] = compose(made, settings, routers=[], pages=[pages(FACES[service])], face=FACES[service])
    yield
    await made.application.dispose()
    await made.worker.dispose()
    await http.aclose()
    await postgres.drop_database(dsns)


@asynccontextmanager
async def built(postgres: Databases, key_file: Path) -> AsyncGenerator[Town]:
    """The provider, and both services."""
    key = RSAKey.generate_key(2048, {"kid": "demo", "use": "sig"})
    town = Town({"/sign-in": issuer(Told(PUBLIC, 0, key_file), key)}, key)
    async with AsyncExitStack() as stack:
        for service in FACES:
            await stack.enter_async_context(face_of(postgres, town, service))
        yield town


async def choose(browser: httpx.AsyncClient, offered: httpx.Response, person: str) -> httpx.Response:
    """Press one of the provider's buttons."""
    assert offered.status_code == 200, offered.text
    [action] = re.findall(r'<form method="post" action="([^"]+)" class="people">', offered.text)
    assert f'value="{person}"' in offered.text
    return await browser.post(action.replace("&amp;", "&"), data={"person": person}, headers=OWN)


async def signed_in(browser: httpx.AsyncClient, person: str = "cadre-lin", page: str = "/desk") -> httpx.Response:
    return await choose(browser, await browser.get(page), person)


def cookies(answer: httpx.Response) -> dict[str, set[str]]:
    """What each cookie that was set comes with, by name."""
    found: dict[str, set[str]] = {}
    for one in answer.headers.get_list("set-cookie"):
        pair, *rest = one.split("; ")
        found[pair.split("=")[0]] = {
            attribute.split("=")[0] if "Max-Age" in attribute else attribute for attribute in rest
        }
    return found


def strict(answer: httpx.Response) -> bool:
    return all(answer.headers.get(name) == value for name, value in SECURITY_HEADERS.items())


async def begun(browser: httpx.AsyncClient, page: str = "/desk") -> dict[str, str]:
    """What our service asked the provider."""
    sent = await browser.get(f"{page}/sign-in", follow_redirects=False)
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}


async def answered(browser: httpx.AsyncClient, asked: dict[str, str], person: str = "cadre-lin") -> dict[str, str]:
    """What the provider answers to it."""
    sent = await browser.post(
        f"/sign-in/authorize?{urlencode(asked)}", data={"person": person}, headers=OWN, follow_redirects=False
    )
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}


async def returned(browser: httpx.AsyncClient, answer: dict[str, str], face: str = "/desk") -> httpx.Response:
    return await browser.get(f"{face}/signed-in?{urlencode(answer)}", follow_redirects=False)


def id_token(town: Town, asked: dict[str, str], header: dict[str, str] | None = None, **changed: Any) -> str:
    claims: dict[str, object] = {
        "iss": f"{PUBLIC}/sign-in",
        "aud": "doorstep",
        "sub": "cadre-lin",
        "iat": int(now().timestamp()),
        "exp": int(now().timestamp()) + 60,
        "nonce": asked["nonce"],
        "doorstep_roles": ["cadre"],
        "doorstep_areas": ["/lakeside/"],
        **changed,
    }
    given = {"alg": "RS256", "typ": "JWT", "kid": "demo", **(header or {})}
    told = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, told, town.key, algorithms=["RS256"])
