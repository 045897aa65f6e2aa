"""How every command ends that can't do what it was asked."""

from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text


def complain(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong and what to do, on standard error, and end."""
    Console(stderr=True).print(Text(message, style="red"), soft_wrap=True)
    raise typer.Exit(code)
