"""The part of the contract by which accounts come in: what a person is asked, where they say yes,
what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome
from foundation.sealed import Sealed


@dataclass(frozen=True)
class FormField:
    """One thing a person is asked to connect an account. Its label is the sentence
    `connect.<platform>.<name>`."""

    name: str
    secret: bool = False
    optional: bool = False
    example: str = ""
    choices: tuple[str, ...] = ()
    """What may be chosen, where nothing else can be typed."""


WANTED_FIELD = "wanted"
WANTED_POSTS = "posts"
WANTED_MESSAGES = "messages"
"""Where a right more is asked for messages: whether an account's posts are wanted alone, or its
messages too."""

CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"
CLIENT_FIELDS = (FormField(CLIENT_ID), FormField(CLIENT_SECRET, secret=True, optional=True))
"""What an agency registered at a platform (its `OAuthClient`); their labels are `connect.client_id`
and so on."""


def field_label(platform: str, field: FormField) -> str:
    """The code of what a field is called on a platform's form."""
    return f"connect.{field.name}" if field in CLIENT_FIELDS else f"connect.{platform}.{field.name}"


def field_choice_label(platform: str, field: FormField, choice: str) -> str:
    """The code of what one choice of a field means."""
    return (
        f"platform.{choice}"
        if field.name == "site"
        else f"connect.{platform}.{field.name}.{choice}"
    )


@dataclass(frozen=True)
class ConnectForm:
    """What connecting takes: the fields, the one whose secret is shown as the credential meanwhile
    ("" for none; a sealed part of an answer by that name takes its place), about how many minutes a
    person needs, and the field that names another server than the platform's usual one.
    `registered`: the agency registers an application there first, which serves all of its accounts;
    `pasted` names the field of a token that does without, "" for none."""

    fields: tuple[FormField, ...]
    credential: str = ""
    minutes: int = 2
    server: str = ""
    registered: bool = False
    pasted: str = ""

    @property
    def all_fields(self) -> tuple[FormField, ...]:
        """All that a person may type."""
        return (*self.fields, *CLIENT_FIELDS) if self.registered else self.fields

    def needs_oauth(self, typed: Mapping[str, str | Sealed]) -> bool:
        """Whether an account comes in through an application: no token was pasted."""
        return self.registered and not typed.get(self.pasted)

    @property
    def needs_messages(self) -> bool:
        """Whether somebody chooses if messages are wanted."""
        return any(field.name == WANTED_FIELD for field in self.fields)

    def first_missing_field(self, typed: Mapping[str, str], *, known: bool) -> FormField | None:
        """The first field that has to be filled in and is not; `known`: the agency has an
        application there."""
        needed = self.all_fields if self.needs_oauth(typed) and not known else self.fields
        return next(
            (field for field in needed if not field.optional and not typed.get(field.name)), None
        )


@dataclass(frozen=True)
class ConnectedAccount:
    """An account that can be used: what its channel is made of. `lifetime` is the token's, from
    when it was asked."""

    account: str
    name: str
    surface: str
    chat_surface: str = ""
    token: Sealed | None = None
    refresh: Sealed | None = None
    lifetime: timedelta | None = None
    base_url: str = ""
    """Where the account lives, when it is not the platform's usual address."""
    min_gap_seconds: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    """Where accounts of the platform differ (`connectors.contract.capability_overrides`): what this
    one may do."""
    app_key: str = ""
    """What shares its limits with other accounts of the platform: an application's id, a server;
    often none."""


@dataclass(frozen=True)
class OAuthVisit:
    """A page of the platform on which the person says yes; they come back with a code.

    `page` is an address, or a path of the platform's pages; `asked` its query, to which the house
    adds where to come back to, a state and a challenge (PKCE). After it `connect` begins again,
    without answers: its form has the `code` and the `verifier`, both sealed, and `keep`.
    """

    page: str
    asked: Mapping[str, str]
    keep: Mapping[str, str | Sealed] = field(default_factory=dict)


@runtime_checkable
class SupportsAccountSetup(Connector, Protocol):
    """A platform whose accounts people connect from the dashboard."""

    form: ConnectForm

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """The next sign-in request (kind auth), where the person goes on, the account, or why not.

        Secret fields of the form are `Sealed`; `redirect_uri` in it is where a visit comes back to.
        """
        ...

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """The next harmless request (kind control, action look) of a test; None when all is
        well."""
        ...
