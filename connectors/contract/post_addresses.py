"""Addresses of posts: the URL that a user copies from the browser, resolved to the platform's ID.

The last segment of the path is seldom that ID. The connector queries the platform for the owner and
the existence of the post; a URL is trusted only if no query is possible.
"""

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Failed, LookupResult, Unknown
from foundation.i18n.translation import Message


@dataclass(frozen=True)
class ClaimedAddress:
    """The URL that a user gives for a post of an account; `media` is its number of files."""

    url: str
    account: str
    destination: str = ""
    media: int = 0


@runtime_checkable
class SupportsAddressLookup(Protocol):
    """A platform whose post URLs can be resolved."""

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the next request (kind control, action look), or the result.

        Found: the post of the account. Absent: the account has no such post. Failed: it is not the
        URL of a post, or the post belongs to another account. Unknown: no query was possible or the
        response was unusable, so the URL is neither confirmed nor refuted.
        """
        ...


@runtime_checkable
class SupportsProfileUrl(Protocol):
    """A platform on which the posts of an account can be seen."""

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the account's profile, or of the site if the profile needs a sign-in;
        "" if there is none."""
        ...


NO_POST_THERE = Failed(Message("naming.no_post"))
OTHER_ACCOUNTS_POST = Failed(Message("naming.other_account"))
ADDRESS_UNREADABLE = Unknown(Message("connectors.lookup_failed"))

_KEY = re.compile(r"(?!\.{1,2}\Z)[\w.~:-]{1,200}", re.ASCII)
"""The pattern of a post ID. The record keys of https://atproto.com/specs/record-key have the
largest alphabet. A key that consists only of dots would change the request path, so it is refused.
"""


def is_post_key(part: str) -> bool:
    """Return True if a decoded path segment may be the ID of a post."""
    return _KEY.fullmatch(part) is not None


def path_segments(url: str, *hosts: str) -> tuple[str, ...]:
    """Return the decoded path segments of a URL on one of these hosts or their subdomains; empty
    for any other."""
    parts = parse_url(url)
    host = (parts.hostname or "").lower() if parts is not None else ""
    if parts is None or not any(host == own or host.endswith(f".{own}") for own in hosts):
        return ()
    return decoded_segments(parts)


def decoded_segments(parts: SplitResult) -> tuple[str, ...]:
    """Return the decoded, non-empty segments of a path."""
    return tuple(unquote(one) for one in parts.path.split("/") if one)


def parse_url(url: str) -> SplitResult | None:
    """Return the components of an http(s) URL, or None if it is invalid."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def query_value(url: str, name: str) -> str:
    """Return a query parameter of a URL, or "" if it is missing."""
    parts = parse_url(url)
    return parse_qs(parts.query).get(name, [""])[0] if parts is not None else ""


def is_same_page(url: str, told: str) -> bool:
    """Return True if two URLs have the same path, for platforms with several host names."""
    one = parse_url(url)
    other = parse_url(told)
    return (
        one is not None and other is not None and decoded_segments(one) == decoded_segments(other)
    )
