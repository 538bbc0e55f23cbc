"""Account setup: the form of a platform, its sign-in requests and the connected account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome
from foundation.sealed import Sealed


@dataclass(frozen=True)
class FormField:
    """A field of the form that connects an account. Its label is the message
    `connect.<platform>.<name>`."""

    name: str
    secret: bool = False
    optional: bool = False
    example: str = ""
    choices: tuple[str, ...] = ()
    """The allowed values; empty for free text."""


WANTED_FIELD = "wanted"
WANTED_POSTS = "posts"
WANTED_MESSAGES = "messages"
"""Values of the field by which a user connects only the posts of an account, or its messages too.
Forms have it where messages need an additional permission."""

CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"
CLIENT_FIELDS = (FormField(CLIENT_ID), FormField(CLIENT_SECRET, secret=True, optional=True))
"""The agency's application at a platform (its `OAuthClient`). The labels are `connect.client_id`
and `connect.client_secret`."""


def field_label(platform: str, field: FormField) -> str:
    """Return the message code of a field's label on a platform's form."""
    return f"connect.{field.name}" if field in CLIENT_FIELDS else f"connect.{platform}.{field.name}"


def field_choice_label(platform: str, field: FormField, choice: str) -> str:
    """Return the message code of a choice's label."""
    return (
        f"platform.{choice}"
        if field.name == "site"
        else f"connect.{platform}.{field.name}.{choice}"
    )


@dataclass(frozen=True)
class ConnectForm:
    """The form by which an account of a platform is connected.

    `credential` names the secret field that authenticates the sign-in requests ("" for none); a
    sealed value of that name in a response replaces it. `minutes` is the approximate time that a
    user needs. `server` names the field for a server other than the platform's default.
    `registered` is True if the agency first registers an application, which serves all its
    accounts. `pasted` names the field of a token that makes the application unnecessary ("" for
    none).
    """

    fields: tuple[FormField, ...]
    credential: str = ""
    minutes: int = 2
    server: str = ""
    registered: bool = False
    pasted: str = ""

    @property
    def all_fields(self) -> tuple[FormField, ...]:
        """Return all fields, including those of the application."""
        return (*self.fields, *CLIENT_FIELDS) if self.registered else self.fields

    def needs_oauth(self, typed: Mapping[str, str | Sealed]) -> bool:
        """Return True if the account is connected through an application, because no token was
        pasted."""
        return self.registered and not typed.get(self.pasted)

    @property
    def needs_messages(self) -> bool:
        """Return True if the user chooses whether messages are connected too."""
        return any(field.name == WANTED_FIELD for field in self.fields)

    def first_missing_field(self, typed: Mapping[str, str], *, known: bool) -> FormField | None:
        """Return the first required field without a value, or None.

        `known` is True if the agency already has an application at the platform.
        """
        needed = self.all_fields if self.needs_oauth(typed) and not known else self.fields
        return next(
            (field for field in needed if not field.optional and not typed.get(field.name)), None
        )


@dataclass(frozen=True)
class ConnectedAccount:
    """A connected account, from which its channel is created. `lifetime` is the lifetime of
    `token`, counted from its request."""

    account: str
    name: str
    surface: str
    chat_surface: str = ""
    token: Sealed | None = None
    refresh: Sealed | None = None
    lifetime: timedelta | None = None
    base_url: str = ""
    """The account's server, if it is not the platform's default."""
    min_gap_seconds: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    """The account's limits, where accounts of the platform differ
    (`connectors.contract.capability_overrides`)."""
    app_key: str = ""
    """The key of accounts that share rate limits, such as an application's ID or a server; often
    empty."""


@dataclass(frozen=True)
class OAuthVisit:
    """A consent page of the platform, which redirects the user back with a code.

    `page` is a URL or a path of the platform's site. `asked` is its query, to which `channels` adds
    the redirect URI, a state and a PKCE challenge. After the redirect, `connect` is called again
    without answers; its form then contains `keep`, `code` and `verifier`. The last two are sealed.
    """

    page: str
    asked: Mapping[str, str]
    keep: Mapping[str, str | Sealed] = field(default_factory=dict)


@runtime_checkable
class SupportsAccountSetup(Connector, Protocol):
    """A platform whose accounts are connected from the dashboard."""

    form: ConnectForm

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Return the next sign-in request (kind auth), the consent page, the account, or the
        failure.

        Secret fields of the form are `Sealed`. Its `redirect_uri` is the address to which the
        consent page redirects.
        """
        ...

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Return the next read-only request (kind control, action look) of the account test, or the
        failure. Return None if the account works."""
        ...
