"""`doorstep secrets`: the passwords and keys that deploy/compose.yaml asks for, in a file for its owner alone."""

import os
import secrets
from base64 import b64encode
from pathlib import Path

from rich.console import Console

from deploy.local.state import SERVICES
from services.chassis.operating.telling import complain

ROLES = ("owner", "application", "worker")


def write_secrets(path: Path) -> None:
    """Exit code 1 when there is such a file already: what it holds may be the only copy."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        complain(f"{path} is there already, and may hold the only keys to what is stored. Nothing was written.")
    except OSError as error:
        complain(f"{path} can't be written: {error.strerror}.")
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in made().items())
    Console().print(f"{path} holds the passwords and keys. Keep a copy of it apart from the backups.", soft_wrap=True)


def made() -> dict[str, str]:
    """New ones. Keys are base64 of 32 bytes; a service's particulars key has a number, for the day it is replaced."""
    told = {"DOORSTEP_POSTGRES_PASSWORD": _password(), "DOORSTEP_SERVICE_KEY": _key()}
    for service in SERVICES:
        name = service.upper()
        told |= {f"DOORSTEP_{name}_{role.upper()}_PASSWORD": _password() for role in ROLES}
        told[f"DOORSTEP_{name}_FINGERPRINT_KEY"] = _key()
        told[f"DOORSTEP_{name}_PARTICULARS_KEYS"] = f"1:{_key()}"
    return told | {"DOORSTEP_RECEIPT_KEY": _key(), "DOORSTEP_CREDENTIAL_KEY": _key()}


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()
