"""A third-party package, acme, and the policy it ships for its own platform."""

from datetime import date, timedelta
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.ops.clock import wall_now
from gate.policy import plugin_place_rules

ACME = Ed25519PrivateKey.generate()


def build_rule_row(verdicts: str = "AABB", **changes: Any) -> dict[str, Any]:
    """Return a row within the limits, read today; `verdicts` for General, Suggestive, Nudity and
    Explicit."""
    today: date = wall_now().date()
    written = {
        "id": "acme.post",
        "platform": "acme",
        "surface": "post",
        "verdicts": dict(zip("GSNE", verdicts, strict=True)),
        "viewer": "platform",
        "checked_on": today,
        "review_by": today + timedelta(days=90),
        "source_url": ["https://acme.example/rules"],
    }
    return {name: value for name, value in {**written, **changes}.items() if value is not None}


def build_rule_file(
    *rows: dict[str, Any], platform: str = "acme", key: Ed25519PrivateKey = ACME
) -> bytes:
    """Return the policy file, signed by its publisher."""
    return plugin_place_rules.sign_rules(
        platform, yaml.safe_dump(list(rows or (build_rule_row(),))), key
    )
