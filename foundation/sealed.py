"""Secrets travel as `Sealed`: bytes nobody in a room can read. Only what wiring injects opens or
closes them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class Sealed:
    """An encrypted secret. Neither its repr nor its JSON shows anything of it."""

    box: bytes = field(repr=False)

    def __str__(self) -> str:
        return "<sealed>"


RevealSecret = Callable[[UUID, Sealed], str]
"""Opens a secret of a tenant; handed by wiring to the transport and to listeners, to nobody
else."""

SealSecret = Callable[[UUID, str], Sealed]
"""Closes a secret under the tenant's data key."""
