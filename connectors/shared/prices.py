"""What a reader pays a platform before the media of a post are shown: where that can be, and
whether a request asks it.

A price is never dropped: what cannot be asked for is not sent. Pure.
"""

from collections.abc import Mapping

from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import Connector, Send, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected
from foundation.i18n.translation import Message
from foundation.money import STARS, Money
from gate.contract.units import Unit

_FIELDS: Mapping[str, str] = {"byhand": "price", "fanvue": "price", "telegram": "star_count"}
"""Where the request that shows a post names its price, in minor units, by platform; all others know
no price. People are told its currency as well."""


def price_problem(
    price: Money, surface: str, can: Capabilities, *, media: int, parts: int = 1
) -> Message | None:
    """Why a price cannot be asked on a place for a post of so many media and parts."""
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
    """Why a unit cannot be sold where it goes; None for one without a price."""
    if unit.price is None:
        return None
    if unit.references:
        return Message("price.not_here")
    return price_problem(unit.price, unit.surface, can, media=len(unit.media), parts=unit.parts)


def next_step_priced(
    connector: Connector, unit: Unit, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """What a connector says of a unit; whoever wrote it, it is not asked about one that cannot be
    sold there."""
    wrong = unit_price_problem(unit, connector.capabilities)
    return (
        Rejected(wrong, permanent=False)
        if wrong is not None
        else connector.next_step(unit, answers)
    )


def is_mispriced(step: WireStep, platform: str, price: Money | None) -> bool:
    """Whether a request that shows something asks another price than it must, or one where there is
    none."""
    field = _FIELDS.get(platform, "")
    if not field:
        return price is not None
    asked = (step.json or {}).get(field)
    if price is None:
        return asked is not None
    if isinstance(asked, Mapping):
        return dict(asked) != {"minor": price.minor, "currency": price.currency}
    return type(asked) is not int or asked != price.minor
