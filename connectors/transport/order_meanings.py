"""The meaning of a request sent under an order, which must match the order.

An order names an action, and where an action has two directions, also the direction
(`ControlOrder.act`). A request is read as its platform reads it: by its method, the verb of its
path and its fields. A request is not covered if it states the opposite (`is_hidden: false` to
hide), writes although the order reads, or is unknown to this module.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from connectors.contract.connector import WireStep
from connectors.transport.references import endpoint_name

_HIDING_FIELDS = frozenset({"hide", "hidden", "is_hidden"})
"""Fields by which X, Facebook, Instagram and Threads hide a comment, and show it with the value
false."""

_STATE_WORDS = frozenset(
    {"hide", "hidden", "block", "blocked", "ban", "mute", "label", "private", "report", "likes"}
)
"""Endpoints for which DELETE ends a state, for example a block, and removes no content."""

_READING_VERBS = re.compile(r"get[a-z]+|query|fetch|search")
_DELETING_VERBS = re.compile(r"(?:delete|remove|destroy|unpublish)\w*|del")
_GIVING_VERBS = re.compile(r"(?:approve|add|grant)\w*")
_TAKING_VERBS = re.compile(r"(?:decline|ban|remove|kick|revoke)\w*")
_RPC_PATH = "/bot{token}/"
"""Prefix of the paths of Telegram's methods. Telegram accepts each method by GET and by POST, so
only the method's name determines the effect."""

_OPEN_CHAT_PATH = "/users/@me/channels"
"""Discord's endpoint that returns the channel for direct messages with a user, without sending any.

Source: https://docs.discord.com/developers/resources/user#create-dm
"""

_CHANNEL_URL = re.compile(r"https://discord\.com/channels/@me/\d{1,20}")
_DEFERRED_TYPES = (5, 6)
"""Discord's interaction callbacks without content: a deferred response and a deferred update.

Source: https://docs.discord.com/developers/interactions/receiving-and-responding
"""

_OVERRIDES = frozenset({"method", "_method", "x-http-method", "x-http-method-override"})
"""Parameters and headers that replace the request's method on some platforms, such as the Graph
API."""

_SHOWN_STATE = "published"
_HIDDEN_STATE = "heldForReview"
_REJECTED_STATE = "rejected"
"""YouTube's values of `moderationStatus`.

Source: https://developers.google.com/youtube/v3/docs/comments/setModerationStatus
"""

_COLLECTIONS: Mapping[str, str] = {
    "hide": "app.bsky.feed.threadgate",
    "show": "app.bsky.feed.threadgate",
    "like": "app.bsky.feed.like",
    "unlike": "app.bsky.feed.like",
    "block": "app.bsky.graph.block",
}
"""The Bluesky records that a moderation action writes or deletes."""

_LIKING: Mapping[str, tuple[str, frozenset[str]]] = {
    "like": ("POST", frozenset({"like", "likes", "favourite"})),
    "unlike": ("DELETE", frozenset({"likes"})),
}
_UNLIKING_VERBS = frozenset({"unlike", "unfavourite"})


def has_meaning(step: WireStep, action: str, act: str = "") -> bool:
    """Return True if the request does what an order for `action` permits.

    `act` is the direction of a moderation (`hide`, `show`, …), of a role (`give`, `take`) or of a
    webhook subscription (`on`, `off`); "" accepts each of them.
    """
    named = {*_fields(step), *step.headers}
    if not _OVERRIDES.isdisjoint(name.lower() for name in named):
        return False
    acts = _ACTS.get(action)
    if acts is not None:
        return any(means(step) for name, means in acts.items() if act in ("", name))
    rule = _ACTIONS.get(action)
    return rule is not None and rule(step)


def _verb(step: WireStep) -> str:
    return endpoint_name(step).rpartition(".")[2].lower()


def _fields(step: WireStep) -> dict[str, Any]:
    """Return the fields of the query and the body; those of the body take precedence."""
    asked: dict[str, Any] = dict(parse_qsl(step.path.partition("?")[2], keep_blank_values=True))
    return asked | dict(step.json or {})


def _iter_values(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _iter_values(one)
    else:
        yield value


def _states_false(step: WireStep) -> bool:
    """Return True if a field of the request is false, off or no."""
    said = list(_iter_values(_fields(step)))
    return any(value is False or str(value).lower() in ("false", "off", "no") for value in said)


def _reads(step: WireStep) -> bool:
    """Return True if the request changes nothing."""
    if step.method in ("GET", "HEAD"):
        rpc = step.path.startswith(_RPC_PATH)
        bare = step.json is None or step.encoding == "query"
        return bare and (not rpc or bool(_READING_VERBS.fullmatch(_verb(step))))
    if step.method != "POST":
        return False
    opens = step.path == _OPEN_CHAT_PATH and set(_fields(step)) == {"recipient_id"}
    return opens or bool(_READING_VERBS.fullmatch(_verb(step)))


def _deletes(step: WireStep) -> bool:
    if step.to == "person":
        return step.method == "ASK" and step.json is None
    if _states_false(step):
        return False
    if step.method == "DELETE":
        return step.json is None and _verb(step) not in _STATE_WORDS
    return step.method == "POST" and bool(_DELETING_VERBS.fullmatch(_verb(step)))


def _moderation_state(step: WireStep) -> str:
    known = _verb(step) == "setmoderationstatus" and step.method == "POST"
    return str(_fields(step).get("moderationStatus", "")) if known else ""


def _hiding_values(step: WireStep) -> list[Any]:
    if step.method not in ("POST", "PUT", "PATCH"):
        return []
    return [value for name, value in _fields(step).items() if name in _HIDING_FIELDS]


def _writes_record(step: WireStep, act: str) -> bool:
    """Return True if the request writes the Bluesky record of a moderation action."""
    said = _fields(step)
    named = said.get("collection") == _COLLECTIONS[act]
    record = said.get("record")
    typed = isinstance(record, Mapping) and record.get("$type") == _COLLECTIONS[act]
    return step.method == "POST" and _verb(step) == "putrecord" and named and typed


def _hides(step: WireStep) -> bool:
    values = _hiding_values(step)
    if values:
        return values == [True]
    if _writes_record(step, "hide"):
        return bool(_fields(step)["record"].get("hiddenReplies"))
    if _moderation_state(step):
        return _moderation_state(step) == _HIDDEN_STATE
    return step.method == "POST" and _verb(step) == "hide" and not _states_false(step)


def _shows(step: WireStep) -> bool:
    values = _hiding_values(step)
    if values:
        return values == [False]
    if _moderation_state(step):
        return _moderation_state(step) == _SHOWN_STATE
    named = step.method == "POST" and _verb(step) in ("show", "unhide")
    return named or _writes_record(step, "show")


def _likes(step: WireStep) -> bool:
    method, verbs = _LIKING["like"]
    return (step.method == method and _verb(step) in verbs) or _writes_record(step, "like")


def _unlikes(step: WireStep) -> bool:
    method, verbs = _LIKING["unlike"]
    of_likes = _fields(step).get("collection") == _COLLECTIONS["unlike"]
    deletes = step.method == "POST" and _verb(step) == "deleterecord" and of_likes
    named = step.method == "POST" and _verb(step) in _UNLIKING_VERBS
    return deletes or named or (step.method == method and _verb(step) in verbs)


def _deletes_comment(step: WireStep) -> bool:
    rejects = _moderation_state(step) == _REJECTED_STATE and "banAuthor" not in _fields(step)
    return rejects or _deletes(step)


def _blocks(step: WireStep) -> bool:
    bans = _moderation_state(step) == _REJECTED_STATE and _fields(step).get("banAuthor") == "true"
    named = step.method == "POST" and _verb(step) in ("block", "blocked")
    return bans or (named and not _states_false(step)) or _writes_record(step, "block")


def _reports(step: WireStep) -> bool:
    return step.method == "POST" and _verb(step) in ("report", "reports", "createreport")


def _gives_role(step: WireStep) -> bool:
    of_roles = step.method == "PUT" and "/roles/" in step.path
    return of_roles or (step.method == "POST" and bool(_GIVING_VERBS.fullmatch(_verb(step))))


def _takes_role(step: WireStep) -> bool:
    if step.method == "DELETE" and "/roles/" in step.path:
        return True
    # for a user who is not banned, this would undo their removal
    if _verb(step) == "unbanchatmember":
        return step.method == "POST" and _fields(step).get("only_if_banned") is True
    return step.method == "POST" and bool(_TAKING_VERBS.fullmatch(_verb(step)))


def _subscribes(step: WireStep) -> bool:
    return step.method in ("POST", "PUT") and not _states_false(step)


def _unsubscribes(step: WireStep) -> bool:
    return step.method == "DELETE"


def _acknowledges(step: WireStep) -> bool:
    said = _fields(step)
    match step.method, _verb(step):
        case "POST", "answercallbackquery":
            return set(said) == {"callback_query_id"}
        case "POST", "callback":
            data = said.get("data", {})
            return said.get("type") in _DEFERRED_TYPES and set(data) <= {"flags"}
        case "DELETE", "@original":
            return not said
        case "PATCH", "@original":
            shown = said.get("content", "")
            fields = set(said) <= {"content", "flags", "allowed_mentions"}
            return fields and bool(_CHANNEL_URL.fullmatch(shown))
        case "POST", verb:
            return verb in ("ack", "acknowledge", "read", "seen")
        case _:
            return False


def _types(step: WireStep) -> bool:
    named = _verb(step) in ("typing", "sendchataction")
    return step.method == "POST" and named and _fields(step).get("action", "typing") == "typing"


def _accepts_checkout(step: WireStep) -> bool:
    said = _fields(step)
    refuses = any(name.startswith("error") for name in said)
    return step.method == "POST" and said.get("ok") is True and not refuses


def _refunds(step: WireStep) -> bool:
    return step.method == "POST" and "refund" in _verb(step) and not _states_false(step)


def _stops_renewal(step: WireStep) -> bool:
    ends = _fields(step).get("is_canceled") is True
    named = step.method == "POST" and _verb(step) in ("cancel", "stop", "unsubscribe")
    return ends or named or (step.method == "DELETE" and step.json is None)


def _opens_age_check(step: WireStep) -> bool:
    """Return True if the method is GET or POST. The request is sent to a provider of age checks, at
    the base URL of its account."""
    return step.method in ("GET", "POST")


Meaning = Callable[[WireStep], bool]

_ACTIONS: Mapping[str, Meaning] = {
    "delete": _deletes,
    "hide": _hides,
    "revoke": _deletes,
    "look": _reads,
    "updates": _reads,
    "metrics": _reads,
    "typing": _types,
    "ack": _acknowledges,
    "checkout_yes": _accepts_checkout,
    "refund": _refunds,
    "subscription": _stops_renewal,
    "age_check": _opens_age_check,
}

_ACTS: Mapping[str, Mapping[str, Meaning]] = {
    "moderate": {
        "like": _likes,
        "unlike": _unlikes,
        "hide": _hides,
        "show": _shows,
        "delete": _deletes_comment,
        "block": _blocks,
        "report": _reports,
    },
    "role": {"give": _gives_role, "take": _takes_role},
    "calls": {"on": _subscribes, "off": _unsubscribes},
}
