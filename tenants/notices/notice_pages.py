"""Dashboard pages on which the cause of a notice is resolved, and the rights that open them. A page
is also the kind of a notification, for which members choose routes."""

from collections.abc import Mapping
from dataclasses import dataclass

from tenants.agencies.rights import Right, Role, has_right


@dataclass(frozen=True)
class NoticePage:
    """A page of the dashboard and the rights of which one is needed to open it. Its name in emails
    is the message `mail.area.<name>`."""

    name: str
    path: str
    rights: tuple[Right, ...]

    def is_open_to(self, role: Role) -> bool:
        """Return True if the role can open the page."""
        return any(has_right(role, right) for right in self.rights)


POSTS = NoticePage("posts", "/calendar", (Right.RUN, Right.APPROVE))
APPROVALS = NoticePage("approvals", "/approvals", (Right.APPROVE,))
ACCOUNTS = NoticePage("accounts", "/channels", (Right.RUN,))
DECISIONS = NoticePage("decisions", "/approvals", (Right.APPROVE, Right.REVIEW))
PEOPLE = NoticePage("people", "/people", (Right.RUN, Right.APPROVE, Right.REVIEW))
MESSAGES = NoticePage("messages", "/inbox", (Right.CHAT,))
MONEY = NoticePage("money", "/shop", (Right.RUN, Right.MONEY))
SALES = NoticePage("sales", "/shop?view=orders", (Right.MONEY,))
"""Sales as they happen."""

STUDIO = NoticePage("studio", "/studio", (Right.RUN,))
STOPS = NoticePage("stops", "/settings?section=stop", (Right.RUN,))
ALERTS = NoticePage("alerts", "/notifications?section=alerts", (Right.MONEY,))
"""Alerts about metrics."""

HOUSE = NoticePage("house", "/", (Right.RUN,))
"""Home, for all other causes."""

NOTICE_PAGES = (
    STOPS,
    POSTS,
    APPROVALS,
    ACCOUNTS,
    DECISIONS,
    PEOPLE,
    MESSAGES,
    MONEY,
    SALES,
    STUDIO,
    ALERTS,
    HOUSE,
)

EMAIL_SETTINGS_PATH = "/auth/mails"
"""Path of the email settings on the dashboard."""

SETTINGS_PATH = "/notifications"
"""Path of a member's notifications on the dashboard."""

MAIL_SERVER_PATH = "/settings?section=email"
LINKED_PATHS = frozenset(
    {
        *(page.path for page in NOTICE_PAGES),
        EMAIL_SETTINGS_PATH,
        SETTINGS_PATH,
        MAIL_SERVER_PATH,
    }
)
"""All pages of the dashboard that a message to a member links to."""

SAFETY_PAGES = frozenset({STOPS, DECISIONS, PEOPLE})
"""Kinds whose urgent notices may be sent in quiet hours."""

_OF: Mapping[str, NoticePage] = {
    **dict.fromkeys(
        [
            "delivery",
            "approval",
            "turned_down",
            "unapproved",
            "comment",
            "downtime",
            "downtime.held",
            "pause",
            "queue",
            "series",
            "waiting",
            "unsure",
            "apart",
            "clocks",
            "edit",
            "feed",
            "versions",
            "alert.posts",
        ],
        POSTS,
    ),
    **dict.fromkeys(
        [
            "channel",
            "waits",
            "handover",
            "place",
            "readback",
            "remarks",
            "link.register",
            "link.end",
            "alert.accounts",
        ],
        ACCOUNTS,
    ),
    **dict.fromkeys(["role", "deaf", "charges", "stopped", "own_page", "token"], ACCOUNTS),
    "switch": STOPS,
    **dict.fromkeys(["submitted", "routine_approval", "alert.approvals"], APPROVALS),
    **dict.fromkeys(["routine", "routine_week"], POSTS),
    **dict.fromkeys(
        [
            "complaint",
            "appeal",
            "likeness",
            "sample",
            "calibration",
            "calibration.month",
            "copy",
            "review",
        ],
        DECISIONS,
    ),
    **dict.fromkeys(
        [
            "face.bar",
            "face.unbar",
            "person-ends",
            "offer",
            "card",
            "person.propose",
            "card.name",
            "person.prove",
            "person.link",
            "member.custodian_link",
        ],
        PEOPLE,
    ),
    **dict.fromkeys(("bystanders.say", "bystanders.judge"), PEOPLE),
    **dict.fromkeys(
        ["draft", "chat", "remark", "suggest", "alert.chats", "alert.comments"], MESSAGES
    ),
    **dict.fromkeys(
        [
            *("payment", "fulfilment", "statement", "earnings", "rail", "refund", "payout"),
            *("report", "alert.refunds"),
        ],
        MONEY,
    ),
    "sales": SALES,
    **dict.fromkeys(["job", "upload", "picture", "label.say", "clip", "alert.costs"], STUDIO),
    **dict.fromkeys(["alert", "alert.data"], ALERTS),
}


def notice_page_of(cause: str) -> NoticePage:
    """Return the page on which a cause is resolved."""
    # Causes have the form "kind:id".
    return _OF.get(cause.partition(":")[0], HOUSE)
