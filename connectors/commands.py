"""The commands that people may choose from a platform's own menu: their names, and what the menu says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foundation.words import Message


@dataclass(frozen=True)
class Command:
    """`words` may follow the name, one of them or none, each with what the menu says of it; `asks` is what of."""

    name: str
    about: Message
    asks: Message | None = None
    words: Mapping[str, Message] = field(default_factory=dict)


@dataclass(frozen=True)
class Menu:
    """What an account offers to choose from, and the names it once offered and does not any more."""

    commands: Sequence[Command] = ()
    retired: frozenset[str] = frozenset()
