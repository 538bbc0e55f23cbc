"""Prices of locked media: the surfaces that support them, and the check of requests.

A price is never dropped: a unit whose price is not supported is not sent.
"""

from collections.abc import Mapping

from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import Connector, Send, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected
from foundation.i18n.translation import Message
from foundation.money import STARS, Money
from gate.contract.units import Unit

_FIELDS: Mapping[str, str] = {"byhand": "price", "fanvue": "price", "telegram": "star_count"}
"""The field of the publish request with the price in minor units, by platform. Platforms without
one have no prices. Manual tasks contain the currency too."""


def price_problem(
    price: Money, surface: str, can: Capabilities, *, media: int, parts: int = 1
) -> Message | None:
    """Return the reason why a surface does not allow a price for a post with so many media and
    parts, or None."""
    asking = can.price_range(surface)
    if asking is None:
        return Message("price.not_here")
    if not asking.contains(price):
        if asking.currency == STARS:
            return Message("price.out_of_range_stars", {"least": asking.least, "most": asking.most})
        least, most = (str(Money(minor, asking.currency)) for minor in (asking.least, asking.most))
        return Message("price.out_of_range", {"least": least, "most": most})
    if parts > 1:
        return Message("price.one_part")
    return Message("price.no_media") if not media else None


def unit_price_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a unit cannot be sold on its surface, or None."""
    if unit.price is None:
        return None
    if unit.references:
        return Message("price.not_here")
    return price_problem(unit.price, unit.surface, can, media=len(unit.media), parts=unit.parts)


def next_step_priced(
    connector: Connector, unit: Unit, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Return the connector's next step for a unit, or Rejected if it cannot be sold on its surface.
    The check covers third-party connectors too."""
    wrong = unit_price_problem(unit, connector.capabilities)
    return (
        Rejected(wrong, permanent=False)
        if wrong is not None
        else connector.next_step(unit, answers)
    )


def is_mispriced(step: WireStep, platform: str, price: Money | None) -> bool:
    """Return True if the price in a publish request differs from the required one."""
    field = _FIELDS.get(platform, "")
    if not field:
        return price is not None
    asked = (step.json or {}).get(field)
    if price is None:
        return asked is not None
    if isinstance(asked, Mapping):
        return dict(asked) != {"minor": price.minor, "currency": price.currency}
    return type(asked) is not int or asked != price.minor
