"""What a recipe asks the person who runs it: a choice, a few words, a whole number, or yes and no.
Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import BadInput
from foundation.i18n.visible_text import is_one_line

_WHOLE = re.compile(r"-?[0-9]{1,6}", re.ASCII)
_SAID = {"yes": True, "true": True, "no": False, "false": False}

MAX_ANSWER_LENGTH = 120
"""Signs of an answer in words."""

Line = Annotated[str, Field(max_length=80)]
ParameterValue = str | int | bool


class _Parameter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[str, Field(max_length=80)] = ""
    """The question as people read it; the name where it is empty."""


class ChoiceParameter(_Parameter):
    """One of a closed list; the first one where `default` is empty."""

    kind: Literal["choice"]
    options: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=50)
    ]
    default: Line = ""

    def prompt_text(self, answer: ParameterValue) -> str | None:
        """The answer as the prompt says it; None of one that does not fit."""
        return answer if isinstance(answer, str) and answer in self.options else None

    @property
    def default_value(self) -> ParameterValue:
        """The answer of who says nothing."""
        return self.default or self.options[0]


class TextParameter(_Parameter):
    """A few words, on one line."""

    kind: Literal["text"]
    most: Annotated[int, Field(ge=1, le=MAX_ANSWER_LENGTH)] = 60
    """Signs at most."""
    default: Annotated[str, Field(max_length=MAX_ANSWER_LENGTH)] = ""

    def prompt_text(self, answer: ParameterValue) -> str | None:
        """The answer on one line; None of one that is too long or holds signs nobody types."""
        said = " ".join(answer.split()) if isinstance(answer, str) else None
        return said if said is not None and len(said) <= self.most and is_one_line(said) else None

    @property
    def default_value(self) -> ParameterValue:
        """The answer of who says nothing."""
        return self.default


class NumberParameter(_Parameter):
    """A whole number within bounds, both included."""

    kind: Literal["number"]
    least: Annotated[int, Field(ge=-10_000, le=10_000)] = 1
    most: Annotated[int, Field(ge=-10_000, le=10_000)] = 10
    default: Annotated[int, Field(ge=-10_000, le=10_000)] | None = None

    def prompt_text(self, answer: ParameterValue) -> str | None:
        """The number in figures; None of one outside the bounds."""
        whole = isinstance(answer, int) and not isinstance(answer, bool)
        return str(answer) if whole and self.least <= int(answer) <= self.most else None

    @property
    def default_value(self) -> ParameterValue:
        """The answer of who says nothing."""
        return self.least if self.default is None else self.default


class BooleanParameter(_Parameter):
    """Yes or no, and the words that each puts into the prompt."""

    kind: Literal["yes_no"]
    yes: Annotated[str, Field(min_length=1, max_length=80)]
    no: Line = ""
    default: bool = False

    def prompt_text(self, answer: ParameterValue) -> str | None:
        """The words of the answer; None of what is neither."""
        if not isinstance(answer, bool):
            return None
        return self.yes if answer else self.no

    @property
    def default_value(self) -> ParameterValue:
        """The answer of who says nothing."""
        return self.default


Parameter = Annotated[
    ChoiceParameter | TextParameter | NumberParameter | BooleanParameter,
    Field(discriminator="kind"),
]


def complete_values(
    asked: Mapping[str, Parameter], given: Mapping[str, ParameterValue]
) -> dict[str, ParameterValue]:
    """An answer to every question, the usual one where nothing was said. Raises BadInput that names
    the question."""
    unknown = next((name for name in given if name not in asked), None)
    if unknown is not None:
        raise BadInput("recipe.answer_unknown", name=unknown[:60])
    answers = {name: given.get(name, one.default_value) for name, one in asked.items()}
    for name, one in asked.items():
        if one.prompt_text(answers[name]) is None:
            raise BadInput("recipe.answer_wrong", name=one.label or name)
    return answers


def prompt_texts(
    asked: Mapping[str, Parameter], given: Mapping[str, ParameterValue]
) -> dict[str, str]:
    """The words that the answers put into a prompt, by name. Raises BadInput."""
    answers = complete_values(asked, given)
    return {name: one.prompt_text(answers[name]) or "" for name, one in asked.items()}


def parse_values(
    asked: Mapping[str, Parameter], written: Sequence[str]
) -> dict[str, ParameterValue]:
    """The answers out of lines `name=answer`, a number in figures, yes or no in these words. Raises
    BadInput for a question that is not asked; whether an answer fits is said by `complete`."""
    found: dict[str, ParameterValue] = {}
    for line in written:
        name, equals, said = line.partition("=")
        if not equals or name not in asked:
            raise BadInput("recipe.answer_unknown", name=name[:60])
        match asked[name]:
            case NumberParameter():
                found[name] = int(said) if _WHOLE.fullmatch(said) else said
            case BooleanParameter():
                found[name] = _SAID.get(said, said)
            case _:
                found[name] = said
    return found
