"""What Open311's endpoints ask for: which community is meant, what was sent, and whose system sends it."""

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from services.chassis import http
from services.intake.credentials import Credential, Scope
from services.intake.endpoints.door import TheDoor
from services.intake.known import Community
from services.intake.open311 import sent
from services.intake.open311.jurisdictions import jurisdiction_of
from services.intake.open311.refusals import NO_FILES, NotAnswered


async def _jurisdiction(door: TheDoor, jurisdiction_id: str | None = None) -> Community:
    return await jurisdiction_of(door, jurisdiction_id)


@dataclass(frozen=True, slots=True)
class _Sent:
    said: sent.Said
    files: bool


async def _sent(request: Request, door: TheDoor) -> _Sent:
    """The form, and what stands in the address; the form counts.

    Starlette would write a file to disk as it came, before we know who sends it.
    """
    async with door.uploads.form(request) as form:
        fields = [*request.query_params.multi_items(), *form.fields.items()]
        return _Sent({name: value for name, text in fields if (value := text.strip())}, bool(form.files))


async def _system(door: TheDoor, form: Annotated[_Sent, Depends(_sent)]) -> Credential:
    """Raises Unauthenticated, Forbidden."""
    system = await door.credentials.check(form.said.get("api_key", ""))
    system.require(Scope.REPORT)
    return system


System = Annotated[Credential, Depends(_system)]


async def _said(_system: System, form: Annotated[_Sent, Depends(_sent)]) -> sent.Said:
    """Raises NotAnswered: files come with it."""
    if form.files:
        raise NotAnswered(400, NO_FILES)
    return form.said


async def _key(idempotency_key: Annotated[str | None, Header()] = None) -> str:
    """GeoReport knows no keys: without one every request is a new one."""
    if idempotency_key is None:
        return secrets.token_hex(32)
    return await http.idempotency_key(idempotency_key)


Jurisdiction = Annotated[Community, Depends(_jurisdiction)]
Said = Annotated[sent.Said, Depends(_said)]
Key = Annotated[str, Depends(_key)]
