"""Every rail of the house. Strings, so that reading the list imports none."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from subscribers.rails.contract import PaymentRail, Rails, Terms

RAILS = ("subscribers.rails.sandbox:SandboxRail", "subscribers.rails.stars:StarsRail")


def load(key: bytes) -> Rails:
    """The rails by platform; `key` (32 secret bytes) signs what travels with their invoices."""
    rails: dict[str, PaymentRail] = {kind.platform: kind(key) for kind in _kinds()}
    return rails


def terms() -> Mapping[str, Terms]:
    """What each rail sells for, by platform: pages need no key to know it."""
    return {kind.platform: kind for kind in _kinds()}


def _kinds() -> list[Any]:
    found = []
    for name in RAILS:
        module, _, attribute = name.partition(":")
        found.append(getattr(import_module(module), attribute))
    return found
