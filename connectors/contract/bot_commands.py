"""Commands in a platform's menu: their names and descriptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome
from foundation.i18n.translation import Message


@dataclass(frozen=True)
class BotCommand:
    """A command of the menu. `words` are the values accepted as its only argument, with their
    descriptions; `asks` describes the argument."""

    name: str
    about: Message
    asks: Message | None = None
    words: Mapping[str, Message] = field(default_factory=dict)


@dataclass(frozen=True)
class CommandMenu:
    """The commands of an account, and the names of commands that it no longer offers."""

    commands: Sequence[BotCommand] = ()
    retired: frozenset[str] = frozenset()


@runtime_checkable
class SupportsCommandMenu(Connector, Protocol):
    """A platform whose command menu is written with the account's token."""

    def write_menu(
        self, menu: CommandMenu, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Return the next request that updates the menu, None if it is up to date, or the failure.

        The requests have kind auth, because they contain only messages of our catalogue. They are
        idempotent: a lost answer is a Retry.
        """
        ...
