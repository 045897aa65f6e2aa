"""Sign-in, put into a service's application: who tokens speak for, its sessions, its answers, its own addresses."""

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.auth import ServiceTokens, StaffTokens
from services.chassis.fingerprints import Fingerprints
from services.chassis.settings import ServiceSettings
from services.chassis.signin.access import AccessTokens, StaffAccess
from services.chassis.signin.answers import show_not_for_you, show_sign_in
from services.chassis.signin.claims import ClaimNames
from services.chassis.signin.elsewhere import Elsewhere
from services.chassis.signin.flow import SignIn
from services.chassis.signin.issuer import Issuer
from services.chassis.signin.leaving import leaving_router
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
    fingerprints: Fingerprints,
    service_tokens: ServiceTokens,
    face: str | None,
) -> None:
    """Every service knows staff by their tokens; one with pages under `face` knows them by sessions too."""
    own = settings.env == "local" and settings.staff_public_key
    issuer = Issuer(settings.oidc_issuer, http) if settings.oidc_issuer else None
    app.state.staff_access = StaffAccess(
        StaffTokens(settings.staff_public_key) if own else None,
        AccessTokens(issuer, settings.oidc_audience, ClaimNames.by(settings)) if issuer else None,
    )
    if face is None:
        return
    app.state.face = face
    app.state.sessions = Sessions(service, worker)
    seal = fingerprints.digest("sign-in", face.encode(), size=32)
    app.state.elsewhere = Elsewhere(settings.services_besides(service), service_tokens, http)
    app.state.sign_in = SignIn(settings, issuer, face, seal) if issuer else None
    app.add_exception_handler(SignInFirst, show_sign_in)
    app.add_exception_handler(NotForYou, show_not_for_you)
    app.include_router(sign_in_router(face), include_in_schema=False)
    app.include_router(leaving_router(face), include_in_schema=False)
