"""The sandbox for the attacks on the way out."""

from tests.channels.conftest import running, sandbox

__all__ = ["running", "sandbox"]
