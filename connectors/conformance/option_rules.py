"""The rule for post options: each reaches the request, and no content flag is lost."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.capabilities import PostOption
from connectors.contract.connector import Connector, StepKind, WireStep
from connectors.contract.outcomes import Published, Rejected
from connectors.shared.options import OPTION_FALSE, OPTION_TRUE
from connectors.transport.transport import EgressForbidden
from gate.contract.units import PlatformOption, Unit

_CONTENT = (StepKind.STAGE, StepKind.PUBLISH)
UNKNOWN = PlatformOption("nobody_declared_this", ("yes",))


def options_reach_the_wire(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that each declared option is sent with each of its values, together with all content
    flags of the unit.

    Undeclared options and invalid values must be rejected.
    """
    breaches = (
        []
        if _is_refused(connector, replace(world.unit(), options=(UNKNOWN,)))
        else ["an unknown option is sent"]
    )
    for option in connector.capabilities.options if not world.viewer else ():
        if option.films and not world.media[0].mime.startswith("video/"):
            continue
        if (
            option.name == connector.capabilities.passes_on
        ):  # a separate part of the post (`crosspost_rules.py`)
            continue
        breaches += (
            _find_flag_breaches(world, connector, option)
            if option.kind == "flag"
            else _find_value_breaches(world, connector, option)
        )
    return breaches


def _is_refused(connector: Connector, unit: Unit) -> bool:
    return isinstance(connector.next_step(unit, ()), Rejected)


def _find_value_breaches(
    world: ConnectorWorld, connector: Connector, option: PostOption
) -> list[str]:
    breaches = []
    values = world.chooses.get(option.name) or option.choices or (option.example,)
    for value in values:
        steps = _collect_sent_steps(world, connector, option, value)
        if steps is None or value not in json.dumps(
            [step.json for step in steps], ensure_ascii=False, default=str
        ):
            breaches.append(f"{option.name}: {value} is not sent")
    wrong = replace(_build_unit(world, option, "\x00" * (option.most + 1)))
    return breaches + (
        [] if _is_refused(connector, wrong) else [f"{option.name}: an invalid value is sent"]
    )


def _find_flag_breaches(
    world: ConnectorWorld, connector: Connector, option: PostOption
) -> list[str]:
    """Check that the requests for the two values of a flag differ; their encoding is unknown."""
    yes, no = (
        _collect_sent_steps(world, connector, option, value)
        for value in (OPTION_TRUE, OPTION_FALSE)
    )
    if yes is None or no is None:
        return [f"{option.name}: nothing is sent"]
    return (
        []
        if _list_constants(yes) != _list_constants(no)
        else [f"{option.name}: yes and no send the same request"]
    )


def _build_unit(world: ConnectorWorld, option: PostOption, value: str) -> Unit:
    unit = world.unit(media=1 if option.films else world.flagged_media, flags=world.flags)
    return world.beside(
        replace(unit, options=(PlatformOption(option.name, (value,), read=option.read),)),
        option.name,
    )


def _collect_sent_steps(
    world: ConnectorWorld, connector: Connector, option: PostOption, value: str
) -> list[WireStep] | None:
    """Return the requests of a unit with the option, or None if it was not published with all its
    flags."""
    try:
        story = SendingHarness(world, connector).publish(_build_unit(world, option, value))
    except EgressForbidden:
        return None
    steps = [step for step in story.steps if step.kind in _CONTENT and step.json is not None]
    marked = not world.flags or any(
        world.told(step.json) for step in steps if step.json is not None
    )
    return steps if isinstance(story.outcome, Published) and marked else None


def _list_constants(steps: list[WireStep]) -> list[tuple[str, str]]:
    return sorted(pair for step in steps for pair in _iter_constants(step.json or {}))


def _iter_constants(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every boolean, integer and constant of a request with its name.

    Texts and keys are omitted, because they differ for each unit.
    """
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _iter_constants(part, str(key))
    elif isinstance(value, bool | int) or (
        isinstance(value, str) and value.isalpha() and value.isupper()
    ):
        yield name, str(value)
