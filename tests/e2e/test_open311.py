"""A GeoReport client that others wrote, unchanged, against the whole stack: it reads what was reported to it."""

from secrets import token_hex
from typing import Any

import httpx
import pytest
from georeport import GeoReport

from tests.e2e.conftest import Stack
from tests.e2e.waiting import until

API = "/api/intake/v1"


@pytest.mark.parametrize("written", ["json", "xml"])
def test_a_client_from_elsewhere_finds_the_request(stack: Stack, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    area = f"open311-{token_hex(4)}"
    with httpx.Client(base_url=stack.url, trust_env=False, timeout=30) as http:
        operator = {"Authorization": f"Bearer {stack.token('operator')}"}
        place = {"area": f"/{area}/", "name": "Lane", "time_zone": "Asia/Shanghai"}
        community = http.post(f"{API}/communities", json=place, headers=operator).raise_for_status().json()
        form = {
            "api_key": community["api_key"],
            "jurisdiction_id": area,
            "service_code": "tree",
            "address_string": "Gate 3",
        }
        sent = http.post("/open311/v2/requests.json", data=form).raise_for_status().json()
        [endpoint] = http.get("/open311/discovery.json").raise_for_status().json()["endpoints"]
    client: Any = GeoReport(endpoint["url"], jurisdiction=area, output_format=written)

    services = {service["service_code"]: service for service in client.get_service_list()}
    assert services["tree"]["service_name"] == "Trees"
    assert client.get_service_definition("tree")["service_code"] == "tree"

    def there() -> Any:
        try:
            return client.get_service_request(sent[0]["service_request_id"])
        except OSError:  # what the client raises for a 404, as long as the report is on its way
            return None

    request = until(there, "the request")
    assert (request["status"], request["agency_responsible"]) == ("open", "Lane")
    found: Any = client.get_service_requests(status="open", service_code="tree")
    [only] = found if written == "json" else [found]
    assert only["service_request_id"] == request["service_request_id"] == sent[0]["service_request_id"]
