"""Representation of the fake Reddit's accounts, subreddits and posts in API responses."""

import re
from collections.abc import Mapping
from typing import Any

from tests.fakes.reddit.models import Member, Post, Subreddit
from tests.fakes.reddit.spec import Json

SITE = "https://www.reddit.com"
DELETED = "[deleted]"


def permalink(post: Post) -> str:
    """Return the path of a post."""
    slug = re.sub(r"[^a-z0-9]+", "_", post.title.lower()).strip("_")[:50].strip("_") or "_"
    return f"/{post.place.prefixed}/comments/{post.id}/{slug}/"


def address(post: Post) -> str:
    """Return the `url` of a post: its link, picture, video, gallery or the post itself."""
    if post.kind == "gallery":
        return f"{SITE}/gallery/{post.id}"
    return post.url or SITE + permalink(post)


def told_post(post: Post) -> Json:
    """Return a post as in listings (kind t3)."""
    told: Json = {
        "id": post.id,
        "name": post.name,
        "subreddit": post.place.name,
        "title": post.title,
    }
    told |= {"subreddit_name_prefixed": post.place.prefixed, "subreddit_id": post.place.fullname}
    told |= {
        "subreddit_type": post.place.type,
        "domain": f"self.{post.place.name}" if post.is_self else "reddit.com",
    }
    told |= {
        "selftext": DELETED if post.deleted else post.body,
        "author": DELETED if post.deleted else post.author,
    }
    told |= {"created_utc": post.created, "created": post.created, "edited": post.edited or False}
    told |= {"over_18": post.nsfw}
    told |= {
        "spoiler": post.spoiler,
        "permalink": permalink(post),
        "url": address(post),
        "locked": False,
    }
    told |= {
        "score": post.score,
        "ups": post.score,
        "downs": 0,
        "upvote_ratio": post.ratio,
        "view_count": None,
    }
    told |= {
        "num_comments": post.comments,
        "num_crossposts": post.crossposts,
        "is_self": post.is_self,
    }
    told |= {
        "removed_by_category": "deleted" if post.deleted else post.removed,
        "is_video": post.kind == "video",
        "archived": False,
    }
    told |= {
        "link_flair_text": post.flair_text,
        "is_robot_indexable": not (post.deleted or post.removed),
    }
    told |= {"link_flair_template_id": post.flair_id} if post.flair_id else {}
    told |= {"post_hint": "image"} if post.kind == "image" else {}
    if post.kind == "video":
        told |= _told_film(post)
    if post.kind == "gallery":
        told |= _told_gallery(post)
    return {"kind": "t3", "data": told}


def _told_film(post: Post) -> Json:
    film: Json = {"fallback_url": f"{post.url}/DASH_240.mp4?source=fallback", "is_gif": False}
    shown: Json = {"reddit_video": film | {"transcoding_status": "completed"}}
    return {
        "post_hint": "hosted:video",
        "domain": "v.redd.it",
        "media": shown,
        "secure_media": shown,
    }


def _told_gallery(post: Post) -> Json:
    items: list[Json] = [
        {"media_id": one, "id": 1000 + place} for place, one in enumerate(post.media)
    ]
    for item, (caption, link) in zip(items, post.captions, strict=True):
        item.update(
            ({"caption": caption} if caption else {}) | ({"outbound_url": link} if link else {})
        )
    shown = {one: {"status": "valid", "e": "Image", "id": one} for one in post.media}
    return {"is_gallery": True, "gallery_data": {"items": items}, "media_metadata": shown}


def listing(children: list[Json], after: str | None = None) -> Json:
    """Return a listing of things."""
    told: Json = {
        "after": after,
        "dist": len(children),
        "modhash": None,
        "geo_filter": "",
        "before": None,
    }
    return {"kind": "Listing", "data": told | {"children": children}}


def me(mine: Member) -> Json:
    """Return an account's view of itself."""
    told: Json = {
        "id": mine.id,
        "name": mine.name,
        "created_utc": mine.created,
        "created": mine.created,
    }
    told |= {
        "link_karma": 1,
        "comment_karma": 0,
        "total_karma": 1,
        "awardee_karma": 0,
        "awarder_karma": 0,
    }
    told |= {
        "over_18": mine.over18,
        "is_suspended": mine.suspended,
        "suspension_expiration_utc": None,
    }
    told |= {
        "verified": True,
        "has_verified_email": True,
        "is_mod": False,
        "is_gold": False,
        "is_employee": False,
    }
    return told | {"inbox_count": 0, "has_mail": False, "num_friends": 0, "hide_from_robots": False}


def about(place: Subreddit, mine: Member) -> Json:
    """Return a subreddit as an account sees it (kind t5)."""
    told: Json = {
        "id": place.id,
        "name": place.fullname,
        "display_name": place.name,
        "title": place.name,
    }
    told |= {
        "display_name_prefixed": place.prefixed,
        "url": f"/{place.prefixed}/",
        "over18": place.over18,
    }
    told |= {"subreddit_type": place.type, "submission_type": place.submission_type}
    told |= {"subscribers": place.subscribers}
    told |= {
        "allow_images": place.allow_images,
        "allow_galleries": place.allow_galleries,
        "allow_videos": place.allow_videos,
    }
    told |= {
        "link_flair_enabled": bool(place.flairs),
        "spoilers_enabled": True,
        "quarantine": False,
    }
    told |= {
        "user_is_banned": mine.is_banned(place),
        "user_is_contributor": mine.name in place.approved,
    }
    told |= {"user_is_subscriber": False, "user_is_moderator": False, "user_is_muted": False}
    told |= {
        "restrict_posting": place.type == "restricted",
        "created_utc": place.created,
        "public_description": "",
    }
    return {"kind": "t5", "data": told}


def rules(place: Subreddit) -> Json:
    """Return the rules of a subreddit in its own text."""
    told = [_rule(each, number, place.created) for number, each in enumerate(place.rules)]
    return {"rules": told, "site_rules": ["Spam"], "site_rules_flow": []}


def _rule(rule: Mapping[str, Any], number: int, created: float) -> Json:
    usual = {"kind": "all", "description": "", "priority": number, "created_utc": created}
    named = usual | {"violation_reason": rule.get("short_name", "")} | dict(rule)
    return named | {"description_html": f"<p>{named['description']}</p>"}


def requirements(place: Subreddit) -> Json:
    """Return the post requirements that Reddit enforces for a subreddit."""
    told: Json = {
        "title_text_min_length": place.title_min,
        "title_text_max_length": place.title_max,
    }
    told |= {
        "is_flair_required": place.flair_required,
        "body_restriction_policy": place.body_policy,
    }
    told |= {"body_text_min_length": None, "body_text_max_length": None, "link_repost_age": None}
    told |= {
        "link_restriction_policy": "none",
        "guidelines_text": None,
        "guidelines_display_policy": None,
    }
    told |= {
        "gallery_min_items": None,
        "gallery_max_items": None,
        "gallery_captions_requirement": "none",
    }
    told |= {
        "gallery_urls_requirement": "none",
        "title_required_strings": list(place.title_required),
    }
    told |= {"title_blacklisted_strings": list(place.title_refused)}
    lists = (
        "domain_blacklist",
        "domain_whitelist",
        "title_regexes",
        "body_regexes",
        "body_blacklisted_strings",
    )
    return told | {name: [] for name in (*lists, "body_required_strings")}


def flairs(place: Subreddit) -> list[Json]:
    """Return the flair templates for posts."""
    usual: Json = {
        "type": "text",
        "text_editable": False,
        "mod_only": False,
        "allowable_content": "all",
    }
    usual |= {
        "max_emojis": 10,
        "text_color": "dark",
        "background_color": "",
        "css_class": "",
        "richtext": [],
    }
    return [usual | {"override_css": False} | dict(each) for each in place.flairs]
