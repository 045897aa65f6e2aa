"""Sign-in, put into a service's application: who tokens speak for, its sessions, its answers, its own addresses."""

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.auth import StaffTokens
from services.chassis.settings import ServiceSettings
from services.chassis.signin.access import StaffAccess
from services.chassis.signin.answers import show_not_for_you, show_sign_in
from services.chassis.signin.page import NotForYou, SignInFirst
from services.chassis.signin.routes import sign_in_router
from services.chassis.signin.sessions import Sessions


def mount(
    app: FastAPI,
    settings: ServiceSettings,
    *,
    service: str,
    worker: AsyncEngine,
    http: httpx.AsyncClient,
    face: str | None,
) -> None:
    """Every service knows staff by their tokens; one with pages under `face` knows them by sessions too."""
    own = settings.env == "local" and settings.staff_public_key
    app.state.staff_access = StaffAccess(StaffTokens(settings.staff_public_key) if own else None)
    if face is None:
        return
    app.state.face = face
    app.state.sessions = Sessions(service, worker)
    app.add_exception_handler(SignInFirst, show_sign_in)
    app.add_exception_handler(NotForYou, show_not_for_you)
    app.include_router(sign_in_router(face), include_in_schema=False)
