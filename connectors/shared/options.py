"""Options: settings of a post on one platform, by a schema that its connector declares as data.

The chosen values are part of the post: they are stored unchanged, approved with it, and sent as
`gate.contract.units.PlatformOption`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.contract.capabilities import Capabilities, PostOption
from foundation.i18n.translation import Message
from gate.contract.units import PlatformOption, Unit

OptionValue = str | bool | tuple[str, ...]
"""The value of a choice or text, of a flag, or of a list."""

ChosenOptions = tuple[tuple[str, OptionValue], ...]
"""Names and values, sorted by name."""

OPTION_TRUE = "true"
OPTION_FALSE = "false"
"""The value of a flag that is off in a `PlatformOption`."""


@dataclass(frozen=True)
class UnitOptions:
    """The options of a unit, for its connector."""

    values: Mapping[str, tuple[str, ...]]

    def get_text(self, name: str) -> str:
        """Return the value of a choice or text, or "" if unset."""
        found = self.values.get(name, ())
        return found[0] if found else ""

    def get_flag(self, name: str) -> bool | None:
        """Return the value of a flag, or None if unset."""
        said = self.get_text(name)
        return said == OPTION_TRUE if said else None

    def get_list(self, name: str) -> list[str]:
        """Return the entries of a list."""
        return list(self.values.get(name, ()))


def capabilities_for(can: Capabilities, chosen: Sequence[PlatformOption]) -> Capabilities:
    """Return the capabilities for a post with these options, which may select a format."""
    name = next(
        (one.name for one in chosen if one.name in can.formats and one.values == (OPTION_TRUE,)), ""
    )
    return can.for_format(name) if name else can


def option_label(platform: str, option: str, choice: str = "") -> str:
    """Return the message code of the label of an option, or of one of its choices."""
    return f"option.{platform}.{option}.{choice}" if choice else f"option.{platform}.{option}"


def option_of_code(code: str) -> str:
    """Return the name of an option from its message code, or from the name itself."""
    return code.rpartition(".")[2]


def is_valid_option(option: object) -> bool:
    """Return True if a package declares a valid option with a valid example."""
    if not isinstance(option, PostOption) or not re.fullmatch(r"[a-z][a-z0-9_]{0,29}", option.name):
        return False
    if option.kind in ("choice", "flag"):
        return option.kind == "flag" or (
            bool(option.choices) and all(isinstance(one, str) for one in option.choices)
        )
    return option.kind in ("text", "list") and _value_problem("", option, (option.example,)) is None


def unit_options(unit: Unit) -> UnitOptions:
    """Return the options of a unit."""
    return UnitOptions({one.name: one.values for one in unit.options})


def option_settings(chosen: ChosenOptions, can: Capabilities) -> tuple[PlatformOption, ...]:
    """Return the options as sent to a platform. Unknown ones are included, so that the platform's
    checks reject them."""
    known = {one.name: one for one in can.options}
    return tuple(_build_setting(name, value, known.get(name)) for name, value in chosen)


def _build_setting(name: str, value: OptionValue, option: PostOption | None) -> PlatformOption:
    read = option is None or option.read
    if isinstance(value, bool):
        return PlatformOption(name, (OPTION_TRUE if value else OPTION_FALSE,))
    return PlatformOption(name, (value,) if isinstance(value, str) else value, read=read)


def options_problem(unit: Unit, declared: Sequence[PostOption]) -> Message | None:
    """Return the reason why a unit's options do not fit the declared ones, or None."""
    known = {one.name: one for one in declared}
    for setting in unit.options:
        option = known.get(setting.name)
        if option is None:
            return Message("option.unknown", {"option": setting.name, "platform": unit.platform})
        if option.films and (len(unit.media) != 1 or not unit.media[0].mime.startswith("video/")):
            return _option_message("option.films_alone", unit.platform, option)
        if wrong := _value_problem(unit.platform, option, setting.values):
            return wrong
    return None


def option_problem(chosen: ChosenOptions, can: Capabilities) -> Message | None:
    """Return the reason why a platform does not support these options or values, or None."""
    known = {one.name: one for one in can.options}
    for name, value in chosen:
        option = known.get(name)
        if option is None:
            return Message("option.unknown", {"option": name, "platform": can.platform})
        if found := option_value_problem(can.platform, option, value):
            return found
    return None


def option_value_problem(platform: str, option: PostOption, value: OptionValue) -> Message | None:
    """Return the reason why a value is invalid for an option, or None."""
    if isinstance(value, bool) != (option.kind == "flag") or isinstance(value, tuple) != (
        option.kind == "list"
    ):
        return _option_message("option.wrong_kind", platform, option)
    return _value_problem(platform, option, _build_setting(option.name, value, option).values)


def _value_problem(platform: str, option: PostOption, values: tuple[str, ...]) -> Message | None:
    if not values or (option.kind != "list" and len(values) != 1):
        return _option_message("option.wrong_kind", platform, option)
    if option.kind in ("choice", "flag"):
        choices = option.choices if option.kind == "choice" else (OPTION_TRUE, OPTION_FALSE)
        return (
            None
            if values[0] in choices
            else _option_message("option.no_such_choice", platform, option, said=values[0][:60])
        )
    if option.kind == "list" and len(values) > option.entries:
        return _option_message("option.too_many", platform, option, most=option.entries)
    # The limit of a list applies to all entries together, as platforms count tags.
    if sum(map(len, values)) > option.most:
        return _option_message("option.too_long", platform, option, most=option.most)
    bad = next(
        (one for one in values if not one.strip() or not re.fullmatch(option.pattern, one)), None
    )
    return (
        None
        if bad is None
        else _option_message("option.unreadable", platform, option, said=bad[:60])
    )


def _option_message(code: str, platform: str, option: PostOption, **more: str | int) -> Message:
    return Message(code, {"option": option_label(platform, option.name), **more})


@dataclass(frozen=True)
class ReadableOption:
    """An option for display: its label, and either the label of the choice or the typed text."""

    option: Message
    choice: Message | None
    text: str = ""


def readable_options(chosen: ChosenOptions, can: Capabilities) -> tuple[ReadableOption, ...]:
    """Return the options for display to an approver. Unknown ones are omitted, since they are
    rejected."""
    known = {one.name: one for one in can.options}
    return tuple(
        _readable_option(can.platform, known[name], value)
        for name, value in chosen
        if name in known
    )


def _readable_option(platform: str, option: PostOption, value: OptionValue) -> ReadableOption:
    called = Message(option_label(platform, option.name))
    if isinstance(value, bool):
        return ReadableOption(called, Message("option.yes" if value else "option.no"))
    if isinstance(value, str) and value in option.choices:
        return ReadableOption(called, Message(option_label(platform, option.name, value)))
    return ReadableOption(called, None, value if isinstance(value, str) else ", ".join(value))
