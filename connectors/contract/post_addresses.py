"""What the address of a post names: a person has it from the browser, the house needs what the
platform calls it. Pure.

The last part of a path is seldom that. What a platform tells of the post is asked for: whose it is,
and whether it stands there; an address is taken at its word only where nobody can be asked.
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
    """Where a person says that a post of an account stands; `media` is how many files it shows."""

    url: str
    account: str
    destination: str = ""
    media: int = 0


@runtime_checkable
class SupportsAddressLookup(Protocol):
    """A platform whose posts have addresses, and which tells what one of them names."""

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """The next request (kind control, action look), the post of the account there, or why it is
        none.

        Absent: the account has no such post. Failed: no address of a post there, or somebody
        else's. Unknown: nobody could be asked, and nothing is proven.
        """
        ...


@runtime_checkable
class SupportsProfileUrl(Protocol):
    """A platform where people see what an account posted."""

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """The address of the account, or of the site where only whoever is signed in finds it; ""
        for none."""
        ...


NO_POST_THERE = Failed(Message("naming.no_post"))
OTHER_ACCOUNTS_POST = Failed(Message("naming.other_account"))
ADDRESS_UNREADABLE = Unknown(Message("connectors.lookup_failed"))

_KEY = re.compile(r"(?!\.{1,2}\Z)[\w.~:-]{1,200}", re.ASCII)
"""https://atproto.com/specs/record-key has the widest of all alphabets; dots alone would lead out
of a path."""


def is_post_key(part: str) -> bool:
    """Whether a part of a path, as it is read, may be what a post is asked for by."""
    return _KEY.fullmatch(part) is not None


def path_segments(url: str, *hosts: str) -> tuple[str, ...]:
    """The parts of the path of an address on one of these hosts, or below one; nothing of any
    other."""
    parts = parse_url(url)
    host = (parts.hostname or "").lower() if parts is not None else ""
    if parts is None or not any(host == own or host.endswith(f".{own}") for own in hosts):
        return ()
    return decoded_segments(parts)


def decoded_segments(parts: SplitResult) -> tuple[str, ...]:
    """The parts of a path as they are read, those without letters left out."""
    return tuple(unquote(one) for one in parts.path.split("/") if one)


def parse_url(url: str) -> SplitResult | None:
    """An address in its parts; None for what is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def query_value(url: str, name: str) -> str:
    """What stands under a name behind the question mark of an address; "" for nothing."""
    parts = parse_url(url)
    return parse_qs(parts.query).get(name, [""])[0] if parts is not None else ""


def is_same_page(url: str, told: str) -> bool:
    """Whether two addresses lead to one page of a host that has several names."""
    one = parse_url(url)
    other = parse_url(told)
    return (
        one is not None and other is not None and decoded_segments(one) == decoded_segments(other)
    )
