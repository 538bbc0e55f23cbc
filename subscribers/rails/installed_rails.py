"""Every rail of the house. Strings, so that reading the list imports none."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from subscribers.rails.contract import PaymentRail, Rails, RailTerms

RAILS = ("subscribers.rails.sandbox:SandboxRail", "subscribers.rails.stars:StarsRail")
"""Those that ask for money by an invoice."""

LOCKED = ("subscribers.rails.fanvue:FanvueRail",)
"""Those of platforms that take it by themselves."""


def load_rails(key: bytes) -> Rails:
    """The rails with invoices by platform; `key` (32 secret bytes) signs what travels with their
    invoices."""
    rails: dict[str, PaymentRail] = {kind.platform: kind(key) for kind in _load_rail_classes(RAILS)}
    return rails


def rail_terms_by_platform() -> Mapping[str, RailTerms]:
    """What each rail sells for, by platform: pages need no key to know it."""
    return {kind.platform: kind for kind in _load_rail_classes((*RAILS, *LOCKED))}


def rail_terms_by_name(rail: str) -> RailTerms | None:
    """The terms of a rail by its own name; None for one that is gone."""
    return next((kind for kind in rail_terms_by_platform().values() if kind.name == rail), None)


def locked_rail_names() -> list[str]:
    """The names of the rails whose money is booked from what the platform tells."""
    return [kind.name for kind in rail_terms_by_platform().values() if kind.locked]


def _load_rail_classes(names: Sequence[str]) -> list[Any]:
    found = []
    for name in names:
        module, _, attribute = name.partition(":")
        found.append(getattr(import_module(module), attribute))
    return found
