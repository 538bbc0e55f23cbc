"""Words and how often each is drawn, as people write them: `red dress:3`, three times as often. Pure."""

import re

from studio.word_lists import WordList

WEIGHED = re.compile(r"(.*\S)\s*:\s*([0-9]{1,3})")


def weighed(option: str, weight: int | None) -> str:
    """One word with its weight."""
    if weight is None and WEIGHED.fullmatch(option):
        weight = 1  # "16:9" is a word and no weight
    return option if weight is None else f"{option}:{weight}"


def write(one: WordList) -> str:
    """The words of a shared list, one to a line; `read` of it is the same."""
    return "\n".join(weighed(word, one.weights.get(word)) for word in one.words)


def read(text: str) -> tuple[list[str], dict[str, int]]:
    """The words of a shared list and their weights out of what somebody wrote."""
    found: list[str] = []
    weights: dict[str, int] = {}
    for line in filter(None, (" ".join(one.split()) for one in text.splitlines())):
        match = WEIGHED.fullmatch(line)
        found.append(match[1] if match else line)
        if match and match[2] != "1":
            weights[match[1]] = int(match[2])
    return found, weights
