"""`doorstep keys` and `doorstep communities`: what an operator does for communities and their programs, by the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from rich.console import Console
from rich.table import Table

from deploy.importing.gateway import reason
from deploy.installation import Installation, NotRunning, this_machines
from deploy.local.production import NotForProduction
from services.chassis.operating.telling import complain
from services.contracts.registry import community_stream

API = "/api/intake/v1/communities"


def list_(area: str) -> None:
    table = Table("key", "scopes", "made", "last used", "ends", "in place of", box=None)
    for key in _ask("GET", f"{_path(area)}/keys")["keys"]:
        ends = f"revoked {_day(key['revoked_at'])}" if key["revoked_at"] else _moment(key["ends_at"])
        used = key["last_used_on"] or "never"
        scopes = ", ".join(key["scopes"])
        table.add_row(key["key_id"], scopes, _day(key["created_at"]), used, ends, key["replaces"] or "")
    Console().print(table)


def issue(area: str, scopes: Sequence[str]) -> None:
    """The key alone goes to standard output."""
    print(_ask("POST", f"{_path(area)}/keys", {"scopes": list(scopes)})["api_key"])


def replace(area: str, key_id: str, overlap_hours: int) -> None:
    """The new key alone goes to standard output."""
    told = _ask("POST", f"{_path(area)}/keys/{key_id}:replace", {"overlap_hours": overlap_hours})
    Console(stderr=True).print(f"{key_id} holds beside it until {_moment(told['old_ends_at'])}.", highlight=False)
    print(told["api_key"])


def revoke(area: str, key_id: str) -> None:
    _ask("POST", f"{_path(area)}/keys/{key_id}:revoke")
    Console().print(f"{key_id} is taken back: within seconds nobody can do anything with it.", highlight=False)


def close(area: str) -> None:
    _ask("POST", f"{_path(area)}:close")
    Console().print(f"{area} takes no new reports. Its cases go on, and so do its receipts.", highlight=False)


def reopen(area: str) -> None:
    _ask("POST", f"{_path(area)}:reopen")
    Console().print(f"{area} takes reports again.", highlight=False)


def _path(area: str) -> str:
    community: UUID = community_stream(area)
    return f"{API}/{community}"


def _ask(method: str, path: str, form: dict[str, Any] | None = None) -> Any:
    """The answer; what the service refuses is told, with exit code 1."""
    here = _installation()
    headers = {"Authorization": f"Bearer {here.token('operator')}", "Idempotency-Key": str(uuid4())}
    try:
        with httpx.Client(base_url=here.url, trust_env=False, timeout=30) as client:
            answer = client.request(method, path, json=form, headers=headers)
    except httpx.TransportError as error:
        complain(f"No answer from {here.url} ({type(error).__name__}): doorstep status")
    if answer.status_code == 404:
        complain(
            "There is no such community, or it has no such key: give its area as GET /api/intake/v1/communities does."
        )
    if not answer.is_success:
        complain(reason(answer))
    return answer.json() if answer.content else None


def _installation() -> Installation:
    try:
        return this_machines()
    except (NotRunning, NotForProduction) as error:
        complain(str(error))


def _day(moment: str | None) -> str:
    return moment[:10] if moment else ""


def _moment(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC" if moment else ""
