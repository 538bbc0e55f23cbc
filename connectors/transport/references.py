"""References in requests: content on the platform that a request shows without sending it, and
requests to publish later.

They are found in the final request, independent of its connector. Unrated content must not be
shown: a file on the platform, a quoted post, a URL to download. Field names are compared in lower
case without `_` and `-`; a name with a point matches only below its parent.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors.contract.connector import Response, StepResult, WireStep
from gate.contract.custom_emoji import CUSTOM_EMOJI_PATTERNS


@dataclass(frozen=True)
class ReferenceFields:
    """The fields and endpoints of one platform that refer to content, schedule it or keep it
    private."""

    fields: frozenset[str] = frozenset()
    """Fields whose values are IDs or URLs of existing content."""
    again: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Endpoints, by the last segment of their path, that show content again.

    The fields contain its ID, joined by `/`. A field that begins with `/` is a path segment
    followed by the ID. An endpoint without fields never refers to our content.
    """
    later: frozenset[str] = frozenset()
    """Fields that, with any value, make the platform publish later."""
    kept_back: frozenset[str] = frozenset()
    """Endpoints, by the last segment of their path, that create drafts, and `field=value` pairs of
    publish requests that publish nothing."""
    links: frozenset[str] = frozenset()
    """Fields that repeat a URL of the text."""
    in_text: "re.Pattern[str] | None" = None
    """A pattern for references in texts, such as custom emoji, with one group for the ID."""


def _normalize_names(said: str) -> frozenset[str]:
    return frozenset(".".join(map(normalize_field, name.split("."))) for name in said.split())


def normalize_field(name: str) -> str:
    """Return a field name in the form used for comparisons."""
    return name.replace("_", "").replace("-", "").lower()


COMMON_FIELDS = _normalize_names(
    "schedule_at scheduled_at schedule_date scheduled_for schedule_time scheduled_time "
    "scheduled_start_time"
    " scheduled_publish_time publish_at publish_date publish_time send_at send_date post_at"
)
"""Fields for a publication time, on any platform. Scheduling on a platform is forbidden, because
posts are checked when they are sent."""

_META_DRAFTS = frozenset(
    {"published=false", "unpublishedcontenttype=draft", "unpublishedcontenttype=scheduled"}
)

PLATFORM_FIELDS: Mapping[str, ReferenceFields] = {
    # https://core.telegram.org/bots/api#sending-files, #copymessage, #forwardmessage,
    # #suggestedpostparameters
    "telegram": ReferenceFields(
        fields=_normalize_names(
            "animation audio cover document live_photo media photo sticker thumbnail video "
            "video_note voice"
            " custom_emoji_id icon_custom_emoji_id game_short_name gift_id "
            "reply_parameters.message_id"
            " reply_to_message_id inline_message_id"
        ),
        again={
            "copyMessage": ("fromchatid", "messageid"),
            "copyMessages": ("fromchatid", "messageids"),
            "forwardMessage": ("fromchatid", "messageid"),
            "forwardMessages": ("fromchatid", "messageids"),
            "repostStory": ("fromchatid", "fromstoryid"),
            **dict.fromkeys(
                ("answerInlineQuery", "answerWebAppQuery", "savePreparedInlineMessage"), ()
            ),
        },
        kept_back=frozenset({"sendMessageDraft", "sendRichMessageDraft"}),
    ),
    # https://docs.x.com/x-api/posts/create-posts, /users/repost-post;
    # docs.x.com/x-api/direct-messages
    "x": ReferenceFields(
        fields=_normalize_names(
            "media_ids media_id media_key quote_tweet_id tweet_id in_reply_to_tweet_id card_uri "
            "attachment_url"
            " direct_message_deep_link"
        ),
        kept_back=frozenset({"draft"}),
    ),
    # https://developers.facebook.com/docs/instagram-platform/content-publishing
    "instagram": ReferenceFields(
        fields=_normalize_names(
            "image_url video_url cover_url audio_url creation_id children source_media_id "
            "media_id story_id"
        ),
        later=_normalize_names("trial_params"),
        kept_back=_META_DRAFTS,
    ),
    # https://developers.facebook.com/docs/threads/posts, /quote-posts, /reposts;
    # `auto_publish_text` publishes a text when it is staged
    "threads": ReferenceFields(
        fields=_normalize_names(
            "image_url video_url creation_id children quote_post_id reply_to_id link_attachment "
            "gif_id"
        ),
        again={"repost": ()},
        later=_normalize_names("auto_publish_text"),
    ),
    # https://developers.facebook.com/docs/graph-api/reference/page/feed, /photos, /videos;
    # /object/comments
    "facebook": ReferenceFields(
        fields=_normalize_names(
            "url file_url link object_id object_attachment media_fbid attachment_id "
            "attachment_url attachment_share_url"
            " crossposted_video_id universal_video_id fbuploader_video_file_chunk"
        ),
        later=_normalize_names("backdated_time"),
        kept_back=_META_DRAFTS,
    ),
    # https://developers.tiktok.com/doc/content-posting-api-reference-direct-post
    "tiktok": ReferenceFields(
        fields=_normalize_names(
            "video_url photo_images photo_url video_id music_id duet_id stitch_id"
        )
    ),
    # https://docs.bsky.app/docs/advanced-guides/posts#quote-posts, #replies; app.bsky.feed.repost
    "bluesky": ReferenceFields(
        fields=_normalize_names("$link cid"), links=_normalize_names("features.uri external.uri")
    ),
    # https://docs.joinmastodon.org/methods/statuses/#create, #boost
    "mastodon": ReferenceFields(
        fields=_normalize_names(
            "media_ids media_attributes.id in_reply_to_id quoted_status_id quote_id"
        ),
        again={"reblog": ()},
        in_text=CUSTOM_EMOJI_PATTERNS["mastodon"],
    ),
    # https://docs.discord.com/developers/resources/message#create-message
    "discord": ReferenceFields(
        fields=_normalize_names(
            "message_reference.message_id sticker_ids attachments.id upload_filename "
            "uploaded_filename emoji.id"
            " emoji_id avatar_url icon_url soundboard_sound_id"
        ),
        again={"crosspost": ("/messages",)},
        in_text=CUSTOM_EMOJI_PATTERNS["discord"],
    ),
    # https://api.fanvue.com/docs
    "fanvue": ReferenceFields(
        fields=_normalize_names(
            "mediaUuids mediaPreviewUuid mediaUuid templateUuid collectionUuids"
        )
    ),
    # https://developers.google.com/youtube/v3/docs/videos#status, /playlistItems, /comments,
    # /commentThreads
    "youtube": ReferenceFields(
        fields=_normalize_names("id playlistId videoId relatedVideoId boundStreamId parentId"),
        kept_back=frozenset({"privacystatus=private"}),
    ),
    # https://www.reddit.com/dev/api#POST_api_submit, #POST_api_comment
    "reddit": ReferenceFields(
        fields=_normalize_names(
            "crosspost_fullname video_poster_url media_id draft_id url thing_id"
        )
    ),
    # https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api
    "linkedin": ReferenceFields(
        fields=_normalize_names(
            "media.id images.id thumbnail reshareContext.parent reshareContext.root"
        ),
        kept_back=frozenset({"lifecyclestate=draft"}),
    ),
    "sandbox": ReferenceFields(fields=_normalize_names("media.sha256 quote reply_to")),
    "own_page": ReferenceFields(fields=_normalize_names("media.sha256")),
    "byhand": ReferenceFields(links=_normalize_names("links")),
}
"""Reference fields by platform. Any other platform is checked with the fields of all of them."""

_STRANGER = ReferenceFields(
    fields=frozenset().union(*(each.fields for each in PLATFORM_FIELDS.values())),
    again={word: parts for each in PLATFORM_FIELDS.values() for word, parts in each.again.items()},
    later=frozenset().union(*(each.later for each in PLATFORM_FIELDS.values())),
    kept_back=frozenset().union(*(each.kept_back for each in PLATFORM_FIELDS.values())),
)

TEXT_FIELDS = _normalize_names(
    "text body caption content description title status alt alt_text spoiler_text message "
    "commentary name label notes"
    " text_original"
)
"""Fields for texts by users. URLs in them are checked as links."""

PARENT_FIELDS = _normalize_names(
    "reply_parameters.message_id reply_to_message_id message_reference.message_id "
    "in_reply_to_tweet_id in_reply_to_id"
    " reply_to_id reply_to thing_id parent_id video_id"
)
"""Fields with the ID of the parent of a reply."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|^//|^data:", re.IGNORECASE)


def uploaded_references(
    step: WireStep,
    platform: str,
    answers: Iterable[StepResult],
    *,
    above: str = "",
    talk: Iterable[StepResult] = (),
) -> tuple[str, ...]:
    """Return the references of a request to files uploaded for the same subject (from the responses
    to the uploads) and to the part `above` it (a native ID), sorted.

    `talk` are responses in the conversation with the single reader of a message. Only the parent of
    a reply may come from them, because a reply does not show it to others.
    """
    rules = reference_fields_of(platform)
    bodies = [
        [value for _, value in _iter_leaves(answer.body)]
        for answer in answers
        if isinstance(answer, Response)
    ]
    told = {value for body in bodies for value in (*body, *_iter_joined_urls(body))}
    told |= {above, *re.split("[/:]", above)} - {""}
    told -= _carried_names(step)
    said = {
        value
        for answer in talk
        if isinstance(answer, Response)
        for _, value in _iter_leaves(answer.body)
    }
    said &= {
        value for path, value in _iter_values(step) if _is_named(path, rules.fields & PARENT_FIELDS)
    }
    return tuple(sorted(told & set(_iter_references(step, rules)) | said))


def _iter_joined_urls(values: Sequence[str]) -> Iterator[str]:
    """Yield the URLs that a response contains in two fields, the host and the key, as Reddit's
    upload responses do."""
    return (
        f"https:{store}/{key}"
        for store in values
        if store.startswith("//")
        for key in values
        if key != store
    )


def stray_reference(step: WireStep, platform: str, allowed: Iterable[str]) -> str:
    """Return the message code of the reason to block a request: it is scheduled on the platform, or
    refers to content that is not `allowed`. Return "" if there is none.

    References to parts of the same request are allowed.
    """
    rules = reference_fields_of(platform)
    if _is_deferred(step, rules):
        return "egress.native_scheduling"
    carried = _carried_names(step)
    unnamed = rules.again.get(endpoint_name(step)) == ()
    return (
        "egress.remote_reference"
        if unnamed or set(_iter_references(step, rules)) - carried - set(allowed)
        else ""
    )


def count_shown_references(step: WireStep, platform: str, allowed: Iterable[str]) -> int:
    """Return the number of `allowed` references that a request shows without sending the content.
    The parent of a reply does not count."""
    rules = reference_fields_of(platform)
    rules = replace(rules, fields=rules.fields - PARENT_FIELDS)
    return len(set(_iter_references(step, rules)) & set(allowed) - _carried_names(step))


def _carried_names(step: WireStep) -> set[str]:
    """Return the names by which a request refers to its parts."""
    carried = {f"attach://{part}" for part in step.files}
    carried |= {f"attachment://{file.name}" for file in step.files.values()}
    return carried | {
        found[1] for part in step.files if (found := re.fullmatch(r"files\[(\d+)\]", part))
    }


def reference_fields_of(platform: str) -> ReferenceFields:
    """Return the reference fields of a platform."""
    return PLATFORM_FIELDS.get(platform, _STRANGER)


def _is_deferred(step: WireStep, rules: ReferenceFields) -> bool:
    later = rules.later | COMMON_FIELDS
    leaves = list(_iter_values(step))
    hidden = step.has_content and any(
        f"{path[-1]}={normalize_field(value)}" in rules.kept_back for path, value in leaves
    )
    return (
        hidden
        or endpoint_name(step) in rules.kept_back
        or any(_is_named(path, later) and value for path, value in leaves)
    )


def _iter_references(step: WireStep, rules: ReferenceFields) -> Iterator[str]:
    """Yield every ID and URL of existing content, or a single ID for content that is shown again as
    a whole."""
    leaves = list(_iter_values(step))
    words = [value for path, value in leaves if path[-1] in TEXT_FIELDS]
    for path, value in leaves:
        if _is_named(path, rules.fields) and value and value not in ("true", "false"):
            yield from value.split(",") if not _ADDRESS.search(value) else (value,)
        elif path[-1] in TEXT_FIELDS:
            yield from rules.in_text.findall(value) if rules.in_text is not None else ()
        elif _ADDRESS.search(value) and not (
            _is_named(path, rules.links) and any(value in each for each in words)
        ):
            yield value
    if parts := rules.again.get(endpoint_name(step)):
        leaves += [
            ((f"/{before}",), each)
            for before, each in pairwise(step.path.partition("?")[0].split("/"))
        ]
        found = ([value for path, value in leaves if path == (part,)] for part in parts)
        yield "/".join(",".join(values) for values in found)


def endpoint_name(step: WireStep) -> str:
    """Return the last segment of a request's path."""
    return step.path.partition("?")[0].rstrip("/").rpartition("/")[2]


def _is_named(path: tuple[str, ...], names: frozenset[str]) -> bool:
    return path[-1] in names or ".".join(path[-2:]) in names


def _iter_values(step: WireStep) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every value of the body, query and headers, with its path of names.

    The user agent is omitted, because readers do not see it and Discord requires a URL in it.
    """
    yield from _iter_leaves(step.json)
    headers = (
        (name, value) for name, value in step.headers.items() if name.lower() != "user-agent"
    )
    for name, value in (*parse_qsl(urlsplit(step.path).query), *headers):
        yield from _iter_leaves({name: value})


def _iter_leaves(
    value: Any, path: tuple[str, ...] = ("",)
) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _iter_leaves(
                part,
                (*path, normalize_field(str(key)))
                if path != ("",)
                else (normalize_field(str(key)),),
            )
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _iter_leaves(part, path)
    elif (
        isinstance(value, str)
        and path[-1] not in TEXT_FIELDS
        and (inner := _parse_json(value)) is not None
    ):
        yield from _iter_leaves(inner, path)  # the field of a form may contain a whole request
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def _parse_json(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None
