"""What in the words of a Bluesky post leads somewhere: addresses, hashtags, and names whose account
is known. Pure.

Source: https://docs.bsky.app/docs/advanced-guides/post-richtext

Whose the names in a Bluesky post are: a harmless question for each, ahead of the post. Pure.

Source: https://docs.bsky.app/docs/advanced-guides/post-richtext#mentions-and-facets, lexicon
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

MAX_TAG = 64
"""Graphemes of one hashtag."""

MAX_NAMES = 10
"""Names of a text that somebody is asked about: each is a request. What is beyond stays words."""

_LINK = regex.compile(r"(?<![\w@/])https?://[^\s<>\"'«»]+", regex.IGNORECASE)
_TAG = regex.compile(r"(?<!\S)[#＃](?!\ufe0f)(\S+)")
_MEANT = regex.compile(r"[^\d\p{P}\p{S}\p{Z}\p{C}]")
_ENDINGS = regex.compile(r"[.,;:!?…]+$")
_CLOSING = {")": "(", "]": "["}
_PART = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = regex.compile(
    rf"(?<![^\s(\[])@((?:{_PART}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?)(?![\w@-])",
    regex.IGNORECASE,
)
"""A name is a domain: https://atproto.com/specs/handle"""


def build_facets(text: str, people: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Addresses, hashtags and names of a text with their place, in bytes of its UTF-8. A name that
    none of the `people` (accounts by name, in small letters) bears stays words."""
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
    """The first address of a text as its reader follows it; "" where it has none."""
    return next((feature["uri"] for _, _, feature in _iter_links(text)), "")


def mentioned_handles(text: str) -> list[str]:
    """The names of a text that may be somebody's, each once, in small letters: the first of them if
    there are many."""
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
    for match in _LINK.finditer(text):
        uri = _trim_link(match[0])
        if len(uri) > len("https://"):
            yield (
                match.start(),
                match.start() + len(uri),
                {"$type": "app.bsky.richtext.facet#link", "uri": uri},
            )


def _trim_link(uri: str) -> str:
    """An address without the sentence's own punctuation after it; a bracket it opened itself is its
    own."""
    while uri:
        shorter = _ENDINGS.sub("", uri)
        opening = _CLOSING.get(shorter[-1:], "")
        if opening and shorter.count(opening) < shorter.count(shorter[-1]):
            shorter = shorter[:-1]
        if shorter == uri:
            break
        uri = shorter
    return uri


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
"""Words for a name that is nobody's. Source:
packages/pds/src/api/com/atproto/identity/resolveHandle.ts of atproto."""


def resolve_mentions(
    text: str, answers: tuple[StepResult, ...]
) -> Send | Mapping[str, str] | Outcome:
    """The next question, the accounts by the names in a text, or why nobody can tell now: a post
    that left with a name as words would stand otherwise than its repeat."""
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
