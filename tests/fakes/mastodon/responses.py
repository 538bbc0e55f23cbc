"""Representation of the fake Mastodon's objects in API responses."""

from tests.fakes.mastodon import text_rules
from tests.fakes.mastodon.state import Json, MastodonState, Medium, Member, Status, stamp

VERSION = "4.5.0"


def account(world: MastodonState, member: Member) -> Json:
    """Return the public view of an account."""
    picture = f"{world.url}/avatars/original/missing.png"
    told: Json = {
        "id": member.id,
        "username": member.username,
        "acct": member.username,
        "display_name": member.username.capitalize(),
        "locked": False,
        "bot": False,
        "discoverable": True,
        "indexable": False,
        "group": False,
        "created_at": stamp(member.at.replace(hour=0, minute=0, second=0, microsecond=0)),
        "note": "",
        "url": f"{world.url}/@{member.username}",
        "uri": f"{world.url}/users/{member.username}",
        **dict.fromkeys(("avatar", "avatar_static", "header", "header_static"), picture),
        "followers_count": member.followers,
        "following_count": 0,
        "statuses_count": len(member.statuses),
        "last_status_at": max(
            (one.at.date().isoformat() for one in member.statuses.values()), default=None
        ),
        "emojis": [],
        "fields": [],
        "roles": [],
    }
    moved = {"moved": account(world, member.moved)} if member.moved is not None else {}
    return told | moved | ({"suspended": True} if member.state == "suspended" else {})


def credentials(world: MastodonState, member: Member) -> Json:
    """Return an account's view of itself."""
    source = {"privacy": "public", "sensitive": False, "language": None, "note": "", "fields": []}
    source |= {
        "follow_requests_count": 0,
        "indexable": False,
        "discoverable": True,
        "hide_collections": None,
    }
    role = {"id": "-99", "name": "", "permissions": "65536", "color": "", "highlighted": False}
    return account(world, member) | {"source": source, "role": role}


def medium(world: MastodonState, one: Medium) -> Json:
    """Return an attachment, without a URL while it is processed."""
    folder, (width, height) = f"{world.url}/system/media_attachments/files/{one.id}", one.size
    shape = {
        "width": width,
        "height": height,
        "size": f"{width}x{height}",
        "aspect": width / height if height else 0.0,
    }
    x, y = one.focus
    return {
        "id": one.id,
        "type": one.kind,
        "url": f"{folder}/original/{one.id}" if one.done else None,
        "preview_url": f"{folder}/small/{one.id}",
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": {"original": shape, "small": shape, "focus": {"x": x, "y": y}} if width else {},
        "description": one.description,
        "blurhash": None,
    }


def status(world: MastodonState, one: Status, viewer: Member | None) -> Json:
    """Return a status with its text as HTML."""
    owner, above = world.members[one.member], one.in_reply_to
    named = [found for found in map(world.who, text_rules.mentions(one.text)) if found is not None]
    told = {
        "id": one.id,
        "created_at": stamp(one.at),
        "in_reply_to_id": above.id if above else None,
        "in_reply_to_account_id": above.member if above else None,
        "sensitive": one.sensitive,
        "spoiler_text": one.spoiler_text,
        "visibility": one.visibility,
        "language": one.language,
        "uri": f"{world.url}/users/{owner.username}/statuses/{one.id}",
        "url": f"{world.url}/@{owner.username}/{one.id}",
        "replies_count": one.replies,
        "reblogs_count": one.reblogs,
        "favourites_count": one.favourites,
        "quotes_count": 0,
        "edited_at": stamp(one.edited) if one.edited else None,
        "content": text_rules.html(
            one.text, home=world.url, known=lambda name: world.who(name) is not None
        ),
        "reblog": None,
        "account": account(world, owner),
        "media_attachments": [medium(world, each) for each in one.media],
        "mentions": [
            {name: account(world, each)[name] for name in ("id", "username", "url", "acct")}
            for each in named
        ],
        "tags": [
            {"name": tag, "url": f"{world.url}/tags/{tag}"} for tag in text_rules.tags(one.text)
        ],
        "emojis": [],
        "card": None,
        "poll": None,
    }
    if viewer is None:
        return told
    never = dict.fromkeys(("reblogged", "muted", "bookmarked"), False)
    return told | {"filtered": [], "favourited": one.id in viewer.likes, **never}


def deleted(world: MastodonState, one: Status, viewer: Member) -> Json:
    """Return a status that is being deleted, with its source text instead of HTML."""
    told = status(world, one, viewer) | {"text": one.text}
    del told["content"]
    return told


def notice(world: MastodonState, one: Json, viewer: Member) -> Json:
    """Return a notification."""
    kind = {
        "id": one["id"],
        "type": one["type"],
        "created_at": stamp(one["at"]),
        "group_key": f"ungrouped-{one['id']}",
    }
    return kind | {
        "account": account(world, one["by"]),
        "status": status(world, one["status"], viewer),
    }


def instance(world: MastodonState) -> Json:
    """Return the description of the server with its limits."""
    media = {
        "supported_mime_types": list(world.mimes),
        "description_limit": world.max_description,
        "image_size_limit": world.image_bytes,
        "image_matrix_limit": world.matrix,
        "video_size_limit": world.video_bytes,
        "video_frame_rate_limit": 120,
        "video_matrix_limit": 8_294_400,
    }
    statuses = {
        "max_characters": world.max_characters,
        "max_media_attachments": world.max_media,
        "characters_reserved_per_url": world.per_url,
    }
    polls = {
        "max_options": 4,
        "max_characters_per_option": 50,
        "min_expiration": 300,
        "max_expiration": 2_629_746,
    }
    return {
        "domain": world.url.rpartition("/")[2],
        "title": "Fake",
        "version": VERSION,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": "",
        "usage": {"users": {"active_month": len(world.members)}},
        "thumbnail": {"url": f"{world.url}/preview.png"},
        "icon": [],
        "languages": ["en"],
        "configuration": {
            "urls": {"streaming": world.url.replace("http", "ws", 1)},
            "vapid": {"public_key": ""},
            "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
            "statuses": statuses,
            "media_attachments": media,
            "polls": polls,
            "translation": {"enabled": False},
            "limited_federation": False,
        },
        "registrations": {"enabled": False, "approval_required": False, "message": None},
        "api_versions": {"mastodon": 7},
        "contact": {"email": "admin@example.org", "account": None},
        "rules": [
            {"id": str(place), "text": text, "hint": ""}
            for place, text in enumerate(world.rules, 1)
        ],
    }
