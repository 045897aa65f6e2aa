"""The addresses of sign-in under one face: out to the issuer, back from it, and out of here."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.chassis.signin.answers import said
from services.chassis.signin.rendering import assets_of
from services.chassis.web.pages import untranslated

_ = untranslated


def sign_in_router(face: str) -> APIRouter:
    """`GET {face}/sign-in?next=`, `GET {face}/signed-in`, `POST {face}/sign-out`."""
    router = APIRouter()
    router.include_router(assets_of(face).router())

    @router.get(f"{face}/sign-in")
    async def sign_in() -> Response:
        return said(face, 503, _("Sign-in is not set up here"), [_("Tell the operator of this installation.")])

    return router
