"""Parameters of recipes, filled in for each run: choice, text, number or boolean. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import BadInput
from foundation.i18n.visible_text import is_one_line

_WHOLE = re.compile(r"-?[0-9]{1,6}", re.ASCII)
_SAID = {"yes": True, "true": True, "no": False, "false": False}

MAX_ANSWER_LENGTH = 120
"""Maximum number of characters in a text value."""

Line = Annotated[str, Field(max_length=80)]
ParameterValue = str | int | bool


class _Parameter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[str, Field(max_length=80)] = ""
    """The label on pages; the name if empty."""


class ChoiceParameter(_Parameter):
    """A choice from a list; the first option is the default unless `default` is set."""

    kind: Literal["choice"]
    options: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=50)
    ]
    default: Line = ""

    def prompt_text(self, answer: ParameterValue) -> str | None:
        """Return the value for the prompt, or None if it is not an option."""
        return answer if isinstance(answer, str) and answer in self.options else None

    @property
    def default_value(self) -> ParameterValue:
        """The value used if none is given."""
        return self.default or self.options[0]


class TextParameter(_Parameter):
    """A short text on one line."""

    kind: Literal["text"]
    most: Annotated[int, Field(ge=1, le=MAX_ANSWER_LENGTH)] = 60
    """Maximum characters."""
    default: Annotated[str, Field(max_length=MAX_ANSWER_LENGTH)] = ""

    def prompt_text(self, answer: ParameterValue) -> str | None:
        """Return the value on one line, or None if it is too long or has control characters."""
        said = " ".join(answer.split()) if isinstance(answer, str) else None
        return said if said is not None and len(said) <= self.most and is_one_line(said) else None

    @property
    def default_value(self) -> ParameterValue:
        """The value used if none is given."""
        return self.default


class NumberParameter(_Parameter):
    """An integer within inclusive bounds."""

    kind: Literal["number"]
    least: Annotated[int, Field(ge=-10_000, le=10_000)] = 1
    most: Annotated[int, Field(ge=-10_000, le=10_000)] = 10
    default: Annotated[int, Field(ge=-10_000, le=10_000)] | None = None

    def prompt_text(self, answer: ParameterValue) -> str | None:
        """Return the number as digits, or None if it is out of range."""
        whole = isinstance(answer, int) and not isinstance(answer, bool)
        return str(answer) if whole and self.least <= int(answer) <= self.most else None

    @property
    def default_value(self) -> ParameterValue:
        """The value used if none is given."""
        return self.least if self.default is None else self.default


class BooleanParameter(_Parameter):
    """A boolean, with the prompt text of each value."""

    kind: Literal["yes_no"]
    yes: Annotated[str, Field(min_length=1, max_length=80)]
    no: Line = ""
    default: bool = False

    def prompt_text(self, answer: ParameterValue) -> str | None:
        """Return the prompt text of the value, or None if it is not a boolean."""
        if not isinstance(answer, bool):
            return None
        return self.yes if answer else self.no

    @property
    def default_value(self) -> ParameterValue:
        """The value used if none is given."""
        return self.default


Parameter = Annotated[
    ChoiceParameter | TextParameter | NumberParameter | BooleanParameter,
    Field(discriminator="kind"),
]


def complete_values(
    asked: Mapping[str, Parameter], given: Mapping[str, ParameterValue]
) -> dict[str, ParameterValue]:
    """Return a value for every parameter, using defaults. Raises BadInput with the parameter's
    name."""
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
    """Return the prompt texts of all parameters by name. Raises BadInput."""
    answers = complete_values(asked, given)
    return {name: one.prompt_text(answers[name]) or "" for name, one in asked.items()}


def parse_values(
    asked: Mapping[str, Parameter], written: Sequence[str]
) -> dict[str, ParameterValue]:
    """Parse lines of the form `name=value`, with numbers as digits and booleans as yes, no, true or
    false.

    Raises BadInput for an unknown parameter. The values are validated by `complete_values`.
    """
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
