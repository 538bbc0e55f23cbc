"""Stories of an Instagram account: one picture or film without words, which Instagram takes away
after a day. Pure.

Its container is made and published as a post's, and counts among the posts of a day. It stands in a
list of its own; its numbers are told while it is there. Nothing can be laid upon it, nobody
comments it, and no request deletes it. Source:
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
"""Who is told of it, and named to whoever looks; a place on the picture is not asked for."""

STORY_FORMAT = PostFormat(
    INSTAGRAM_STORY_LAYOUT, max_bytes=100_000_000, film_seconds=(3, 60), hours=24
)


def is_story(chosen: Sequence[PlatformOption]) -> bool:
    """Whether what was chosen makes it one."""
    return any(
        one.name == STORY_OPTION.name and one.values == (options.OPTION_TRUE,) for one in chosen
    )


def story_problem(unit: Unit) -> Message | None:
    """Why what was chosen does not go together: some of it is of stories alone, all else of
    posts."""
    story = is_story(unit.options)
    names = (one.name for one in unit.options if one.name != STORY_OPTION.name)
    wrong = next((name for name in names if (name == MENTIONS_OPTION.name) != story), "")
    code = "instagram.story_alone" if story else "instagram.of_stories"
    return Message(code, {"option": options.option_label(unit.platform, wrong)}) if wrong else None


def story_container(
    unit: Unit, *, made_by_a_model: bool
) -> tuple[Mapping[str, Any], Mapping[str, FileRef]]:
    """What its container is made of: what is told, and the file they fetch. They take no
    description of one."""
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
    """Ask after its container, then read the stories there are: the only one of its kind since the
    attempt is it."""
    return look_up_textless(_NETWORK, sought, "", answers)


def is_story_address(address: ClaimedAddress) -> bool:
    """Whether an address is one of a story."""
    return _number_in(address.url) != ""


def resolve_story_address(
    address: ClaimedAddress, answers: tuple[StepResult, ...]
) -> Send | LookupResult:
    """An address has a number instead of the story's id: the stories there are are read until one
    has it."""
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
    """The number in the address of a story, after its author; "" for none."""
    path = path_segments(url, "instagram.com")
    return path[2] if len(path) > 2 and path[0] == "stories" else ""


def _build_page_step(sought: LookupQuery, after: str) -> WireStep:
    return stories_page_step(after)


# Some accounts are told "story" as the caption of each:
# https://github.com/restfb/restfb/issues/1277. No field is read.
_NETWORK = LookupNetwork(
    "status_code",
    "",
    _build_page_step,
    posts_from_answer,
    lookup.next_page_cursor,
    lookup.MAX_PAGES,
)
