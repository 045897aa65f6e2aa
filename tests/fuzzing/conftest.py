"""The stack that everything asks."""

from tests.e2e.conftest import stack

__all__ = ["stack"]
