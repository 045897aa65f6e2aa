"""What one machine's stack keeps for good: ports, passwords and keys, random and for its owner alone."""

import fcntl
import json
import os
import random
import secrets
import socket
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

from deploy.local.home import Home

SERVICES = ("intake", "mediation", "notifications", "reporting")
GATEWAY_PORT = 8080

# Below the range from which systems hand out ports by themselves: what is free at first start stays free.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service's port, the passwords of its three roles, and the keys that it shares with nobody."""

    port: int
    owner_password: str
    application_password: str
    worker_password: str
    fingerprint_key: str
    particulars_key: str


@dataclass(frozen=True, slots=True)
class State:
    """Keys are base64 of 32 bytes; the staff key is the PEM that signs demo tokens and never leaves this file."""

    postgres_port: int
    postgres_password: str
    kafka_port: int
    kafka_controller_port: int
    service_key: str
    receipt_key: str
    credential_key: str
    staff_private_key: str
    staff_public_key: str
    services: dict[str, ServiceState]
    issuer_port: int
    mailbox_port: int
    smtp_port: int


_ADDED: dict[str, Callable[[], object]] = {
    name: lambda: free_ports(1)[0] for name in ("issuer_port", "mailbox_port", "smtp_port")
}
"""What a state made by an earlier version lacks, and how it comes by it."""


def load(home: Home) -> State:
    """The state of `home`, made at the first call, and completed at the first call of a version that keeps more."""
    if not home.state.exists():
        _create(home)
    kept = _kept(home)
    if not _ADDED.keys() <= kept.keys():
        kept = _complete(home)
    kept["services"] = {name: ServiceState(**values) for name, values in kept["services"].items()}
    return State(**kept)


def gateway_port() -> int:
    """The port asked for; the one in use stands in the status of the running stack."""
    return int(os.environ.get("DOORSTEP_GATEWAY_PORT") or GATEWAY_PORT)


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """Different ports of loopback that nobody listens on now."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(_PORTS)  # noqa: S311 - no secret
        if port not in found and port_is_free(port):
            found.append(port)
    return found


def _kept(home: Home) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(home.state.read_text()))


def _complete(home: Home) -> dict[str, Any]:
    """Of several first calls at once, one adds; the others find what it added."""
    with (home.folder / "state.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = _kept(home)
        kept |= {name: make() for name, make in _ADDED.items() if name not in kept}
        draft = home.state.with_name(f"state.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(kept, file, indent=2)
        draft.replace(home.state)
    return kept


def _create(home: Home) -> None:
    home.folder.mkdir(parents=True, exist_ok=True)
    home.folder.chmod(0o700)
    ports = iter(free_ports(6 + len(SERVICES)))
    private, public = _staff_keys()
    made = State(
        postgres_port=next(ports),
        postgres_password=_password(),
        kafka_port=next(ports),
        kafka_controller_port=next(ports),
        service_key=_key(),
        receipt_key=_key(),
        credential_key=_key(),
        staff_private_key=private,
        staff_public_key=public,
        services={
            name: ServiceState(next(ports), _password(), _password(), _password(), _key(), _key()) for name in SERVICES
        },
        issuer_port=next(ports),
        mailbox_port=next(ports),
        smtp_port=next(ports),
    )
    draft = home.state.with_name(f"state.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(made), file, indent=2)
    try:
        home.state.hardlink_to(draft)  # of two first starts at once, one wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _staff_keys() -> tuple[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()
