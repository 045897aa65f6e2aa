"""Every route of the four services, read from the applications themselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from deploy.local.postgres import Dsns
from services.intake.app import intake
from services.intake.settings import IntakeSettings
from services.mediation.app import mediation
from services.mediation.settings import MediationSettings
from services.notifications.app import notifications
from services.notifications.settings import NotificationsSettings
from services.reporting.app import reporting
from services.reporting.settings import ReportingSettings
from tests.services import random_key, settings_for

FACES = ("/desk", "/counter", "/duty", "/board")

_NOWHERE = Dsns(*["postgresql://nobody@127.0.0.1:1/none"] * 3)


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is the template, as `/desk/cases/{case_id}`."""

    service: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"

    @property
    def is_page(self) -> bool:
        return any(self.path == face or self.path.startswith(f"{face}/") for face in FACES)


def without_databases() -> dict[str, FastAPI]:
    """The four services as they are composed; whatever needs a database fails."""
    keys = {"receipt_key": random_key(), "credential_key": random_key(), "attachments": "file:/nowhere"}
    # Whoever tries every route with no receipt would soon be told to wait.
    limits = {"wrong_receipts_of_a_client": "0"}
    return {
        "intake": intake(settings_for(IntakeSettings, _NOWHERE, **keys, **limits)),
        "mediation": mediation(settings_for(MediationSettings, _NOWHERE)),
        "notifications": notifications(settings_for(NotificationsSettings, _NOWHERE)),
        "reporting": reporting(settings_for(ReportingSettings, _NOWHERE)),
    }


def routes_of(apps: dict[str, FastAPI]) -> Iterator[Route]:
    for service, app in apps.items():
        for context in iter_route_contexts(app.routes):
            assert context.path is not None
            for method in sorted(context.methods or ()):
                if method != "HEAD":
                    yield Route(service, method, re.sub(r":\w+}", "}", context.path))
