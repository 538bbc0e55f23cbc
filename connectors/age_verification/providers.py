"""The contract of every provider that checks ages: a pure stepper, like a connector, that learns
nothing of a person.

What a step asks to keep of an answer is all that is kept of it (`WireStep.only`): a birth date, a
document, a face or a name in an answer is gone before anybody could write it down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Literal, Protocol

from connectors.contract.account_setup import ConnectForm
from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome
from foundation.sealed import Sealed

AGE_PROVIDERS = ("connectors.age_verification.yoti:Yoti",)
"""Strings, so that reading the list imports no provider."""

AGE_CHECK_ACTION = "age_check"
"""What a ControlOrder must allow for a check to begin; reading one back is a `look`."""


@dataclass(frozen=True)
class AgeCheckRequest:
    """A check that is to begin. `reference` is our id of it, the only thing a provider is told of
    the viewer.

    `back` is where the viewer's browser returns to, `call` where the provider may call ("" where
    nobody outside can); both are addresses of ours. `lives` is how long the viewer has.
    """

    reference: str
    back: str
    call: str
    lives: timedelta


@dataclass(frozen=True)
class AgeCheckSession:
    """A check stands open: the provider's id of it, and the address the viewer opens."""

    native_id: str
    address: str


@dataclass(frozen=True)
class AgeCheckResult:
    """What a provider says of a check. `method` and `level` (L0 to L4) are those of a passed one.

    `expired`: it ended without saying anything of an age, and may be begun anew. `recalled`: it
    passed once, and the provider takes that back.
    """

    state: Literal["passed", "failed", "pending", "expired", "recalled"]
    method: str = ""
    level: str = "L0"


@dataclass(frozen=True)
class ProviderCredential:
    """What connecting leaves: the provider's name of us, which is no secret, and the sealed
    credential."""

    account: str
    token: Sealed


class AgeProvider(Protocol):
    """One provider."""

    name: str
    form: ConnectForm

    def read_form(self, form: Mapping[str, str | Sealed]) -> ProviderCredential | None:
        """What a filled form says; None when it cannot be one of theirs."""
        ...

    def verify_credential(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """The next request of a test that costs nothing and names nobody; None when all is well."""
        ...

    def open_check(
        self, asked: AgeCheckRequest, account: str, base_url: str, answers: tuple[StepResult, ...]
    ) -> Send | AgeCheckSession | Outcome:
        """The next request that opens a check (control, action `age_check`), or how it stands."""
        ...

    def read_result(
        self, native_id: str, reference: str, account: str, answers: tuple[StepResult, ...]
    ) -> Send | AgeCheckResult | Outcome:
        """The next request for the result (control, action `look`), or what it says.

        A result that names another check than `reference` is refused.
        """
        ...


def load_age_providers(names: Iterable[str] = AGE_PROVIDERS) -> Mapping[str, AgeProvider]:
    """The providers by name."""
    found: dict[str, AgeProvider] = {}
    for name in names:
        module, _, attribute = name.partition(":")
        provider: AgeProvider = getattr(import_module(module), attribute)()
        found[provider.name] = provider
    return found
