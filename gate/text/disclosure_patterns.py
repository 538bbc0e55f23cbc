"""The words by which a text discloses or denies AI, read from `gate/policy/lexicon.yaml`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from pydantic import BaseModel, ConfigDict


class DisclosurePatterns(BaseModel):
    """The section `disclosures` of the lexicon, and its compiled patterns.

    They are searched in one clause, in lower case without accents. A mark may name the group `mark`
    for the part of the match that is the word itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    marks: list[str]
    bare: list[str]
    """Marks that are names, too, and count only beside a word of `making`."""
    hashtags: list[str]
    """Beginnings of hashtags of AI."""
    making: dict[str, list[str]]
    negators: dict[str, list[str]]
    adversatives: dict[str, list[str]]
    not_negations: list[str]
    homonyms: dict[str, str]
    denials: list[str]
    mentions: list[str]
    answers: list[str]

    @cached_property
    def mark_patterns(self) -> "tuple[re.Pattern[str], ...]":
        """Return the patterns of a disclosure."""
        return tuple(map(re.compile, self.marks))

    @cached_property
    def denial_patterns(self) -> "tuple[re.Pattern[str], ...]":
        """Return the patterns of a denial."""
        return tuple(map(re.compile, self.denials))

    @cached_property
    def mention_patterns(self) -> "tuple[re.Pattern[str], ...]":
        """Return the patterns of what is a denial only under a negator."""
        return tuple(map(re.compile, self.mentions))

    @cached_property
    def bare_mark(self) -> "re.Pattern[str]":
        """Return the pattern of a mark that is a name, too."""
        return _any_word(self.bare)

    @cached_property
    def making_word(self) -> "re.Pattern[str]":
        """Return the pattern of a word for making or picture, in any language."""
        return _any_word(word for words in self.making.values() for word in words)

    @cached_property
    def hashtag(self) -> "re.Pattern[str]":
        """Return the pattern of a hashtag of AI; the group `rest` is what follows the mark."""
        return re.compile(rf"#(?P<mark>(?:{'|'.join(self.hashtags)})(?P<rest>\w*))")

    @cached_property
    def not_negation(self) -> "re.Pattern[str]":
        """Return the pattern of phrases that hold a negator and negate nothing."""
        return _any_word(self.not_negations)

    @cached_property
    def negators_by_language(self) -> "Mapping[str, re.Pattern[str]]":
        """Return the pattern of the negators of each language."""
        return {language: _any_word(words) for language, words in self.negators.items()}

    @cached_property
    def adversatives_by_language(self) -> "Mapping[str, re.Pattern[str]]":
        """Return the pattern of the conjunctions that end a clause in each language."""
        return {language: _any_word(words) for language, words in self.adversatives.items()}

    @cached_property
    def ends_in_negator(self) -> "re.Pattern[str]":
        """Return the pattern of a line that ends in a negator."""
        words = dict.fromkeys(word for each in self.negators.values() for word in each)
        return re.compile(rf"(?<!\w)(?:{'|'.join(words)})\s*$")

    @cached_property
    def homonym_cues(self) -> "Mapping[str, re.Pattern[str]]":
        """Return the cues of the other meaning of a negator."""
        return {word: re.compile(cues) for word, cues in self.homonyms.items()}


def _any_word(words: Iterable[str]) -> "re.Pattern[str]":
    listed: Sequence[str] = tuple(dict.fromkeys(words))
    return re.compile(rf"(?<!\w)(?:{'|'.join(listed)})(?!\w)")
