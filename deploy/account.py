"""`doorstep account`: an account of a member of staff in Keycloak, and the password for their first sign-in."""

import os

import typer

from deploy.keycloak.admin import Admin, NotMade
from services.chassis.operating.telling import complain


def account(name: str, roles: list[str], areas: list[str], url: str, realm: str, admin: str) -> None:
    """Print the password, once; exit code 2 when Keycloak refuses."""
    for area in areas:
        if not (area.startswith("/") and area.endswith("/")):
            complain(f"the area {area} must begin and end with a slash, as /lakeside/east/ does; / is all", code=2)
    password = os.environ.get("DOORSTEP_KEYCLOAK_PASSWORD") or typer.prompt(
        f"Password of {admin} at {url}", hide_input=True, err=True
    )
    try:
        signed_in = Admin(url, realm, admin, password)
        try:
            first = signed_in.add(name, roles, areas)
        finally:
            signed_in.close()
    except NotMade as refused:
        complain(str(refused), code=2)
    typer.echo(f"{name} signs in with {first}", err=False)
    typer.echo("It is told this once, and has to be changed at the first sign-in.", err=True)
