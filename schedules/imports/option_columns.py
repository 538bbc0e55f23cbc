"""Columns of platform options (`connectors.shared.options`) in files. Pure.

`option_<platform>_<name>` applies to a platform, `option_<name>@<account>` to one account. An empty
cell chooses nothing. An unreadable cell prevents the import: without the option, more people might
see the post.
"""

from collections.abc import Mapping, Sequence

from connectors.contract.capabilities import PostOption
from connectors.contract.connector import Connector
from connectors.shared import options
from connectors.shared.options import OptionValue
from foundation.i18n.name_forms import fold_name
from foundation.i18n.translation import Message
from schedules.imports.cell_formats import join_names, split_names

OPTION_PREFIX = "option_"
AT = "@"
YES = "yes"
NO = "no"
"""Values of a flag in exports; imports also accept synonyms."""

_FLAGS = {
    YES: True,
    "true": True,
    "oui": True,
    "1": True,
    NO: False,
    "false": False,
    "non": False,
    "0": False,
}

DeclaredOptions = Mapping[str, Sequence[PostOption]]
"""Options by platform name."""


def declared_options(connectors: Mapping[str, Connector]) -> DeclaredOptions:
    """Return the options of each platform."""
    return {name: one.capabilities.options for name, one in connectors.items()}


def parse_option_columns(known: DeclaredOptions) -> dict[str, tuple[str, PostOption]]:
    """Return the platform and option of each option column."""
    return {
        option_column(platform, one.name): (platform, one)
        for platform, each in known.items()
        for one in each
    }


def option_column(platform: str, option: str) -> str:
    """Return the column of an option of a platform."""
    return f"{OPTION_PREFIX}{platform}_{option}"


def account_option_column(account: str, option: str) -> str:
    """Return the case-folded column of an option of an account, as the import reads it."""
    return fold_name(f"{OPTION_PREFIX}{option}{AT}{account}".strip())


def is_account_option_column(name: str) -> bool:
    """Return True if a column sets an option of one account."""
    option, _, account = name.removeprefix(OPTION_PREFIX).partition(AT)
    return name.startswith(OPTION_PREFIX) and bool(option and account)


def split_account_option_column(name: str) -> tuple[str, str]:
    """Return the account and the option of an account option column."""
    option, _, account = name.removeprefix(OPTION_PREFIX).partition(AT)
    return account, option


def parse_option_value(cell: str, option: PostOption) -> OptionValue | Message:
    """Return the value in a cell, or the reason that it is invalid. Choices are
    case-insensitive."""
    said = cell.strip()
    if option.kind == "flag":
        flag = _FLAGS.get(said.casefold())
        return (
            Message("import.option_flag", {"option": option.name, "said": said[:60]})
            if flag is None
            else flag
        )
    if option.kind == "choice":
        found = [
            one
            for one in option.choices
            if said in (one, one.casefold()) or said.casefold() == one.casefold()
        ]
        if len(found) != 1 and said not in found:
            choices = ", ".join(option.choices)
            return Message(
                "import.option_choice",
                {"option": option.name, "said": said[:60], "choices": choices},
            )
        return said if said in found else found[0]
    value: OptionValue = split_names(cell) if option.kind == "list" else cell
    # A finding names the option's column, not its label on a page.
    wrong = options.option_value_problem("", option, value)
    return value if wrong is None else Message(wrong.code, {**wrong.params, "option": option.name})


def resolve_option_value(
    cell: str, known: Mapping[str, PostOption], option: str, account: str
) -> OptionValue | Message:
    """Return the value in a cell for an account with these options, or the reason that it is
    invalid."""
    if option in known:
        return parse_option_value(cell, known[option])
    said: dict[str, str | int] = {"option": option[:60], "account": account}
    if not known:
        return Message("import.option_none", said)
    return Message("import.option_unknown", {**said, "options": ", ".join(known)})


def format_option_value(value: OptionValue) -> str:
    """Format a value as `parse_option_value` reads it."""
    if isinstance(value, bool):
        return YES if value else NO
    return value if isinstance(value, str) else join_names(value)
