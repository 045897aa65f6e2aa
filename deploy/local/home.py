"""Where one machine's stack keeps itself: data, logs, secrets made once, ports chosen once."""

import json
import os
import secrets
import socket
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

PROJECT = Path(__file__).parents[2]
SERVICES = ("intake", "mediation", "notifications", "reporting")
_GATEWAY_PORT = 8080


class NotForProduction(Exception):
    """The embedded stack keeps its secrets beside its data; a real installation must not."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder `.doorstep` (or `$DOORSTEP_HOME`), and what is settled in it."""

    folder: Path
    settled: dict[str, Any]

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def status(self) -> Path:
        """What the supervisor says of itself and its parts, as JSON."""
        return self.folder / "status.json"

    @property
    def jars(self) -> Path:
        return self.folder / "kafka-jars"

    @property
    def gateway_port(self) -> int:
        return int(os.environ.get("DOORSTEP_GATEWAY_PORT", self.settled["ports"]["gateway"]))

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def staff_private_key(self) -> str:
        """PEM; only the command line signs demo tokens with it."""
        return self.settled["staff_key"]

    @property
    def staff_public_key(self) -> str:
        private = load_pem_private_key(self.staff_private_key.encode(), None)
        return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def port(self, part: str) -> int:
        return self.settled["ports"][part]

    def secret(self, *path: str) -> str:
        value: Any = self.settled["secrets"]
        for name in path:
            value = value[name]
        return value

    def dsn(self, service: str, role: str) -> str:
        """How `service` reaches its own database as `role`: owner, application or worker."""
        password = self.secret(service, role)
        return f"postgresql://{service}_{role}:{password}@127.0.0.1:{self.port('postgres')}/doorstep_{service}"

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{self.port('kafka')}"

    def environment(self, service: str) -> dict[str, str]:
        """What a service is told; the owner's connection is only for migrations."""
        told = {
            "DOORSTEP_ENV": "local",
            "DOORSTEP_HOST": "127.0.0.1",
            "DOORSTEP_PORT": str(self.port(service)),
            "DOORSTEP_APPLICATION_DSN": self.dsn(service, "application"),
            "DOORSTEP_WORKER_DSN": self.dsn(service, "worker"),
            "DOORSTEP_KAFKA": self.kafka,
            "DOORSTEP_STAFF_PUBLIC_KEY": self.staff_public_key,
            "DOORSTEP_SERVICE_KEY": self.secret("service_key"),
            "DOORSTEP_FINGERPRINT_KEY": self.secret("fingerprint_key"),
            "DOORSTEP_PARTICULARS_KEYS": f"1:{self.secret(service, 'particulars_key')}",
        }
        for other in SERVICES:
            told[f"DOORSTEP_{other.upper()}_URL"] = f"http://127.0.0.1:{self.port(other)}"
        if service == "intake":
            told["DOORSTEP_RECEIPT_KEY"] = self.secret("receipt_key")
            told["DOORSTEP_CREDENTIAL_KEY"] = self.secret("credential_key")
        return told


def open_home() -> Home:
    """The home of this machine's stack, made on first use.

    Raises:
        NotForProduction: `DOORSTEP_ENV=production` is set.
    """
    if os.environ.get("DOORSTEP_ENV") == "production":
        raise NotForProduction(
            "DOORSTEP_ENV=production is set, and the embedded stack is not for production: its secrets lie beside"
            " its data. Run the services on your own PostgreSQL and Kafka, or unset DOORSTEP_ENV."
        )
    folder = Path(os.environ.get("DOORSTEP_HOME") or PROJECT / ".doorstep").resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "logs").mkdir(exist_ok=True)
    settled = folder / "settled.json"
    if not settled.exists():
        write_private(settled, json.dumps(_settle(), indent=2))
    return Home(folder, json.loads(settled.read_text()))


def write_private(path: Path, content: str) -> None:
    """Replace a file at once, readable by its owner alone."""
    making = path.with_name(path.name + ".making")
    making.unlink(missing_ok=True)
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    making.rename(path)


def _settle() -> dict[str, Any]:
    key = Ed25519PrivateKey.generate()
    return {
        "ports": {"gateway": _GATEWAY_PORT, **_free_ports("postgres", "kafka", "kafka_controller", *SERVICES)},
        "staff_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "secrets": {
            "postgres": secrets.token_urlsafe(24),
            **{name: _key() for name in ("service_key", "fingerprint_key", "receipt_key", "credential_key")},
            **{
                service: {
                    **{role: secrets.token_urlsafe(24) for role in ("owner", "application", "worker")},
                    "particulars_key": _key(),
                }
                for service in SERVICES
            },
        },
    }


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()


def _free_ports(*parts: str) -> dict[str, int]:
    """Ports that are free now, all different; below the range from which clients draw theirs."""
    chosen: dict[str, int] = {}
    while len(chosen) < len(parts):
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in chosen.values():
            chosen[parts[len(chosen)]] = port
    return chosen
