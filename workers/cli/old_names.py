"""Former names of commands and options: they still work, and no help text shows them.

Imports nothing, so that `greenroom --help` stays fast.
"""

from collections.abc import Sequence

OLD_COMMANDS: dict[str, str] = {
    "channels test": "channels check",
    "complaints": "removal-requests",
    "complaints contact": "removal-requests show-contact",
    "complaints leave": "removal-requests reject",
    "complaints take-away": "removal-requests uphold",
    "connect": "channels connect",
    "day": "run-day",
    "gate key": "gate public-key",
    "gate reopen": "gate resume",
    "gate stop": "gate emergency-stop",
    "make": "generation",
    "make lists": "generation wildcards",
    "make progress": "generation status",
    "make put-list-away": "generation archive-wildcard",
    "make rename-list": "generation rename-wildcard",
    "make write-list": "generation save-wildcard",
    "new connector": "create-connector",
    "rehearse": "dry-run",
    "speak": "text-to-speech",
    "voice": "set-voice",
}
"""Former name of a command -> its current name; the longest match counts."""

MAX_WORDS = 2
"""Number of words in the longest former name."""


def replace_old_command(words: Sequence[str]) -> list[str]:
    """Return the arguments of a command line with the current name of the command."""
    for count in range(MAX_WORDS, 0, -1):
        current = OLD_COMMANDS.get(" ".join(words[:count])) if len(words) >= count else None
        if current is not None:
            return [*current.split(), *words[count:]]
    return list(words)


class RenamedOptions(dict[str, str]):
    """Former name of an option -> its current name, without dashes; other names are unchanged."""

    def __missing__(self, name: str) -> str:
        """Return `name` itself."""
        return name

    def as_context(self) -> dict[str, object]:
        """Return the `context_settings` of a command that accepts the old names too."""
        return {"token_normalize_func": self.__getitem__}
