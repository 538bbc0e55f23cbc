"""What the address of a post names: a person has it from the browser, the house needs what the platform calls it. Pure.

The last part of a path is seldom that. What a platform tells of the post is asked for: whose it is, and whether it
stands there; an address is taken at its word only where nobody can be asked.
"""

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from connectors.contract import Answer, Send
from connectors.outcomes import Failed, Sighting, Unknown
from foundation.words import Message


@dataclass(frozen=True)
class Address:
    """Where a person says that a post of an account stands; `media` is how many files it shows."""

    url: str
    account: str
    destination: str = ""
    media: int = 0


@runtime_checkable
class Names(Protocol):
    """A platform whose posts have addresses, and which tells what one of them names."""

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The next request (kind control, action look), the post of the account there, or why it is none.

        Absent: the account has no such post. Failed: no address of a post there, or somebody else's. Unknown: nobody
        could be asked, and nothing is proven.
        """
        ...


@runtime_checkable
class AtHome(Protocol):
    """A platform where people see what an account posted."""

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The address of the account, or of the site where only whoever is signed in finds it; "" for none."""
        ...


NO_POST = Failed(Message("naming.no_post"))
OTHERS = Failed(Message("naming.other_account"))
UNREAD = Unknown(Message("connectors.lookup_failed"))

_KEY = re.compile(r"(?!\.{1,2}\Z)[\w.~:-]{1,200}", re.ASCII)
"""https://atproto.com/specs/record-key has the widest of all alphabets; dots alone would lead out of a path."""


def is_key(part: str) -> bool:
    """Whether a part of a path, as it is read, may be what a post is asked for by."""
    return _KEY.fullmatch(part) is not None


def path_of(url: str, *hosts: str) -> tuple[str, ...]:
    """The parts of the path of an address on one of these hosts, or below one; nothing of any other."""
    parts = split(url)
    host = (parts.hostname or "").lower() if parts is not None else ""
    if parts is None or not any(host == own or host.endswith(f".{own}") for own in hosts):
        return ()
    return parts_in(parts)


def parts_in(parts: SplitResult) -> tuple[str, ...]:
    """The parts of a path as they are read, those without letters left out."""
    return tuple(unquote(one) for one in parts.path.split("/") if one)


def split(url: str) -> SplitResult | None:
    """An address in its parts; None for what is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def asked(url: str, name: str) -> str:
    """What stands under a name behind the question mark of an address; "" for nothing."""
    parts = split(url)
    return parse_qs(parts.query).get(name, [""])[0] if parts is not None else ""


def same_page(url: str, told: str) -> bool:
    """Whether two addresses lead to one page of a host that has several names."""
    one, other = split(url), split(told)
    return one is not None and other is not None and parts_in(one) == parts_in(other)
