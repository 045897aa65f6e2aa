"""The variables that each service is started with."""

import os

from deploy.local.home import Home
from deploy.local.mailbox_told import Told
from deploy.local.postgres import Dsns
from deploy.local.state import GATEWAY_PORT, SERVICES, State

# What a process needs of its surroundings; nothing else of the caller's environment gets in.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")

# How long each of a chain has to answer: short ones show in seconds what else takes the better part of an hour.
_TOLD = ("DOORSTEP_WEBHOOK_HOSTS", "DOORSTEP_WEBHOOK_INNER_HOSTS")
"""Who may be told of events, as whoever starts the stack says."""

_LIMITS = ("DOORSTEP_URGENT_ANSWER_WITHIN", "DOORSTEP_ORDINARY_ANSWER_WITHIN")


def inherited() -> dict[str, str]:
    """The part of this process's environment that its children may see."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def dsns(state: State, service: str) -> Dsns:
    """How to reach the service's database, as each of its roles."""
    keys = state.services[service]
    at = f"127.0.0.1:{state.postgres_port}/doorstep_{service}"
    return Dsns(
        owner=f"postgresql://{service}_owner:{keys.owner_password}@{at}",
        application=f"postgresql://{service}_application:{keys.application_password}@{at}",
        worker=f"postgresql://{service}_worker:{keys.worker_password}@{at}",
    )


def service_url(state: State, service: str) -> str:
    return f"http://127.0.0.1:{state.services[service].port}"


def public_url(gateway_port: int) -> str:
    """Where browsers find everything."""
    return f"http://127.0.0.1:{gateway_port}"


def letterbox_of(state: State) -> Told:
    """Where mail goes on this machine."""
    return Told(state.smtp_port, state.mailbox_port)


def service_environment(home: Home, state: State, service: str, gateway_port: int = GATEWAY_PORT) -> dict[str, str]:
    """What `python -m services.<service>` reads, whole."""
    keys, reached = state.services[service], dsns(state, service)
    variables = inherited() | {
        "DOORSTEP_ENV": "local",
        "DOORSTEP_HOST": "127.0.0.1",
        "DOORSTEP_PORT": str(keys.port),
        "DOORSTEP_APPLICATION_DSN": reached.application,
        "DOORSTEP_WORKER_DSN": reached.worker,
        "DOORSTEP_KAFKA": f"127.0.0.1:{state.kafka_port}",
        "DOORSTEP_STAFF_PUBLIC_KEY": state.staff_public_key,
        "DOORSTEP_PUBLIC_URL": public_url(gateway_port),
        "DOORSTEP_OIDC_ISSUER": f"{public_url(gateway_port)}/sign-in",
        "DOORSTEP_SERVICE_KEY": state.service_key,
        "DOORSTEP_FINGERPRINT_KEY": keys.fingerprint_key,
        "DOORSTEP_PARTICULARS_KEYS": f"1:{keys.particulars_key}",
    }
    for name in SERVICES:
        variables[f"DOORSTEP_{name.upper()}_URL"] = service_url(state, name)
    if service == "notifications":
        variables["DOORSTEP_SMTP_URL"] = letterbox_of(state).smtp_url
        variables["DOORSTEP_SMS_URL"] = "mail:"
        variables |= {name: os.environ[name] for name in _LIMITS if name in os.environ}
    if service == "reporting":
        variables |= {name: os.environ[name] for name in _TOLD if name in os.environ}
    if service == "intake":
        variables["DOORSTEP_RECEIPT_KEY"] = state.receipt_key
        variables["DOORSTEP_CREDENTIAL_KEY"] = state.credential_key
        variables["DOORSTEP_ATTACHMENTS"] = f"file:{home.attachments}"
        variables["DOORSTEP_REPORTS_OF_A_CLIENT"] = "0"  # on this machine all come from one address
    return variables


def migration_environment(home: Home, state: State, service: str) -> dict[str, str]:
    """What `python -m services.<service> migrate` reads: the owner's way in besides."""
    return service_environment(home, state, service) | {"DOORSTEP_OWNER_DSN": dsns(state, service).owner}
