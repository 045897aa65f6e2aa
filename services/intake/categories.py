"""What a report may be about: reference data, by kind."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from services.contracts.cases import Kind
from services.contracts.event import Code

_FILE = Path(__file__).with_name("categories.yaml")


@cache
def categories() -> dict[Kind, dict[Code, str]]:
    """Names by code, by kind."""
    return TypeAdapter(dict[Kind, dict[Code, str]]).validate_python(yaml.safe_load(_FILE.read_text()))


def require_category(kind: Kind, category: str) -> None:
    """Raises ValueError("message|remedy"), as problems.faults_of wants it."""
    if category not in categories()[kind]:
        raise ValueError(f"is no category of the kind {kind}|Take one that GET /api/intake/v1/categories lists for it.")
