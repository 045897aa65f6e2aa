"""The restored databases take the place of the others: from one moment on, even if this process dies in it."""

import shutil

from deploy.local.home import Home
from deploy.restoring import attachments

_WHOLE = "whole"


def decide(home: Home) -> None:
    """What lies in `home.restoring` is whole: from now on it will take over, whatever happens."""
    (home.restoring / _WHOLE).touch()


def finish(home: Home) -> bool:
    """Carry out what was decided, or go on with it; without a decision remove what was left. Whether it was carried
    out. No server may run.
    """
    if not (home.restoring / _WHOLE).exists():
        shutil.rmtree(home.restoring, ignore_errors=True)
        return False
    restored, replaced = home.restoring / "postgres", home.restoring / "replaced"
    if restored.exists():
        if home.postgres.exists() and not replaced.exists():
            home.postgres.rename(replaced)
        restored.rename(home.postgres)
    for archive in (home.restoring / "wal").glob("*"):
        kept = home.wal / archive.name
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        for segment in archive.iterdir():
            shutil.copy2(segment, kept / segment.name)
    attachments.put(home.restoring / "attachments", home.attachments)
    (home.restoring / _WHOLE).unlink()
    shutil.rmtree(home.restoring)
    return True
