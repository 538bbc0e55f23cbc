"""Rich text of Bluesky posts: links, hashtags and mentions.

The account of each mention is resolved before the post is published. Sources:
https://docs.bsky.app/docs/advanced-guides/post-richtext,
https://docs.bsky.app/docs/advanced-guides/post-richtext#mentions-and-facets, lexicon
com.atproto.identity.resolveHandle
"""

from collections.abc import Iterator, Mapping
from typing import Any

import regex

from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome
from connectors.platforms.bluesky.account import DID, outcome_of_failure
from connectors.shared import unit_checks
from connectors.shared.http_responses import platform_error_code, quote_segment, success_body
from foundation.i18n.web_addresses import iterate_web_addresses

MAX_TAG = 64
"""The maximum number of graphemes in a hashtag."""

MAX_NAMES = 10
"""The maximum number of handles resolved in one text, one request each. Further handles remain
plain text."""

_TAG = regex.compile(r"(?<!\S)[#＃](?!\ufe0f)(\S+)")
_MEANT = regex.compile(r"[^\d\p{P}\p{S}\p{Z}\p{C}]")
_PART = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = regex.compile(
    rf"(?<![^\s(\[])@((?:{_PART}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?)(?![\w@-])",
    regex.IGNORECASE,
)
"""A handle is a domain name: https://atproto.com/specs/handle"""


def build_facets(text: str, people: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the links, hashtags and mentions of a text, with their positions in its UTF-8 bytes.

    A handle (lowercase) that is not in `people` remains plain text.
    """
    known = people or {}
    links = list(_iter_links(text))
    named = [
        (start, end, _build_mention_feature(known[name]))
        for start, end, name in _iter_handles(text)
        if name in known
    ]
    found = links + [one for one in named if not _has_overlap(one, links)]
    found += [one for one in _iter_tags(text) if not _has_overlap(one, found)]
    return [
        _build_facet(text, start, end, feature)
        for start, end, feature in sorted(found, key=lambda one: one[0])
    ]


def first_link(text: str) -> str:
    """Return the URL that the first link of a text opens, or ""."""
    return next((feature["uri"] for _, _, feature in _iter_links(text)), "")


def mentioned_handles(text: str) -> list[str]:
    """Return the handles in a text, lowercase, each once, at most `MAX_NAMES`."""
    return list(dict.fromkeys(name for _, _, name in _iter_handles(text)))[:MAX_NAMES]


def _iter_handles(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _NAME.finditer(text):
        if len(match[1]) <= 253:
            yield match.start(), match.end(), match[1].lower()


def _build_mention_feature(did: str) -> dict[str, str]:
    return {"$type": "app.bsky.richtext.facet#mention", "did": did}


def _has_overlap(one: tuple[int, int, Any], others: list[tuple[int, int, dict[str, str]]]) -> bool:
    return any(start < one[1] and one[0] < end for start, end, _ in others)


def _build_facet(text: str, start: int, end: int, feature: Mapping[str, str]) -> dict[str, Any]:
    first = len(text[:start].encode())
    index = {"byteStart": first, "byteEnd": first + len(text[start:end].encode())}
    return {"index": index, "features": [dict(feature)]}


def _iter_links(text: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    for start, end in iterate_web_addresses(text):
        yield start, end, {"$type": "app.bsky.richtext.facet#link", "uri": text[start:end]}


def _iter_tags(text: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    for match in _TAG.finditer(text):
        tag = regex.sub(r"\p{P}+$", "", match[1])
        if (
            _MEANT.search(tag)
            and unit_checks.count_graphemes(tag) <= MAX_TAG
            and len(tag.encode()) <= 10 * MAX_TAG
        ):
            yield (
                match.start(),
                match.start(1) + len(tag),
                {"$type": "app.bsky.richtext.facet#tag", "tag": tag},
            )


MENTION_STEP = "name:"
_NOBODY = frozenset({"invalidrequest", "handlenotfound"})
"""Error codes for a handle that no account has. Source:
packages/pds/src/api/com/atproto/identity/resolveHandle.ts of atproto."""


def resolve_mentions(
    text: str, answers: tuple[StepResult, ...]
) -> Send | Mapping[str, str] | Outcome:
    """Return the next request, the account IDs by handle, or the outcome of a failure.

    The post is delayed while a handle cannot be resolved. If the handle were sent as plain text, a
    repeat of the request might differ from the first one.
    """
    found: dict[str, str] = {}
    for name in mentioned_handles(text):
        answer = next((one for one in reversed(answers) if one.step == MENTION_STEP + name), None)
        if answer is None:
            path = f"/xrpc/com.atproto.identity.resolveHandle?handle={quote_segment(name)}"
            return Send(WireStep(MENTION_STEP + name, StepKind.CONTROL, "GET", path, action="look"))
        did = success_body(answer).get("did")
        if isinstance(did, str) and DID.fullmatch(did):
            found[name] = did
        elif not (
            isinstance(answer, Response)
            and answer.status == 400
            and platform_error_code(answer) in _NOBODY
        ):
            return outcome_of_failure(answer, creates=False)
    return found
