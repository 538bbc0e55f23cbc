"""The contract of every provider that checks ages: a pure stepper, like a connector, that learns nothing of a person.

What a step asks to keep of an answer is all that is kept of it (`WireStep.only`): a birth date, a document, a face or
a name in an answer is gone before anybody could write it down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Literal, Protocol

from connectors.contract import Answer, Send
from connectors.enrolment import ConnectForm
from connectors.outcomes import Outcome
from foundation.sealed import Sealed

PROVIDERS = ("connectors.yoti:Yoti",)
"""Strings, so that reading the list imports no provider."""

BEGIN = "age_check"
"""What a ControlOrder must allow for a check to begin; reading one back is a `look`."""


@dataclass(frozen=True)
class Asked:
    """A check that is to begin. `reference` is our id of it, the only thing a provider is told of the viewer.

    `back` is where the viewer's browser returns to, `call` where the provider may call ("" where nobody outside can);
    both are addresses of ours. `lives` is how long the viewer has.
    """

    reference: str
    back: str
    call: str
    lives: timedelta


@dataclass(frozen=True)
class Begun:
    """A check stands open: the provider's id of it, and the address the viewer opens."""

    native_id: str
    address: str


@dataclass(frozen=True)
class Finding:
    """What a provider says of a check. `method` and `level` (L0 to L4) are those of a passed one.

    `expired`: it ended without saying anything of an age, and may be begun anew. `recalled`: it passed once, and the
    provider takes that back.
    """

    state: Literal["passed", "failed", "pending", "expired", "recalled"]
    method: str = ""
    level: str = "L0"


@dataclass(frozen=True)
class Signed:
    """What connecting leaves: the provider's name of us, which is no secret, and the sealed credential."""

    account: str
    token: Sealed


class AgeProvider(Protocol):
    """One provider."""

    name: str
    form: ConnectForm

    def sign(self, form: Mapping[str, str | Sealed]) -> Signed | None:
        """What a filled form says; None when it cannot be one of theirs."""
        ...

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """The next request of a test that costs nothing and names nobody; None when all is well."""
        ...

    def begin(self, asked: Asked, account: str, base_url: str, answers: tuple[Answer, ...]) -> Send | Begun | Outcome:
        """The next request that opens a check (control, action `age_check`), or how it stands."""
        ...

    def read(
        self, native_id: str, reference: str, account: str, answers: tuple[Answer, ...]
    ) -> Send | Finding | Outcome:
        """The next request for the result (control, action `look`), or what it says.

        A result that names another check than `reference` is refused.
        """
        ...


def load(names: Iterable[str] = PROVIDERS) -> Mapping[str, AgeProvider]:
    """The providers by name."""
    found: dict[str, AgeProvider] = {}
    for name in names:
        module, _, attribute = name.partition(":")
        provider: AgeProvider = getattr(import_module(module), attribute)()
        found[provider.name] = provider
    return found
