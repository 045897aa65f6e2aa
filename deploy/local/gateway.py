"""The one port in front of the services: Caddy, its routes, and what it says when a service is away."""

import json
import sysconfig
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

CADDY = Path(sysconfig.get_path("scripts")) / "caddy"
BODY_BYTES = 64 * 1024 * 1024
PICTURE_BYTES = 11 * 1024 * 1024
"""One picture, which intake takes up to 10 MB of, so that it is intake that says what is wrong."""
CLIENT = "Doorstep-Client"
IDLE_SECONDS = 15
"""Given up before its service closes it: a request with a body that meets the closing can't be sent again."""

_PREFIXES = (("/desk", "mediation"), ("/duty", "notifications"), ("/board", "reporting"), ("/open311", "intake"))

_OPENED_BY_HAND = {
    "header": {"Accept": ["*text/html*"]},
    "not": [{"path": ["/api/*", "/open311/*"]}, {"header": {"Hx-Request": ["*"]}}],
}
_AWAY_POLICY = (
    "default-src 'none'; style-src 'sha256-uSqzJLOeeL2LIUSiJ0ZDmMk9Jk7vT5+fZGZhENa32DM='; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""With the digest of the page's one style sheet."""

_AWAY_PAGE = {
    "handler": "static_response",
    "status_code": 503,
    "headers": {
        "Content-Type": ["text/html; charset=utf-8"],
        "Content-Security-Policy": [_AWAY_POLICY],
        "Cache-Control": ["no-store"],
        "Retry-After": ["1"],
    },
    "body": Path(__file__).with_name("away.html").read_text(),
}
"""In every language at once: which one is the reader's only a service knows."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Caddy on `port`; `ports` holds each service's own, `issuer` that of the demo's sign-in, `mailbox` that of its
    letterbox, if there is one."""

    folder: Path
    port: int
    ports: dict[str, int]
    issuer: int
    mailbox: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "caddy.json"

    def create(self) -> None:
        """Write Caddy's settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(json.dumps(self._settings(), indent=2))

    def command(self) -> list[str]:
        """What runs the gateway in the foreground; SIGTERM ends it."""
        return [str(CADDY), "run", "--config", str(self.config)]

    def environment(self) -> dict[str, str]:
        """Caddy writes nothing outside its folder."""
        return {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder), "HOME": str(self.folder)}

    def answers(self) -> bool:
        return asks(self.port, "/internal") == 404

    def service_is_ready(self, service: str) -> bool:
        return asks(self.port, f"/api/{service}/readyz") == 200

    def _settings(self) -> dict[str, Any]:
        routes = [
            _route(
                {"path_regexp": {"pattern": r"(?i)^/(api/(.*/)?)?internal(/|$)"}},
                _problem(404, "There is nothing here", "Nothing is served under this address."),
            ),
            {
                "match": [{"path": ["/api/intake/v1/case:add-photo"]}],
                "handle": [{"handler": "request_body", "max_size": PICTURE_BYTES}],
            },
            *(_route({"path": [f"/api/{name}", f"/api/{name}/*"]}, self._service(name)) for name in self.ports),
            *(
                _route({"path": [page, f"{page}/*"]}, self._service(name))
                for page, name in _PREFIXES
                if name in self.ports
            ),
            _route({"path": ["/sign-in/*"]}, _proxy(self.issuer)),
            *([_route({"path": ["/mail", "/mail/*"]}, _proxy(self.mailbox))] if self.mailbox else []),
            _route({"path": ["/api/*"]}, _problem(404, "There is nothing here", "No service has this address.")),
            _route({}, self._service("intake")),
        ]
        away = "The service behind this address is away for a moment. Repeat the request with the same Idempotency-Key."
        server = {
            "listen": [f"127.0.0.1:{self.port}"],
            "protocols": ["h1", "h2c"],
            "automatic_https": {"disable": True},
            "routes": [{"handle": [{"handler": "request_body", "max_size": BODY_BYTES}]}, *routes],
            "errors": {
                "routes": [
                    _route(
                        {"expression": "{http.error.status_code} == 413"},
                        _problem(
                            413,
                            "The request is too large",
                            "Send less than 64 MB at once, and a picture of at most 10 MB.",
                        ),
                    ),
                    _route(_OPENED_BY_HAND, _AWAY_PAGE),
                    _route({}, _problem(503, "The service is away", away, {"Retry-After": ["1"]})),
                ]
            },
        }
        return {
            "admin": {"disabled": True, "config": {"persist": False}},
            # Nothing about a request is logged, not even a failed one: it would name who asked and for what.
            "logging": {"logs": {"default": {"level": "WARN", "exclude": ["http"]}}},
            "apps": {"http": {"servers": {"gateway": server}, "grace_period": "5s"}},
        }

    def _service(self, name: str) -> dict[str, Any]:
        return _proxy(self.ports[name], counts_clients=name == "intake")


def asks(port: int, path: str) -> int | None:
    """The status that a GET on loopback gets; None when nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _proxy(port: int, *, counts_clients: bool = False) -> dict[str, Any]:
    forgotten = ["X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via"]
    # Intake limits what comes from one address, and keeps a hash of it, in memory, for minutes (ADR 18).
    counted = {"set": {CLIENT: ["{http.vars.client_ip}"]}} if counts_clients else {}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"127.0.0.1:{port}"}],
        "transport": {"protocol": "http", "dial_timeout": "2s", "keep_alive": {"idle_timeout": f"{IDLE_SECONDS}s"}},
        # Sent by the caller or made by Caddy, a caller's address goes no further than this.
        "headers": {"request": {"delete": forgotten if counts_clients else [*forgotten, CLIENT], **counted}},
    }


def _route(match: dict[str, Any], handler: dict[str, Any]) -> dict[str, Any]:
    matched = {"match": [match]} if match else {}
    return matched | {"handle": [handler], "terminal": True}


def _problem(status: int, title: str, detail: str, headers: dict[str, list[str]] | None = None) -> dict[str, Any]:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return {
        "handler": "static_response",
        "status_code": status,
        "headers": {"Content-Type": ["application/problem+json"], **(headers or {})},
        "body": json.dumps(body),
    }
