"""Only what a kind of report may be about is taken."""

from services.chassis.categories import categories
from services.contracts.cases import Kind


def require_category(kind: Kind, category: str) -> None:
    """Raises ValueError("message|remedy"), as problems.faults_of wants it."""
    if category not in categories()[kind]:
        raise ValueError(f"is no category of the kind {kind}|Take one that GET /api/intake/v1/categories lists for it.")
