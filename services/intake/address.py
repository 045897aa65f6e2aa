"""Where readers find Doorstep."""

from fastapi import Request

from services.intake.settings import IntakeSettings


def public_url(request: Request) -> str:
    """With a slash at its end."""
    settings: IntakeSettings = request.app.state.settings
    return f"{(settings.public_url or str(request.base_url)).rstrip('/')}/"
