"""`doorstep token`: a demo staff token on standard output, and nothing else there."""

import typer

from deploy.local.home import find_home
from deploy.local.production import NotForProduction, refuse_production
from deploy.local.state import load
from deploy.local.tokens import WrongToken, mint


def token(role: str, areas: list[str], subject: str, days: int) -> None:
    """Print the token; a wrong role or area is told on standard error with exit code 2."""
    try:
        refuse_production()
        print(mint(load(find_home()).staff_private_key, role, areas, subject, days))
    except (WrongToken, NotForProduction) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
