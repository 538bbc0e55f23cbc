"""Items that need a member's attention, each with a link to the page that resolves it: notices,
posts, approvals and comments."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from dashboard.pages.posts.remedies import REMEDIES, can_open_page
from foundation.i18n.translation import Message
from schedules.calendar.next_steps import publish_time
from schedules.downtime import missed_posts
from schedules.downtime.queries import DowntimeShare
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import PENDING_STATES, DeliveryState
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, has_right
from tenants.notices.queries import Notice

STOP_CAUSE = "switch"
"""Prefix of the causes of emergency stops."""

ALERT_REMEDIES: Mapping[str, tuple[str, str]] = {
    "alert": ("/insights", "home.to.analytics"),
    "alert.data": ("/channels", "home.to.channels"),
    "alert.posts": ("/calendar?held=1", "home.to.held"),
    "alert.accounts": ("/channels", "home.to.channels"),
    "alert.chats": ("/inbox", "home.to.inbox"),
    "alert.comments": ("/inbox?show=comments", "home.to.inbox"),
    "alert.refunds": ("/shop", "home.to.shop"),
    "alert.approvals": ("/approvals?part=posts", "home.to.approvals"),
    "alert.costs": ("/studio", "home.to.studio"),
}
"""Pages that resolve alerts, in the form of `_PLACES`."""

_PLACES: Mapping[str, tuple[str, str]] = {
    "channel": ("/channels", "home.to.channels"),
    "waits": ("/channels", "home.to.channels"),
    "token": ("/channels", "home.to.channels"),
    "waiting": ("/calendar?held=1", "home.to.held"),
    "unsure": ("/approvals", "home.to.doubt"),
    "handover": ("/channels", "home.to.channels"),
    "job": ("/studio?part=generate", "home.to.studio"),
    "upload": ("/studio", "home.to.studio"),
    "picture": ("/studio", "home.to.studio"),
    "clip": ("/studio", "home.to.studio"),
    "texts": ("/studio", "home.to.studio"),
    "label.say": ("/studio", "home.to.studio"),
    "complaint": ("/approvals", "home.to.approvals"),
    "appeal": ("/approvals", "home.to.approvals"),
    "likeness": ("/approvals", "home.to.approvals"),
    "sample": ("/approvals", "home.to.approvals"),
    "calibration": ("/approvals", "home.to.approvals"),
    "calibration.month": ("/approvals", "home.to.approvals"),
    **dict.fromkeys(
        (
            "face.bar",
            "face.unbar",
            "person-ends",
            "offer",
            "card",
            "person.propose",
            "card.name",
            "person.prove",
            "bystanders.say",
            "bystanders.judge",
        ),
        ("/people", "home.to.people"),
    ),
    "copy": ("/approvals", "home.to.approvals"),
    "routine_approval": ("/approvals", "home.to.approvals"),
    "routine_week": ("/calendar?week=1", "home.to.week"),
    "place": ("/channels", "home.to.channels"),
    "link.register": ("/channels?links=1", "home.to.links"),
    "link.end": ("/channels?links=1", "home.to.links"),
    "readback": ("/channels", "home.to.channels"),
    "draft": ("/inbox", "home.to.inbox"),
    "chat": ("/inbox", "home.to.inbox"),
    "remark": ("/inbox", "home.to.inbox"),
    "remarks": ("/channels", "home.to.channels"),
    "suggest": ("/inbox", "home.to.inbox"),
    "downtime": ("/calendar?missed=1", "home.to.missed"),
    "downtime.held": ("/calendar?missed=1", "home.to.missed"),
    "pause": ("/calendar?queue=1", "home.to.queue"),
    "rules": ("/settings?section=policy", "home.to.settings"),
    STOP_CAUSE: ("/settings?section=stop", "home.to.settings"),
    "payment": ("/shop", "home.to.shop"),
    "fulfilment": ("/shop", "home.to.shop"),
    "statement": ("/shop?view=books", "home.to.shop"),
    "submitted": ("/approvals", "home.to.approvals"),
    "refund": ("/shop", "home.to.shop"),
    "payout": ("/shop", "home.to.shop"),
    "worker": ("/system", "home.to.system"),
    **ALERT_REMEDIES,
}
"""Page that resolves a cause and the message code of the link to it, by prefix of the cause."""

_TOLD = "downtime.told"
_ONLY_TOLD: Mapping[str, str] = {
    _TOLD: "missed.told_only",
    "downtime.still_held": "missed.held_only",
}
"""Message codes about missed posts for members who cannot decide about them."""

STANDING = frozenset(
    {
        "delivery",
        "edit",
        "channel",
        "approval",
        "unapproved",
        "complaint",
        "likeness",
        "downtime",
        "waits",
        "apart",
        "token",
        "worker",
        *ALERT_REMEDIES,
    }
    | {"waiting", "unsure"}
)
"""Prefixes of causes that close when their subject is resolved. Dismissing one would hide a post
that still waits."""

BECAME = frozenset({"gone", "thread", "files"})
"""Suffixes of delivery causes that report a final result. Nothing closes them automatically, so a
member dismisses them."""


@dataclass(frozen=True)
class AttentionItem:
    """Something that needs a member's attention. `creator` is the name of the creator concerned, if
    any.

    `entry` is the delivery concerned, if any. `href` is the page that resolves the item, linked
    with the text `to`.
    """

    cause: str
    message: Message
    since: datetime
    urgent: bool
    creator: str
    entry: DeliveryEntry | None = None
    href: str = ""
    to: str = ""
    share: DowntimeShare | None = None
    """The part of jointly missed posts that belongs to this member's creators."""
    stop: tuple[str, str] | None = None
    """Scope and target of the emergency stop concerned, as a name and a platform. Both are empty
    for the whole agency."""

    @property
    def downtime_id(self) -> UUID | None:
        """The downtime whose missed posts need a decision, or None."""
        asks = (
            self.share is not None
            and self.share.needs_decision
            and self.cause.startswith("downtime:")
        )
        return _downtime_id_from_cause(self.cause) if asks else None

    @property
    def held_post(self) -> DeliveryEntry | None:
        """The delivery that is on hold because of this item, or None if another item of the
        delivery reports it."""
        return (
            self.entry
            if self.entry is not None and self.cause == f"delivery:{self.entry.delivery_id}"
            else None
        )

    @property
    def planned_at(self) -> datetime | None:
        """Scheduled time of the delivery concerned if it is still pending. The problem can be fixed
        until then."""
        return (
            publish_time(self.entry)
            if self.entry is not None and self.entry.state in PENDING_STATES
            else None
        )

    @property
    def is_dismissable(self) -> bool:
        """Return True if a member may dismiss the item because nothing depends on it."""
        about = self.cause.partition(":")[0]
        became = about == "delivery" and self.cause.rpartition(":")[2] in BECAME
        return bool(self.cause) and (became or about not in STANDING)


def notice_deliveries(notices: Iterable[Notice]) -> list[UUID]:
    """Return the IDs of the deliveries that the notices refer to."""
    return [found for one in notices if (found := _delivery_id_from_cause(one.cause)) is not None]


def notice_downtimes(notices: Iterable[Notice]) -> list[UUID]:
    """Return the IDs of the downtimes that the notices refer to."""
    return [found for one in notices if (found := _downtime_id_from_cause(one.cause)) is not None]


def name_stops(
    told: Iterable[AttentionItem], known: Mapping[tuple[str, str], tuple[str, str]]
) -> list[AttentionItem]:
    """Add the name of the stopped target to items about emergency stops. `known` maps the scope and
    target of a stop to its name and platform."""
    return [replace(one, stop=known.get(_stop_target_from_cause(one.cause))) for one in told]


def keep_own_downtimes(
    told: Iterable[AttentionItem], shares: Mapping[UUID, DowntimeShare], member: Member
) -> list[AttentionItem]:
    """Remove items about missed posts if none of the posts belongs to the member's creators. If
    other creators' posts were missed too, the item counts only those of the member's creators.
    Items do not request decisions that the member cannot make."""
    found = []
    for one in told:
        about = _downtime_id_from_cause(one.cause)
        share = shares.get(about) if about is not None else None
        if about is None:
            found.append(one)
        elif share is not None and not share.others_too:
            found.append(replace(one, share=share))
        elif share is not None and one.cause.startswith("downtime:") and share.needs_decision:
            said = missed_posts.downtime_message(
                share.count, accounts=share.accounts, missed=share.missed
            )
            found.append(replace(one, share=share, message=said))
        elif share is not None and share.count.held:
            found.append(
                replace(
                    one, share=share, message=missed_posts.held_message(share.count), urgent=False
                )
            )
    return [
        one
        if one.share is None
        else replace(one, message=_adapt_downtime_message(one.message, one.share, member))
        for one in found
    ]


def _adapt_downtime_message(said: Message, share: DowntimeShare, member: Member) -> Message:
    """Adapt the message about missed posts to the rights of the member. Pure."""
    if not has_right(member.role, Right.RUN):
        return Message(_ONLY_TOLD[said.code], said.params)
    return (
        Message("missed.told_yours", said.params)
        if share.others_too and said.code == _TOLD
        else said
    )


def list_attention_items(
    notices: Sequence[Notice],
    creators: Mapping[UUID, Creator],
    entries: Collection[DeliveryEntry],
    member: Member,
) -> list[AttentionItem]:
    """Return the items of open notices, in the order of the notices.

    Items that the member cannot resolve are omitted. Results of posts are shown to every member,
    with a link only for those who may open it.
    """
    by_id = {one.delivery_id: one for one in entries}
    told = (_build_attention_item(one, creators, by_id) for one in notices)
    return [
        one if _can_open_item(member, one) else replace(one, href="", to="")
        for one in told
        if one.entry or _can_open_item(member, one)
    ]


def _can_open_item(member: Member, need: AttentionItem) -> bool:
    return can_open_page(member, need.href)


def count_actionable(needs: Iterable[AttentionItem], member: Member) -> int:
    """Return the number of items that the member can open or dismiss. The others are
    informational."""
    return sum(
        bool(one.href) or (one.is_dismissable and has_right(member.role, Right.RUN))
        for one in needs
    )


def approvals_item(waiting: int, now: datetime) -> list[AttentionItem]:
    """Return one item for all posts that wait for the member's approval."""
    if not waiting:
        return []
    said = (
        Message("home.to_approve_one")
        if waiting == 1
        else Message("home.to_approve", {"count": waiting})
    )
    href = "/approvals?part=posts"
    return [AttentionItem("", said, now, False, "", href=href, to="home.to.approvals")]


def comments_item(comments: int, member: Member, now: datetime) -> list[AttentionItem]:
    """Return one item for all open comments if the member may answer them."""
    if not comments or not has_right(member.role, Right.CHAT):
        return []
    said = (
        Message("home.to_answer_one")
        if comments == 1
        else Message("home.to_answer", {"count": comments})
    )
    return [AttentionItem("", said, now, False, "", href="/inbox", to="home.to.inbox")]


def _build_attention_item(
    notice: Notice, creators: Mapping[UUID, Creator], entries: Mapping[UUID, DeliveryEntry]
) -> AttentionItem:
    about, _, key = notice.cause.partition(":")
    delivery_id = _delivery_id_from_cause(notice.cause)
    entry = entries.get(delivery_id) if delivery_id is not None else None
    href, to = _PLACES.get(about, ("", ""))
    if entry is not None:
        href = f"/calendar?post={entry.post_id}"
        to = "home.to.post"
    if entry is not None and entry.state is DeliveryState.UNCERTAIN:
        href = "/approvals"
        to = "home.to.doubt"
    elif entry is not None and entry.reason is not None and entry.reason.code in REMEDIES:
        href, to = REMEDIES[entry.reason.code]
    elif entry is not None and entry.state is DeliveryState.FAILED:
        to = "home.to.refused"
    if about in ("approval", "turned_down", "comment", "unapproved"):
        href = f"/calendar?post={key.partition(':')[0]}"
        to = "home.to.post"
    if about in ("queue", "apart"):
        href = f"/calendar?queue={key}"
        to = "home.to.queue"
    creator = creators.get(notice.creator_id) if notice.creator_id is not None else None
    if about == "routine" and creator is not None:
        href = f"/calendar?routine={creator.slug}"
        to = "home.to.routine"
    if about == "versions" and creator is not None:
        href = f"/calendar?compare={creator.slug}"
        to = "home.to.test"
    name = creator.name if creator is not None else ""
    return AttentionItem(
        notice.cause, notice.message, notice.at, notice.urgent, name, entry, href, to
    )


def _downtime_id_from_cause(cause: str) -> UUID | None:
    about, _, key = cause.partition(":")
    return UUID(key) if about in ("downtime", "downtime.held") else None


def _stop_target_from_cause(cause: str) -> tuple[str, str]:
    about, where, target, *_ = [*cause.split(":"), "", ""]
    return (where, target) if about == STOP_CAUSE else ("", "")


def _delivery_id_from_cause(cause: str) -> UUID | None:
    about, _, rest = cause.partition(":")
    try:
        return UUID(rest.partition(":")[0]) if about in ("delivery", "edit") else None
    except ValueError:
        return None
