"""Requests by the thousand, sound and unsound, to every route: every answer is one that its document tells of."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from deploy.local.state import SERVICES
from tests.e2e.conftest import Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.long

AREA = "/fuzz/east/willow/"
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"),
    *("response_headers_conformance", "unsupported_method"),
)
ROLES = ("operator", "supervisor", "mediator", "a community's key")
"""Between them they may do everything."""
REQUESTS_OF_A_ROUTE = 50
SEED = 1
Values = list[str] | list[int]
CASES = 20


@pytest.fixture(scope="module")
def known(stack: Stack) -> Generator[dict[str, Values]]:
    """What requests may speak of, by the names that parameters have; and a community's key, under `key`."""
    operator = {"Authorization": f"Bearer {stack.token('operator')}"}
    with httpx.Client(base_url=stack.url, headers=operator, trust_env=False, timeout=30.0) as http:

        def post(path: str, form: dict[str, Any], **headers: str) -> Any:
            answer = http.post(path, json=form, headers={"Idempotency-Key": token_hex(16), **headers})
            answer.raise_for_status()
            return answer.json()

        for path, name in (("/fuzz/", "Fuzz"), ("/fuzz/east/", "East")):
            post("/api/intake/v1/areas", {"path": path, "name": name})
        place = {"area": AREA, "name": "Willow Lane", "time_zone": "Asia/Shanghai"}
        community = post("/api/intake/v1/communities", place)["community_id"]
        key = post(
            f"/api/intake/v1/communities/{community}/keys", {"scopes": ["report", "history", "events", "webhooks"]}
        )
        form = {"community": community, "kind": "fault", "category": "water-leak", "text": "A pipe has burst."}
        reports = [post("/api/intake/v1/reports", form) for _ in range(CASES)]
        cases = [one["case_id"] for one in reports]

        def alerts() -> list[str] | None:
            found = http.get("/api/notifications/v1/alerts", params={"limit": 500}).json()["alerts"]
            mine = [one["alert_id"] for one in found if one["case_id"] in cases]
            return mine if len(mine) == len(cases) else None

        yield {
            "path.case_id": cases,
            "body.into": cases,
            "body.community": [community],
            "path.community_id": [community],
            "path.alert_id": until(alerts, "an alert of each case"),
            "header.doorstep-position": [f"intake:{case}:1" for case in cases],
            "header.doorstep-receipt": [one["receipt"] for one in reports],
            "query.area": [AREA, "/fuzz/", "/"],
            "body.area": [AREA],
            "query.wait": [0],
            "key": [key["api_key"]],
        }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_is_one_that_its_document_tells_of(
    stack: Stack, known: dict[str, Values], service: str, role: str, tmp_path: Path
) -> None:
    token = str(known["key"][0]) if role == "a community's key" else stack.token(role)
    config = tmp_path / "schemathesis.toml"
    config.write_text(_config({name: values for name, values in known.items() if name != "key"}))
    asked = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "--no-color", "run"),
            f"{stack.url}/api/{service}/openapi.json",
            *("--header", f"Authorization: Bearer {token}"),
            *("--exclude-operation-id", "stream_alerts"),  # it never ends; tests/notifications/test_stream.py
            *("--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing"),
            *("--max-examples", str(REQUESTS_OF_A_ROUTE), "--seed", str(SEED)),
            *("--continue-on-failure", "--generation-database", "none", "--warnings", "off"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    print(asked.stdout[-600:])
    assert asked.returncode == 0, asked.stdout + asked.stderr


def _config(known: dict[str, Values]) -> str:
    """Most of what requests speak of is there; the rest is made up. What would be waited for is always there."""
    lines: list[str] = []
    for nth, values in enumerate(known.values()):
        lines += [f"[dictionaries.known{nth}]", f"values = {values}"]
    lines.append("[parameters]")
    for nth, name in enumerate(known):
        probability = 1.0 if name in ("header.doorstep-position", "query.wait") else 0.6
        lines.append(f'"{name}" = {{ dictionary = "known{nth}", probability = {probability} }}')
    return "\n".join(lines)
