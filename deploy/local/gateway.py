"""One port for the four services: Caddy from its PyPI package. It keeps no access log and lets nothing internal through."""

import json
import sys
from pathlib import Path
from typing import Any

from deploy.local.home import SERVICES, Home

_PAGES = {"/desk": "mediation", "/duty": "notifications", "/board": "reporting", "/open311": "intake"}
_LARGEST_BODY = 64 * 1024 * 1024

_AWAY = {
    "type": "urn:doorstep:unavailable",
    "title": "This part of Doorstep is starting or away",
    "status": 503,
    "detail": "Nothing is lost: send the same request again in a moment.",
}


def write_settings(home: Home) -> Path:
    """Caddy's settings for this stack; returns the file."""
    path = home.folder / "gateway.json"
    path.write_text(json.dumps(_settings(home), indent=2))
    return path


def command(home: Home) -> list[str]:
    """What runs the gateway in the foreground."""
    return [str(Path(sys.executable).with_name("caddy")), "run", "--config", str(home.folder / "gateway.json")]


def _settings(home: Home) -> dict[str, Any]:
    routes: list[dict[str, Any]] = [
        {
            "match": [{"path": ["/internal", "/internal/*", "/api/*/internal/*"]}],
            "handle": [{"handler": "static_response", "status_code": 404}],
            "terminal": True,
        },
        {"handle": [{"handler": "request_body", "max_size": _LARGEST_BODY}]},
    ]
    for service in SERVICES:
        routes.append(_route([f"/api/{service}/*"], home.port(service)))
    for path, service in _PAGES.items():
        routes.append(_route([path, f"{path}/*"], home.port(service)))
    routes.append(_route([], home.port("intake")))
    away = {
        "handler": "static_response",
        "status_code": 503,
        "headers": {"Content-Type": ["application/problem+json"], "Retry-After": ["1"]},
        "body": json.dumps(_AWAY),
    }
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        # Caddy's error log quotes the request, headers and client address included: it is left out.
        "logging": {"logs": {"default": {"level": "WARN", "exclude": ["http"]}}},
        "apps": {
            "http": {
                "servers": {
                    "doorstep": {
                        "listen": [f"127.0.0.1:{home.gateway_port}"],
                        "automatic_https": {"disable": True},
                        "routes": routes,
                        "errors": {"routes": [{"handle": [away]}]},
                    }
                }
            }
        },
    }


def _route(paths: list[str], port: int) -> dict[str, Any]:
    proxy = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"127.0.0.1:{port}"}],
        "flush_interval": -1,
        "headers": {"request": {"delete": ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"]}},
    }
    route: dict[str, Any] = {"handle": [proxy], "terminal": True}
    if paths:
        route["match"] = [{"path": paths}]
    return route
