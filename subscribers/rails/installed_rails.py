"""The rails of this installation, as strings, so that reading the list imports none of them."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from subscribers.rails.contract import PaymentRail, Rails, RailTerms

RAILS = ("subscribers.rails.sandbox:SandboxRail", "subscribers.rails.stars:StarsRail")
"""Rails that charge by invoice."""

LOCKED = ("subscribers.rails.fanvue:FanvueRail",)
"""Rails of platforms that charge fans themselves."""


def load_rails(key: bytes) -> Rails:
    """Return the invoice rails by platform. `key` (32 secret bytes) signs the payloads of
    invoices."""
    rails: dict[str, PaymentRail] = {kind.platform: kind(key) for kind in _load_rail_classes(RAILS)}
    return rails


def rail_terms_by_platform() -> Mapping[str, RailTerms]:
    """Return the terms of every rail by platform. No key is needed."""
    return {kind.platform: kind for kind in _load_rail_classes((*RAILS, *LOCKED))}


def rail_terms_by_name(rail: str) -> RailTerms | None:
    """Return the terms of a rail by the rail's name, or None if the rail is not installed."""
    return next((kind for kind in rail_terms_by_platform().values() if kind.name == rail), None)


def locked_rail_names() -> list[str]:
    """Return the names of the rails whose money is booked from the platform's statements."""
    return [kind.name for kind in rail_terms_by_platform().values() if kind.locked]


def _load_rail_classes(names: Sequence[str]) -> list[Any]:
    found = []
    for name in names:
        module, _, attribute = name.partition(":")
        found.append(getattr(import_module(module), attribute))
    return found
