"""Normalization of names, email addresses and mailboxes of members, and handles of creators."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from foundation.email_addresses import parse_email_address
from foundation.errors import BadInput

MAX_NAME_LENGTH = 120
"""Maximum length of a name in characters."""

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates, which also reorder the text around a name (UAX #9)."""

MIN_HANDLE_LENGTH = 3
MAX_HANDLE_LENGTH = 40
"""Bounds of the length of a handle in characters."""

ROUTE_HANDLES = frozenset(
    {
        "age",
        "api",
        "approve",
        "files",
        "healthz",
        "hooks",
        "house",
        "ics",
        "lent",
        "machine",
        "mcp",
        "me",
        "metrics",
        "readyz",
        "report",
        "reports",
        "robots",
        "shared",
        "static",
        "verify",
    }
)
"""First segments of the paths of the web server. A test compares them with its routes."""

SERVICE_HANDLES = frozenset(
    {
        "abuse",
        "account",
        "accounts",
        "admin",
        "administrator",
        "agency",
        "billing",
        "contact",
        "dashboard",
        "greenroom",
        "help",
        "hostmaster",
        "info",
        "legal",
        "login",
        "logout",
        "mail",
        "moderator",
        "noreply",
        "no-reply",
        "official",
        "owner",
        "password",
        "payment",
        "payments",
        "postmaster",
        "privacy",
        "root",
        "security",
        "settings",
        "signin",
        "sign-in",
        "signup",
        "sign-up",
        "staff",
        "status",
        "support",
        "system",
        "team",
        "terms",
        "webmaster",
        "www",
    }
)
"""Names that a visitor takes for the service or the agency itself."""

RESERVED_HANDLES = ROUTE_HANDLES | SERVICE_HANDLES
"""Handles that would collide with the paths of other routes, because a handle is the path of the
creator's public page, and names that would pass as the service."""

_RESERVED_LETTERS = frozenset(handle.replace("-", "") for handle in RESERVED_HANDLES)

_HANDLE = re.compile(rf"[a-z0-9-]{{{MIN_HANDLE_LENGTH},{MAX_HANDLE_LENGTH}}}", re.ASCII)


@dataclass(frozen=True)
class MailProvider:
    """A provider's rule for addresses that reach one mailbox, as its documentation states it.

    `hosts` share their mailboxes, and the first one stands for all of them. `letters` maps a
    character of the part before the "@" to the one that it equals, or to "" if it is ignored. With
    `subdomains`, `anything@name.host` is `name@host`.
    """

    hosts: tuple[str, ...]
    sources: tuple[str, ...]
    letters: Mapping[str, str] = field(default_factory=dict)
    subdomains: bool = False


MAIL_PROVIDERS = (
    MailProvider(
        ("gmail.com", "googlemail.com"),
        (
            "https://support.google.com/mail/answer/7436150",
            "https://support.google.com/mail/answer/10313",
        ),
        letters={".": ""},
    ),
    MailProvider(("icloud.com", "me.com", "mac.com"), ("https://support.apple.com/en-us/118230",)),
    MailProvider(
        ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        (
            "https://proton.me/support/change-username",
            "https://proton.me/support/addresses-and-aliases",
        ),
        letters={".": "", "-": "", "_": ""},
    ),
    MailProvider(
        ("yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "ya.ru"),
        (
            "https://yandex.com/support/domain/additional/mailbox-alias.xml",
            "https://yandex.com/support/passport/authorization/registration.html",
        ),
        letters={".": "-"},
    ),
    *(
        MailProvider(
            (host,), ("https://www.fastmail.help/hc/en-us/articles/360060591053",), subdomains=True
        )
        for host in ("fastmail.com", "fastmail.fm")
    ),
)
"""Providers whose documentation says that different texts reach one mailbox. `members.mailbox`
holds keys of this table, so a change of it needs a migration that computes them again."""

_PROVIDERS = {host: provider for provider in MAIL_PROVIDERS for host in provider.hosts}


def is_handle(text: str) -> bool:
    """Return True if the text has the form of a handle: 3 to 40 lower-case Latin letters, digits
    and hyphens."""
    return _HANDLE.fullmatch(text) is not None


def is_reserved(handle: str) -> bool:
    """Return True if a handle is reserved, with or without hyphens ("ad-min", "admin-")."""
    return handle.replace("-", "") in _RESERVED_LETTERS


def check_handle(handle: str) -> None:
    """Raise BadInput unless the text is a handle that no route of the web server uses."""
    if not is_handle(handle) or is_reserved(handle):
        raise BadInput(
            "creator.handle",
            handle=handle[:MAX_HANDLE_LENGTH],
            least=MIN_HANDLE_LENGTH,
            most=MAX_HANDLE_LENGTH,
        ).about("handle")


def make_handle(name: str, key: UUID) -> str:
    """Return a handle for a name. If fewer than three Latin letters and digits remain, or the
    handle is reserved, add the last characters of `key`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_HANDLE_LENGTH].strip("-")
    if len(made) >= MIN_HANDLE_LENGTH and not is_reserved(made):
        return made
    return add_handle_suffix(made, key)


def add_handle_suffix(handle: str, key: UUID) -> str:
    """Return the handle with the last characters of `key`, for a handle that is already used."""
    suffix = key.hex[-6:]
    return f"{handle[: MAX_HANDLE_LENGTH - len(suffix) - 1].rstrip('-')}-{suffix}".strip("-")


def has_hidden_characters(text: str) -> bool:
    """Return True if the text contains control characters, lone surrogates or characters that
    reorder text."""
    kinds = {unicodedata.category(letter) for letter in text}
    return bool(kinds & {"Cc", "Cs"}) or not _REORDERING.isdisjoint(text)


def normalize_name(typed: str) -> str:
    """Return a name on one line in Unicode form NFC, with single spaces.

    Raises BadInput if the name has no visible character, is too long, or contains control
    characters or characters that reorder text.
    """
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    is_visible = any(unicodedata.category(letter)[0] in "LNPS" for letter in name)
    if not is_visible or len(name) > MAX_NAME_LENGTH or has_hidden_characters(name):
        raise BadInput("name.unfit", most=MAX_NAME_LENGTH).about("name")
    return name


def normalize_email(typed: str) -> str:
    """Return an email address without surrounding whitespace. Raise BadInput unless it is a single
    address."""
    email = parse_email_address(typed)
    if email is None:
        raise BadInput("member.bad_email").about("email")
    return email


def mailbox_key(email: str) -> str:
    """Return the key of the mailbox that an address reaches; addresses with the same key belong to
    one person. Never fails, and nothing is looked up in the network.

    The key ignores case, the Unicode form and the spelling of an international host, and on every
    host the text after a "+" (RFC 5233). `MAIL_PROVIDERS` adds what a provider documents.
    """
    local, at, host = unicodedata.normalize("NFKC", email).strip().rpartition("@")
    local = unicodedata.normalize("NFKC", local.casefold())
    host = _host_key(host)
    name, _, parent = host.partition(".")
    if (provider := _PROVIDERS.get(parent)) is not None and provider.subdomains:
        local = name
        host = parent
    local = local.partition("+")[0] or local
    provider = _PROVIDERS.get(host)
    if provider is not None:
        host = provider.hosts[0]
        plain = local
        for letter, equal in provider.letters.items():
            plain = plain.replace(letter, equal)
        local = plain or local
    return f"{local}{at}{host}"


def _host_key(host: str) -> str:
    """Return the ASCII form of a host; an invalid one only in lower case."""
    host = host.removesuffix(".")
    parsed = parse_email_address(f"x@{host}")
    if parsed is None:
        return unicodedata.normalize("NFKC", host.casefold())
    return parsed.rpartition("@")[2]
