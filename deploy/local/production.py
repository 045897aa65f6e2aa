"""The embedded stack is for one machine's own use: it refuses to be a real installation."""

import os


class NotForProduction(Exception):
    """`DOORSTEP_ENV=production` is set."""


def refuse_production() -> None:
    """Raises NotForProduction."""
    if os.environ.get("DOORSTEP_ENV") == "production":
        raise NotForProduction(
            "DOORSTEP_ENV=production is set, and the embedded stack keeps its secrets beside its data. "
            "Run the services on your own PostgreSQL and Kafka, or unset DOORSTEP_ENV."
        )
