"""What Open311's endpoints ask for: which community is meant, what was sent, and whose system sends it."""

import secrets
from typing import Annotated

from fastapi import Depends, Header, Request

from services.chassis import http
from services.intake.credentials import Credential, Scope
from services.intake.endpoints.door import TheDoor
from services.intake.known import Community
from services.intake.open311 import sent
from services.intake.open311.jurisdictions import jurisdiction_of


async def _jurisdiction(door: TheDoor, jurisdiction_id: str | None = None) -> Community:
    return await jurisdiction_of(door, jurisdiction_id)


async def _said(request: Request) -> sent.Said:
    """The form, and what stands in the address; the form counts."""
    async with request.form() as form:
        fields = [*form.multi_items(), *request.query_params.multi_items()]
    return {name: value.strip() for name, value in reversed(fields) if isinstance(value, str) and value.strip()}


Said = Annotated[sent.Said, Depends(_said)]


async def _system(door: TheDoor, said: Said) -> Credential:
    """Raises Unauthenticated, Forbidden."""
    system = await door.credentials.check(said.get("api_key", ""))
    system.require(Scope.REPORT)
    return system


async def _key(idempotency_key: Annotated[str | None, Header()] = None) -> str:
    """GeoReport knows no keys: without one every request is a new one."""
    if idempotency_key is None:
        return secrets.token_hex(32)
    return await http.idempotency_key(idempotency_key)


Jurisdiction = Annotated[Community, Depends(_jurisdiction)]
System = Annotated[Credential, Depends(_system)]
Key = Annotated[str, Depends(_key)]
