"""The gateway in front of stand-in services: who gets what, and what nobody gets."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from granian.http import HTTP1Settings

from deploy.local.gateway import BODY_BYTES, CLIENT, IDLE_SECONDS, PICTURE_BYTES, Gateway
from deploy.local.state import SERVICES, free_ports
from services.chassis.web.languages import VARIANTS
from tests.conftest import running


@dataclass
class Front:
    """The gateway's address, and the services behind it by name."""

    url: str
    log: Path
    services: dict[str, ThreadingHTTPServer] = field(default_factory=dict[str, ThreadingHTTPServer])

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.get(httpx.URL(self.url, raw_path=path.encode()), headers=headers, timeout=10)


def _service(name: str) -> ThreadingHTTPServer:
    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"service": name, "path": self.path, "headers": dict(self.headers)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + ("broken" in self.path)))
            self.close_connection = True
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Echo)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Generator[Front]:
    folder = tmp_path_factory.mktemp("gateway")
    services = {name: _service(name) for name in (*SERVICES, "issuer", "mailbox")}
    for server in services.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    (port,) = free_ports(1)
    ports = {name: server.server_port for name, server in services.items()}
    gateway = Gateway(folder, port, {name: ports[name] for name in SERVICES}, ports["issuer"], ports["mailbox"])
    gateway.create()
    log = folder / "gateway.log"
    try:
        with running(gateway.command(), gateway.answers, log):
            yield Front(gateway.url, log, services)
    finally:
        for server in services.values():
            server.shutdown()
            server.server_close()


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "intake"),
        ("/report", "intake"),
        ("/open311/v2/requests.json", "intake"),
        ("/desk", "mediation"),
        ("/desk/cases/1", "mediation"),
        ("/desktop", "intake"),
        ("/duty", "notifications"),
        ("/board", "reporting"),
        ("/sign-in/authorize", "issuer"),
        ("/mail/", "mailbox"),
        ("/mailing", "intake"),
        *((f"/api/{name}/v1/things?x=1", name) for name in SERVICES),
    ],
)
def test_each_address_reaches_its_service_unchanged(front: Front, path: str, service: str) -> None:
    answer = front.get(path).json()
    assert (answer["service"], answer["path"]) == (service, path)


@pytest.mark.parametrize(
    "path",
    [
        "/internal",
        "/internal/particulars:read",
        "/api/intake/internal/particulars:read",
        "/api/intake/v1/internal/particulars:read",
        "/api/intake/%69nternal/particulars:read",
        "/api/intake//internal/x",
        "/api/intake/v1/../internal/x",
        "/api/intake/v1/%2e%2e/internal/x",
        "/API/Intake/INTERNAL/x",
        "//internal/x",
        "/./internal/x",
        "/api/nobody/v1/x",
    ],
)
def test_what_is_internal_is_not_there(front: Front, path: str) -> None:
    answer = front.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_nobody_learns_the_callers_address(front: Front) -> None:
    forged = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    told = front.get("/api/intake/v1/x", forged).json()["headers"]
    assert not {"x-forwarded-for", "x-real-ip", "forwarded", "via"} & {name.lower() for name in told}
    assert "192.0.2.7" not in json.dumps(told)


@pytest.mark.parametrize("path", ["/api/intake/v1/x", "/open311/v2/requests.json", "/case"])
def test_intake_alone_is_told_whom_to_count_and_nobody_can_say_it_for_themselves(front: Front, path: str) -> None:
    told = {name.lower(): value for name, value in front.get(path, {CLIENT: "192.0.2.7"}).json()["headers"].items()}
    assert told[CLIENT.lower()] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/api/mediation/v1/x", "/desk", "/duty", "/board", "/mail/", "/sign-in/authorize"])
def test_no_other_service_is(front: Front, path: str) -> None:
    told = front.get(path, {CLIENT: "192.0.2.7"}).json()["headers"]
    assert CLIENT.lower() not in {name.lower() for name in told}


def test_a_body_beyond_the_limit_is_refused_with_the_remedy(front: Front) -> None:
    answer = httpx.post(f"{front.url}/api/intake/v1/reports:bulk", content=b"x" * (BODY_BYTES + 1), timeout=30)
    assert answer.status_code == 413
    assert "64 MB" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["case:add-photo", "case%3Aadd-photo"])
def test_a_picture_beyond_its_own_limit_too(front: Front, path: str) -> None:
    for size, status in ((PICTURE_BYTES, 200), (PICTURE_BYTES + 1, 413)):
        answer = httpx.post(f"{front.url}/api/intake/v1/{path}", content=b"x" * size, timeout=30)
        assert answer.status_code == status
    assert "10 MB" in answer.json()["detail"]


def test_nothing_of_a_request_is_logged_when_its_service_breaks_off(front: Front) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        front.get("/api/reporting/v1/broken?name=canary-2748", {"User-Agent": "canary-2748"})
    assert "canary" not in front.log.read_text()


def test_a_service_that_is_away_is_said_to_be_and_nothing_is_logged(front: Front) -> None:
    away = front.services["reporting"]
    away.shutdown()
    away.server_close()
    answer = front.get("/api/reporting/v1/indicators?name=canary-9163", {"User-Agent": "canary-9163"})
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    assert "Idempotency-Key" in answer.json()["detail"]
    assert "canary" not in front.log.read_text()


def test_a_browser_is_told_so_as_a_page_in_every_language(front: Front) -> None:
    front.services["reporting"].server_close()
    answer = front.get("/board", {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("1", "no-store")
    assert "Nothing is lost: go back and press again in a minute." in answer.text
    for variant in VARIANTS:
        assert f'<p lang="{variant.code}" dir="{variant.dir}">' in answer.text
    [style] = re.findall("<style>(.*)</style>", answer.text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    for programs in (
        front.get("/board", {"Accept": "*/*"}),
        front.get("/board", {"Accept": "text/html", "HX-Request": "true"}),
        front.get("/api/reporting/v1/indicators", {"Accept": "text/html"}),
    ):
        assert programs.json()["status"] == 503


def test_both_gateways_give_up_an_idle_connection_before_its_service_closes_it() -> None:
    """Or a request with a body meets the closing now and then, and is answered with 503."""
    caddyfile = (Path(__file__).parents[2] / "deploy" / "Caddyfile").read_text()
    assert f"keepalive {IDLE_SECONDS}s" in caddyfile
    assert HTTP1Settings().header_read_timeout > IDLE_SECONDS * 1000
