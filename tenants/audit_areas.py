"""Areas of the audit log: the actions and tables that a filter selects together."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AuditArea:
    """First parts of actions ("split" of `split.set`) and the tables of one area."""

    acts: tuple[str, ...]
    item_kinds: tuple[str, ...]


AUDIT_AREAS: Mapping[str, AuditArea] = {
    "posts": AuditArea(
        (
            *("post", "delivery", "label", "feed", "import", "rehearsal", "holidays", "numbers"),
            *("handover", "address", "series", "queue", "routine"),
        ),
        (
            *("posts", "deliveries", "series", "slots", "quiet_periods", "pools", "pool_entries"),
            *("labels", "post_labels", "post_tests", "shifts", "feeds", "imports", "downtimes"),
            *("rehearsals", "holiday_choices", "edits", "week_plans", "week_lines", "handovers"),
            *("calendar_addresses", "comments", "routines", "writing_styles", "snippets"),
        ),
    ),
    "approvals": AuditArea(("approval",), ("approvals", "approval_links")),
    "members": AuditArea(
        (
            *("member", "passkey", "key", "machine", "mail", "mailserver", "phone", "hook"),
            *("agency", "notice", "alert"),
        ),
        (
            *("members", "api_keys", "machines", "mail_wishes", "mail_servers", "phones", "hooks"),
            *("agencies", "agency_logos", "notification_settings", "telegram_links"),
            *("push_subscriptions", "analytics_views", "alert_rules"),
        ),
    ),
    "creators": AuditArea(
        ("creator", "persona", "autonomy", "answers", "outgoing", "voice"),
        (
            *("creators", "personas", "creator_voices", "outgoing_grants", "team_answers"),
            *("script_tests",),
            *("team_introductions", "analytics_goals", "analytics_annotations"),
        ),
    ),
    "channels": AuditArea(
        ("channel", "calls", "age", "link"),
        (
            *("channels", "enrolments", "oauth_clients", "request_caps", "age_providers"),
            *("link_rules", "acquisition_links", "link_domains"),
        ),
    ),
    "studio": AuditArea(
        ("asset", "picture", "look", "speech", "engine"),
        (
            *("creations", "collections", "collection_items", "recipes", "word_lists", "jobs"),
            *("uploads", "clips", "picture_copies", "look_pictures", "speeches", "spending_caps"),
            *("generation_limits", "creator_watermarks", "retentions"),
        ),
    ),
    "subscribers": AuditArea(
        ("remark", "conversation", "memory"),
        (
            *("conversations", "drafts", "fans", "fan_notes", "remarks", "saved_answers"),
            *("offers", "subscriptions", "fan_memories"),
        ),
    ),
    "money": AuditArea(
        ("split", "payout", "statement", "cost", "analytics_link", "report"),
        (
            *("split_rules", "revenue_parties", "payouts", "month_closes", "statements", "packs"),
            *("statement_columns", "pack_items", "prices", "plans", "orders", "payments"),
            *("refunds", "cost_entries", "analytics_links"),
            *("report_schedules", "report_deliveries"),
        ),
    ),
    "safety": AuditArea(
        (
            *("switch", "rating", "person", "card", "consent", "face", "never", "proof", "own"),
            *(
                "safety",
                "rule",
                "rows",
                "place",
                "terms",
                "complaint",
                "appeal",
                "likeness",
                "desk",
            ),
            *("calibration", "sample", "bystanders", "viewer", "gate", "sheet", "report"),
        ),
        (),
    ),
}
