"""Stories of an Instagram account: one picture or video without text for 24 hours.

A story is created and published like a post and counts against the daily limit of posts. Stories
have a separate list. The API cannot add stickers to a story, read comments on it or delete it.
Source:
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media
("Story Image Specifications", "Story Video Specifications") and /ig-user/stories
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.contract.capabilities import PostFormat, PostOption
from connectors.contract.connector import FileRef, LookupQuery, Send, StepResult, WireStep
from connectors.contract.outcomes import Absent, Found, LookupResult
from connectors.contract.post_addresses import ADDRESS_UNREADABLE, ClaimedAddress, path_segments
from connectors.platforms.instagram import lookup
from connectors.platforms.instagram.lookup import posts_from_answer, stories_page_step
from connectors.platforms.meta.lookup import LookupNetwork, look_up_textless
from connectors.shared import options
from connectors.shared.feed_layouts import INSTAGRAM_STORY_LAYOUT
from connectors.shared.http_responses import parse_timestamp
from foundation.i18n.translation import Message
from gate.contract.units import PlatformOption, Unit

STORY_OPTION = PostOption("story", "flag", default=options.OPTION_FALSE)
MENTIONS_OPTION = PostOption(
    "mentions", "list", most=600, entries=20, pattern=r"[a-z0-9._]{1,30}", read=True, example="lea"
)
"""Option with the accounts that the story mentions and that Instagram notifies. The position of the
mentions in the picture is not set."""

STORY_FORMAT = PostFormat(
    INSTAGRAM_STORY_LAYOUT, max_bytes=100_000_000, film_seconds=(3, 60), hours=24
)


def is_story(chosen: Sequence[PlatformOption]) -> bool:
    """Return True if the options make the post a story."""
    return any(
        one.name == STORY_OPTION.name and one.values == (options.OPTION_TRUE,) for one in chosen
    )


def story_problem(unit: Unit) -> Message | None:
    """Return the reason why options conflict, or None. Only stories may have mentions, and only
    posts may have the other options."""
    story = is_story(unit.options)
    names = (one.name for one in unit.options if one.name != STORY_OPTION.name)
    wrong = next((name for name in names if (name == MENTIONS_OPTION.name) != story), "")
    code = "instagram.story_alone" if story else "instagram.of_stories"
    return Message(code, {"option": options.option_label(unit.platform, wrong)}) if wrong else None


def story_container(
    unit: Unit, *, made_by_a_model: bool
) -> tuple[Mapping[str, Any], Mapping[str, FileRef]]:
    """Return the fields of the container and the file that Instagram downloads. Stories have no alt
    text."""
    medium = unit.media[0]
    source = "video_url" if medium.mime.startswith("video/") else "image_url"
    said: dict[str, Any] = {
        "media_type": "STORIES",
        **({"is_ai_generated": True} if made_by_a_model else {}),
    }
    if named := options.unit_options(unit).get_list(MENTIONS_OPTION.name):
        said["user_tags"] = [{"username": one} for one in named]
    return said, {source: FileRef(medium.sha256, medium.mime)}


def look_up_story(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Check the container, then search the current stories. The match is the only story with the
    same kind of media since the attempt."""
    return look_up_textless(_NETWORK, sought, "", answers)


def is_story_address(address: ClaimedAddress) -> bool:
    """Return True if the URL is that of a story."""
    return _number_in(address.url) != ""


def resolve_story_address(
    address: ClaimedAddress, answers: tuple[StepResult, ...]
) -> Send | LookupResult:
    """Search the current stories for the one with the number in a URL. The number is not the
    story's ID."""
    if not answers:
        return Send(stories_page_step(""))
    listed = posts_from_answer(answers[-1])
    if listed is None:
        return ADDRESS_UNREADABLE
    for one in listed:
        url = str(one.get("permalink", ""))
        if _number_in(url) == _number_in(address.url):
            return Found(str(one["id"]), url, parse_timestamp(one.get("timestamp")))
    further = lookup.next_page_cursor(answers[-1])
    return (
        Send(stories_page_step(further))
        if further and len(answers) < lookup.MAX_PAGES
        else Absent()
    )


def _number_in(url: str) -> str:
    """Return the number in the URL of a story, after the author, or ""."""
    path = path_segments(url, "instagram.com")
    return path[2] if len(path) > 2 and path[0] == "stories" else ""


def _build_page_step(sought: LookupQuery, after: str) -> WireStep:
    return stories_page_step(after)


# Some accounts receive "story" as the caption of each story, so the caption is not read:
# https://github.com/restfb/restfb/issues/1277
_NETWORK = LookupNetwork(
    "status_code",
    "",
    _build_page_step,
    posts_from_answer,
    lookup.next_page_cursor,
    lookup.MAX_PAGES,
)
