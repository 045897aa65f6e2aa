"""Which code each database was last prepared by, so that a start without changes prepares nothing."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from deploy.local.home import PROJECT


@dataclass(frozen=True, slots=True)
class Migrated:
    """Kept in `path`; `code` stands for everything a migration may do."""

    path: Path
    code: str

    @staticmethod
    def by_present_code(path: Path) -> "Migrated":
        digest = hashlib.sha256()
        services = PROJECT / "services"
        for source in sorted(file for kind in ("*.py", "*.sql") for file in services.rglob(kind)):
            digest.update(str(source.relative_to(services)).encode() + b"\0" + source.read_bytes())
        return Migrated(path, digest.hexdigest())

    def is_done(self, service: str) -> bool:
        return self._kept().get(service) == self.code

    def done(self, service: str) -> None:
        self._keep(self._kept() | {service: self.code})

    def forget(self, service: str) -> None:
        """The database is new, or no longer what it was."""
        self._keep({name: code for name, code in self._kept().items() if name != service})

    def _kept(self) -> dict[str, str]:
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def _keep(self, kept: dict[str, str]) -> None:
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(kept))
        draft.replace(self.path)
