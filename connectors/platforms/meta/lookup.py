"""Look-up of a lost post without text on Instagram or Threads.

The container is checked first. A container that is still ready was not published. The status of a
published one does not contain the ID of its post. The post is then the only one in the list since
the attempt that has no text and the same kind of media. If there are two such posts, there is no
match. Source: https://developers.facebook.com/docs/instagram-platform/content-publishing, "Check
container status", and https://developers.facebook.com/docs/threads/troubleshooting, "Publishing
Status"
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Absent, Found, LookupResult, Unknown
from connectors.shared import textless_posts
from connectors.shared.http_responses import clock_lead, json_body, parse_timestamp
from foundation.i18n.translation import Message
from gate.contract.units import Medium

WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post."""

MEDIA_FIELDS = "media_type,children"
"""The fields with the number and the kind of a post's files."""

NOT_PUBLISHED = frozenset({"FINISHED", "EXPIRED"})
"""States of unpublished containers: ready, or expired after a day."""

_FAILED = Unknown(Message("connectors.lookup_failed"))
_FILM = "video/mp4"


@dataclass(frozen=True)
class LookupNetwork:
    """The differences of a network: its list of posts, and the fields for a container's state and a
    post's text."""

    status: str
    words: str
    page: Callable[[LookupQuery, str], WireStep]
    posts: Callable[[StepResult], list[dict[str, Any]] | None]
    further: Callable[[StepResult], str]
    most_pages: int


def container_step_name(medium: Medium) -> str:
    """Return the name of the step that creates the container of a file."""
    return f"stage:{medium.sha256[:24]}"


def look_up_textless(
    network: LookupNetwork, sought: LookupQuery, parent: str, answers: tuple[StepResult, ...]
) -> Send | LookupResult:
    """Check the container, then search the list. `parent` is the step that creates the container of
    a carousel."""
    container = _find_container(sought, parent)
    if not container:
        return Unknown(Message("connectors.no_lookup"))
    if not answers:
        return Send(
            WireStep(
                "look",
                StepKind.CONTROL,
                "GET",
                f"/{container}?fields={network.status}",
                action="look",
            )
        )
    stands = _parse_container_status(answers[0], network.status)
    if stands in NOT_PUBLISHED:
        return Absent(confirmed=True)
    # A failed or unreadable container may belong to a published post, so the list is searched for
    # it.
    if stands not in ("PUBLISHED", "ERROR", "unreadable"):
        return _FAILED
    pages = answers[1:]
    if not pages:
        return Send(network.page(sought, ""))
    listed = [network.posts(one) for one in pages]
    if listed[-1] is None:
        return _FAILED
    start = sought.armed_at - WINDOW - clock_lead(pages[0], sought.asked_at or sought.armed_at)
    further = network.further(pages[-1])
    last = listed[-1]
    if further and all(_at_least(post, start) for post in last):
        return Send(network.page(sought, further)) if len(pages) < network.most_pages else _FAILED
    inside = [post for page in listed for post in page or () if _at_least(post, start)]
    return _resolve_matches(
        [post for post in inside if _is_candidate(post, sought, network.words)], stands
    )


def _resolve_matches(alike: list[dict[str, Any]], stands: str) -> LookupResult:
    """Return the result for the possible posts and the state of the container."""
    if stands == "PUBLISHED" and len(alike) == 1:
        post = alike[0]
        return Found(
            str(post["id"]),
            str(post.get("permalink") or ""),
            parse_timestamp(post.get("timestamp")),
        )
    if stands == "PUBLISHED" and not alike:
        return _FAILED  # the list is delayed
    return textless_posts.OTHER_MEDIA if alike else Absent()


def _find_container(sought: LookupQuery, parent: str) -> str:
    """Return the ID of the last container created for the post, or ""."""
    name = parent if len(sought.media) > 1 else container_step_name(sought.media[0])
    made = [str(json_body(one).get("id") or "") for one in sought.told if one.step == name]
    return made[-1] if made and made[-1].isascii() and made[-1].isalnum() else ""


def _parse_container_status(answer: StepResult, field: str) -> str:
    """Return the state of a container, or "" if there was no usable response. A read of an existing
    container may fail."""
    if not isinstance(answer, Response):
        return ""
    if answer.is_success:
        return str(json_body(answer).get(field) or "")
    return "unreadable" if answer.status in (400, 404) and "error" in json_body(answer) else ""


def _at_least(post: Mapping[str, Any], start: datetime) -> bool:
    return (parse_timestamp(post.get("timestamp")) or start) >= start


def _is_candidate(post: Mapping[str, Any], sought: LookupQuery, words: str) -> bool:
    """Return True if a post has no text, the same kind of media and the same parent, and is not
    already known."""
    if (
        str(post["id"]) in sought.known
        or str(post.get(words) or "").strip()
        or _parse_parent_id(post) != sought.reply_to
    ):
        return False
    kind = str(post.get("media_type") or "")
    if len(sought.media) > 1:
        children = post.get("children")
        inner = children.get("data") if isinstance(children, dict) else None
        return (
            kind == "CAROUSEL_ALBUM" and isinstance(inner, list) and len(inner) == len(sought.media)
        )
    return kind == ("VIDEO" if sought.media[0].mime == _FILM else "IMAGE")


def _parse_parent_id(post: Mapping[str, Any]) -> str:
    above = post.get("replied_to")
    return str(above.get("id") or "") if isinstance(above, dict) else ""
