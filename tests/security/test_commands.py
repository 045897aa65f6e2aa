"""Default deny: every command of every service, asked for by every role and by nobody, answers as the table says."""

import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OKPKey

from services.chassis.auth import AUDIENCE, ISSUER, ROLES, STAFF_TYPE
from services.chassis.clock import now
from services.chassis.service import Service
from tests.security.commands import ANYBODY_READS, COMMANDS, READS, Allowed
from tests.security.routes import Route, routes_of, without_databases
from tests.services import keyed, staff, staff_key

NOBODY = "nobody"
SOME_ID = "019a0000-0000-7000-8000-000000000000"
REFUSED = {401, 403}


def commands() -> list[Route]:
    return [route for route in routes_of(without_databases()) if route.method not in ("GET", "OPTIONS")]


@pytest.fixture(scope="module")
def apps() -> dict[str, FastAPI]:
    return without_databases()


@pytest.fixture(scope="module")
async def clients(apps: dict[str, FastAPI]) -> AsyncGenerator[dict[str, httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        opened: dict[str, httpx.AsyncClient] = {}
        for service, app in apps.items():
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://doorstep.test")
            opened[service] = await stack.enter_async_context(client)
            parts: Service = app.state.service
            stack.push_async_callback(parts.application.dispose)
            stack.push_async_callback(parts.worker.dispose)
        yield opened


async def asked(
    clients: dict[str, httpx.AsyncClient], route: Route, allowed: Allowed, who: dict[str, str]
) -> httpx.Response:
    path = re.sub(r"{(\w+)}", lambda found: allowed.words.get(found[1], SOME_ID), route.path)
    return await clients[route.service].request(
        route.method,
        path,
        headers={**who, **keyed(), "Sec-Fetch-Site": "same-origin"},
        json={} if allowed.form is None else None,
        data=allowed.form,
    )


def test_every_command_stands_in_the_table_and_no_other() -> None:
    there = {str(route) for route in commands()}
    assert len(there) > 25  # the walk itself works
    missing, gone = sorted(there - COMMANDS.keys()), sorted(COMMANDS.keys() - there)
    assert not missing, f"nobody has said who may call {missing}: add each to tests/security/commands.py, under a role"
    assert not gone, f"these are in tests/security/commands.py and in no service: {gone}; remove them there"


@pytest.mark.parametrize("route", commands(), ids=str)
@pytest.mark.parametrize("who", [NOBODY, *sorted(ROLES)])
async def test_a_command_answers_only_whom_the_table_names(
    clients: dict[str, httpx.AsyncClient], route: Route, who: str
) -> None:
    """Without a database: who may call gets as far as a form that is wrong, or a store that is away."""
    allowed = COMMANDS.get(str(route))
    assert allowed is not None, "see test_every_command_stands_in_the_table_and_no_other"
    await judged(clients, route, allowed, who)


async def judged(clients: dict[str, httpx.AsyncClient], route: Route, allowed: Allowed, who: str) -> None:
    answer = await asked(clients, route, allowed, {} if who == NOBODY else staff(who))
    if allowed.anybody or who in allowed.roles:
        assert answer.status_code not in REFUSED, answer.text
    elif allowed.others:
        # What is no such key or receipt at all is not known, or not there, or is asked for by a page.
        back = answer.status_code == 303 and answer.headers["location"] == "/case"
        assert back or answer.status_code in allowed.refused, answer.text
    elif who == NOBODY and route.is_page:
        assert answer.status_code == 303
        assert "/sign-in?next=" in answer.headers["location"]
    else:
        assert answer.status_code == (401 if who == NOBODY else 403), answer.text


def reads() -> list[Route]:
    return [route for route in routes_of(without_databases()) if route.method == "GET"]


def test_every_route_that_reads_stands_in_the_table_or_is_anybody_s() -> None:
    there = {str(route) for route in reads()}
    assert len(there) > 50  # the walk itself works
    anybody = {route for route in there if any(re.fullmatch(known, route) for known in ANYBODY_READS)}
    missing, gone = sorted(there - READS.keys() - anybody), sorted(READS.keys() - there)
    assert not missing, f"nobody has said who may read {missing}: add each to READS in tests/security/commands.py"
    assert not gone, f"these are in READS of tests/security/commands.py and in no service: {gone}; remove them there"
    assert not anybody & READS.keys(), "described twice"
    for known in ANYBODY_READS:
        assert any(re.fullmatch(known, route) for route in there), f"no route is like {known}; remove it"


@pytest.mark.parametrize("route", [route for route in reads() if str(route) in READS], ids=str)
@pytest.mark.parametrize("who", [NOBODY, *sorted(ROLES)])
async def test_a_route_that_reads_answers_only_whom_the_table_names(
    clients: dict[str, httpx.AsyncClient], route: Route, who: str
) -> None:
    await judged(clients, route, READS[str(route)], who)


def in_role(*roles: str) -> dict[str, str]:
    """Headers with a token that names these roles, whatever they are."""
    issued = int(now().timestamp())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "roles": roles, "areas": ["/"], "exp": issued + 60}
    key = OKPKey.import_key(staff_key().private)
    token = jwt.encode({"alg": "Ed25519", "typ": STAFF_TYPE}, claims, key, algorithms=["Ed25519"])
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("roles", [(), ("gardener", "Operator", "root")], ids=["none", "unknown ones"])
async def test_who_has_no_role_that_doorstep_knows_may_do_nothing(
    clients: dict[str, httpx.AsyncClient], roles: tuple[str, ...]
) -> None:
    for route in commands():
        allowed = COMMANDS.get(str(route))
        if allowed is None or not allowed.roles:
            continue
        answer = await asked(clients, route, allowed, in_role(*roles))
        assert answer.status_code == 403, route
