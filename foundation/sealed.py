"""Encrypted secrets. Only functions injected at startup can encrypt or decrypt them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class Sealed:
    """An encrypted secret. Neither its repr nor its JSON reveals anything."""

    box: bytes = field(repr=False)

    def __str__(self) -> str:
        return "<sealed>"


RevealSecret = Callable[[UUID, Sealed], str]
"""Decrypts a secret of a tenant; injected only into the transport and the listeners."""

SealSecret = Callable[[UUID, str], Sealed]
"""Encrypts a secret with the tenant's data key."""
