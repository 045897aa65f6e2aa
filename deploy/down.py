"""`doorstep down`: the stack's end."""

import time

from rich.console import Console

from deploy.local.control import bring_down
from deploy.local.home import find_home


def down() -> None:
    """Stop every process of the stack; the data stays."""
    console, began = Console(), time.monotonic()
    with console.status("stopping"):
        ran = bring_down(find_home())
    console.print(f"Stopped in {time.monotonic() - began:.1f} s; the data stays." if ran else "Nothing was running.")
