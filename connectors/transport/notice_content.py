"""The content of messages to members: sentences of the catalogues with numbers, codes and links of
this installation, but no text by a tenant."""

import re
from collections.abc import Iterable

from connectors.transport.transport import EgressForbidden
from foundation.i18n.translation import Message
from tenants.notices.notice_pages import LINKED_PATHS

_ONE_TIME_PATH = re.compile(r"/(?:auth/link|auth/reset|me)/[A-Za-z0-9_-]{43}")
"""Paths of sign-in links, of password links and of links to the subject portal."""

_CODE = re.compile(r"\d{6}", re.ASCII)


def check_messages(messages: Iterable[Message], step: str, *, house: str, pages: str = "") -> None:
    """Raise EgressForbidden if a parameter was not created by this installation. `house` is the URL
    of the dashboard and `pages` that of the creators' pages, both without a trailing slash."""
    given = (value for one in messages for value in one.params.values())
    if not all(isinstance(value, int) or _is_ours(value, house, pages) for value in given):
        raise EgressForbidden("egress.carries_content", step=step)


def _is_ours(value: object, house: str, pages: str) -> bool:
    """Return True if the parameter is a six-digit code, the URL of a page of the dashboard that
    messages link to, or a one-time link."""
    if not isinstance(value, str):
        return False
    for base in filter(None, (house, pages)):
        if value.startswith(base) and _ONE_TIME_PATH.fullmatch(value.removeprefix(base)):
            return True
    # A closed list: a path of any letters could spell a word.
    page = value.startswith(house) and value.removeprefix(house) in LINKED_PATHS
    return page or _CODE.fullmatch(value) is not None
