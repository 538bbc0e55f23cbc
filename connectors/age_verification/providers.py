"""The contract of age verification providers: pure functions like those of a connector.

No personal data is stored. A step declares the fields of the response to retain (`WireStep.only`),
so a birth date, document, face or name is dropped before it can be logged.
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
"""Import paths of the providers. They are strings, so that this module imports no provider."""

AGE_CHECK_ACTION = "age_check"
"""The action of a ControlOrder that starts a check. Reading its result is a `look`."""


@dataclass(frozen=True)
class AgeCheckRequest:
    """A check to be started. `reference` is our ID, the only information about the viewer that the
    provider receives.

    `back` is the URL to which the viewer's browser returns. `call` is the URL of our webhook for
    the provider, or "" without a public address. `lives` is the time that the viewer has.
    """

    reference: str
    back: str
    call: str
    lives: timedelta


@dataclass(frozen=True)
class AgeCheckSession:
    """An open check: the provider's ID, and the URL for the viewer."""

    native_id: str
    address: str


@dataclass(frozen=True)
class AgeCheckResult:
    """The result of a check. `method` and `level` (L0 to L4) are set if the check passed.

    `expired`: it ended without a result and may be repeated. `recalled`: it had passed, and the
    provider revoked the result.
    """

    state: Literal["passed", "failed", "pending", "expired", "recalled"]
    method: str = ""
    level: str = "L0"


@dataclass(frozen=True)
class ProviderCredential:
    """The stored credential of a provider: our account ID (no secret) and the sealed key."""

    account: str
    token: Sealed


class AgeProvider(Protocol):
    """A provider of age verification."""

    name: str
    form: ConnectForm

    def read_form(self, form: Mapping[str, str | Sealed]) -> ProviderCredential | None:
        """Return the credential from a submitted form, or None if it is invalid."""
        ...

    def verify_credential(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Return the next request of a free test without personal data, or the failure. Return None
        if the credential works."""
        ...

    def open_check(
        self, asked: AgeCheckRequest, account: str, base_url: str, answers: tuple[StepResult, ...]
    ) -> Send | AgeCheckSession | Outcome:
        """Return the next request that starts a check (control, action `age_check`), the session,
        or the failure."""
        ...

    def read_result(
        self, native_id: str, reference: str, account: str, answers: tuple[StepResult, ...]
    ) -> Send | AgeCheckResult | Outcome:
        """Return the next request for the result (control, action `look`), the result, or the
        failure.

        A result for another check than `reference` is rejected.
        """
        ...


def load_age_providers(names: Iterable[str] = AGE_PROVIDERS) -> Mapping[str, AgeProvider]:
    """Return the providers by name."""
    found: dict[str, AgeProvider] = {}
    for name in names:
        module, _, attribute = name.partition(":")
        provider: AgeProvider = getattr(import_module(module), attribute)()
        found[provider.name] = provider
    return found
