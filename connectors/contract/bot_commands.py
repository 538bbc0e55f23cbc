"""The commands that people may choose from a platform's own menu: their names, and what the menu
says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome
from foundation.i18n.translation import Message


@dataclass(frozen=True)
class BotCommand:
    """`words` may follow the name, one of them or none, each with what the menu says of it; `asks`
    is what of."""

    name: str
    about: Message
    asks: Message | None = None
    words: Mapping[str, Message] = field(default_factory=dict)


@dataclass(frozen=True)
class CommandMenu:
    """What an account offers to choose from, and the names it once offered and does not any
    more."""

    commands: Sequence[BotCommand] = ()
    retired: frozenset[str] = frozenset()


@runtime_checkable
class SupportsCommandMenu(Connector, Protocol):
    """A platform where the menu of an account is written with the account's own token, and nothing
    else is known."""

    def write_menu(
        self, menu: CommandMenu, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """The next request (kind auth: sentences of our own catalogue) that makes what is shown of
        an account as it should be; None when it is, and an outcome otherwise. The same again
        changes nothing: a lost answer is a Retry.
        """
        ...
