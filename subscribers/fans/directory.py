"""The directory of fans: identities on accounts, language, opt-outs and reachability."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n import language_detection
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from foundation.outbox import outbox
from subscribers.fans.events import FanOptedOut
from subscribers.fans.models import Fan, FanFacts, FanIdentity
from tenants.agencies import queries

FALLBACK = "en"
CLEAR_WORDS = 5
ERASED_ID_PREFIX = "erased:"
"""Prefix of a platform ID after its fan was erased; a digest or our row ID follows."""

MAY_BE_SOLD_TO = "f.status = 'active' AND f.opt_out = 'none'"
"""The SQL of `FanIdentityView.may_be_sold_to`; `f` is the row of `fans`."""


@dataclass(frozen=True)
class FanIdentityView:
    """A fan on one account. `native_id` is the platform's ID of the fan."""

    fan_id: UUID
    creator_id: UUID
    channel_id: UUID
    native_id: str
    display_name: str
    language: str
    opt_out: str
    status: str
    disclosed_at: datetime | None
    reachable: str

    @property
    def may_be_sold_to(self) -> bool:
        """True if the fan is active and has not opted out of offers."""
        return self.status == "active" and self.opt_out == "none"


def answer_language(language: str) -> str:
    """Return the language for answers to a fan: theirs if supported (`fr-CA` becomes `fr`), else
    English."""
    short = language.lower().replace("_", "-").split("-")[0]
    return short if short in LANGUAGES else FALLBACK


def find_or_create_fan(
    scope: Scope,
    *,
    creator_id: UUID,
    channel_id: UUID,
    native_id: str,
    handle: str = "",
    language: str = "",
    said: str = "",
) -> FanIdentityView:
    """Return the fan behind a platform's ID on one of our accounts; create them on first contact.
    Each creator has separate fans.

    The fan's language is that of the text `said`. Until there is a clear text, it is the platform's
    `language`, else the creator's first language. Without a platform language, a text in an
    unsupported language makes it English.
    """
    heard = _clear_language(said) if language else _written_language(said)
    scope.lock(f"fan:{scope.tenant_id}:{channel_id}:{native_id}")
    known = _find_identity(
        scope,
        "i.channel_id = :channel AND i.native_id = :native",
        channel=channel_id,
        native=native_id,
    )
    if known is not None:
        known = known if known.reachable == "yes" else _record_reachable(scope, known)
        return known if heard in (None, known.language) else _record_language(scope, known, heard)
    fan = Fan(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=creator_id,
        display_name=handle or native_id,
        language=answer_language(heard or language or _first_language(scope, creator_id)),
    )
    identity = FanIdentity(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        fan_id=fan.id,
        channel_id=channel_id,
        native_id=native_id,
        handle=handle,
    )
    scope.add(fan)
    scope.add(identity, FanFacts(tenant_id=scope.tenant_id, creator_id=creator_id, fan_id=fan.id))
    return get_fan_identity(scope, fan.id, channel_id)


def _clear_language(said: str) -> str | None:
    """Return the supported language of a text of at least `CLEAR_WORDS` words, or None. Fewer words
    do not override the language that the platform gives."""
    return language_detection.detect_language(said) if len(said.split()) >= CLEAR_WORDS else None


def _written_language(said: str) -> str | None:
    """Return the language for answers to a text, or None if the text is too short."""
    heard = language_detection.detect_language(said)
    return FALLBACK if heard is None and language_detection.is_other_language(said) else heard


def get_fan_identity(scope: Scope, fan_id: UUID, channel_id: UUID) -> FanIdentityView:
    """Return a fan's identity on an account. Raises NotFound."""
    found = _find_identity(
        scope, "i.channel_id = :channel AND i.fan_id = :fan", channel=channel_id, fan=fan_id
    )
    if found is None:
        raise NotFound("fan.unknown")
    return found


def find_fan_identity(scope: Scope, channel_id: UUID, native_id: str) -> FanIdentityView | None:
    """Return a fan by the platform's ID, or None if the account has no such fan."""
    return _find_identity(
        scope,
        "i.channel_id = :channel AND i.native_id = :native",
        channel=channel_id,
        native=native_id,
    )


def _find_identity(scope: Scope, condition: str, **params: Any) -> FanIdentityView | None:
    row = scope.run(
        "SELECT f.id, i.creator_id, i.channel_id, i.native_id,"  # noqa: S608  two constants
        " f.display_name, f.language, f.opt_out, f.status, f.disclosed_at, i.reachable"
        " FROM fan_identities i JOIN fans f ON f.tenant_id = i.tenant_id AND f.id = i.fan_id"
        f" WHERE i.tenant_id = :tenant AND {condition}",
        tenant=scope.tenant_id,
        **params,
    ).one_or_none()
    return FanIdentityView(*row) if row else None


def latest_fan_ids(scope: Scope, channel_id: UUID, most: int) -> list[str]:
    """Return the platform IDs of the fans who last wrote to an account in private, newest first."""
    rows = scope.run(
        "SELECT i.native_id FROM conversations c JOIN fan_identities i ON i.tenant_id = c.tenant_id"
        " AND i.fan_id = c.fan_id AND i.channel_id = c.channel_id WHERE c.tenant_id = :tenant"
        " AND c.channel_id = :channel AND c.kind = 'private' AND c.last_in_at IS NOT NULL"
        " ORDER BY c.last_in_at DESC LIMIT :most",
        tenant=scope.tenant_id,
        channel=channel_id,
        most=most,
    )
    return [row.native_id for row in rows]


def filter_active_fans(
    scope: Scope, channels: Collection[UUID], native_ids: Collection[str]
) -> list[str]:
    """Return those of these platform IDs that are fans of these accounts and active on all of
    them."""
    rows = scope.run(
        "SELECT i.native_id FROM fan_identities i JOIN fans f ON f.tenant_id = i.tenant_id AND "
        "f.id = i.fan_id"
        " WHERE i.tenant_id = :tenant AND i.channel_id = ANY(:channels) AND i.native_id = ANY(:ids)"
        " GROUP BY i.native_id HAVING bool_and(f.status = 'active') ORDER BY i.native_id",
        tenant=scope.tenant_id,
        channels=list(channels),
        ids=list(native_ids),
    )
    return [row.native_id for row in rows]


def record_opt_out(scope: Scope, fan_id: UUID, what: Literal["sales", "all"]) -> bool:
    """Record that the fan wants no offers (`sales`) or no messages (`all`). Return True if this is
    new.

    Only the fan can lift it.
    """
    done = scope.run(
        "UPDATE fans SET opt_out = :what, updated_at = house_now() WHERE tenant_id = :tenant AND "
        "id = :fan"
        " AND opt_out <> :what AND opt_out <> 'all'",
        tenant=scope.tenant_id,
        fan=fan_id,
        what=what,
    )
    if done.rowcount:
        outbox.put(scope, FanOptedOut(scope.tenant_id, fan_id))
    return bool(done.rowcount)


def record_opt_in(scope: Scope, fan_id: UUID) -> None:
    """Record that the fan wants to receive messages and offers again; only the fan can request
    this."""
    scope.run(
        "UPDATE fans SET opt_out = 'none', updated_at = house_now() WHERE tenant_id = :tenant AND "
        "id = :fan",
        tenant=scope.tenant_id,
        fan=fan_id,
    )


def block_fan(scope: Scope, fan_id: UUID) -> None:
    """Block a fan: only automated messages are sent to them."""
    _set_status(scope, fan_id, "blocked")


def mark_unreachable(scope: Scope, fan_id: UUID, channel_id: UUID) -> None:
    """Record that the platform rejects our messages to this fan."""
    scope.run(
        "UPDATE fan_identities SET reachable = 'blocked_us', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND fan_id = :fan AND channel_id = :channel",
        tenant=scope.tenant_id,
        fan=fan_id,
        channel=channel_id,
    )


def mark_blocked_by_fan(scope: Scope, channel_id: UUID, native_id: str) -> None:
    """Record that a user blocked the account, if they are a known fan."""
    known = _find_identity(
        scope,
        "i.channel_id = :channel AND i.native_id = :native",
        channel=channel_id,
        native=native_id,
    )
    if known is not None:
        mark_unreachable(scope, known.fan_id, channel_id)


def _first_language(scope: Scope, creator_id: UUID) -> str:
    return next(iter(queries.get_creator(scope, creator_id).languages), "")


def _record_language(scope: Scope, known: FanIdentityView, language: str) -> FanIdentityView:
    scope.run(
        "UPDATE fans SET language = :language, updated_at = house_now() WHERE tenant_id = :tenant "
        "AND id = :fan",
        language=language,
        tenant=scope.tenant_id,
        fan=known.fan_id,
    )
    return replace(known, language=language)


def _record_reachable(scope: Scope, known: FanIdentityView) -> FanIdentityView:
    """Mark a fan as reachable again because they wrote to us."""
    if known.reachable == "blocked_us":
        scope.run(
            "UPDATE fan_identities SET reachable = 'yes', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND fan_id = :fan AND channel_id = :channel AND reachable "
            "= 'blocked_us'",
            tenant=scope.tenant_id,
            fan=known.fan_id,
            channel=known.channel_id,
        )
    return get_fan_identity(scope, known.fan_id, known.channel_id)


TEAM_NOTICES = frozenset({"service.notice.team", "service.notice.virtual_team"})
"""Notices of conversations in which no AI replies. They disclose none."""


def record_speaker_notice(scope: Scope, fan_id: UUID, code: str) -> None:
    """Record that a notice about who replies reached the fan, and with it the disclosure of the AI
    if it names one."""
    scope.run(
        "UPDATE fans SET notice_version = :code, updated_at = house_now(),"
        " disclosed_at = CASE WHEN :discloses THEN :now ELSE disclosed_at END"
        " WHERE tenant_id = :tenant AND id = :fan",
        tenant=scope.tenant_id,
        fan=fan_id,
        now=scope.now,
        code=code,
        discloses=code not in TEAM_NOTICES,
    )


def _set_status(scope: Scope, fan_id: UUID, status: str) -> None:
    scope.run(
        "UPDATE fans SET status = :status, updated_at = house_now() WHERE tenant_id = :tenant AND "
        "id = :fan",
        tenant=scope.tenant_id,
        fan=fan_id,
        status=status,
    )


def rebuild_facts(scope: Scope, fan_id: UUID) -> None:
    """Rebuild a fan's read model from messages, entitlements and the ledger."""
    scope.run(
        "UPDATE fan_facts SET (messages_in, messages_out, last_in_at, last_out_at) = ("
        "   SELECT count(*) FILTER (WHERE m.direction = 'in'), count(*) FILTER (WHERE m.direction "
        "= 'out'),"
        "     max(m.at) FILTER (WHERE m.direction = 'in'), max(m.at) FILTER (WHERE m.direction = "
        "'out')"
        "   FROM messages m JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = "
        "m.conversation_id"
        "   WHERE m.tenant_id = :tenant AND c.fan_id = :fan AND m.kind NOT IN ('remark', "
        "'edited')),"
        " buys = (SELECT count(*) FROM entitlements WHERE tenant_id = :tenant AND fan_id = :fan "
        "AND state = 'active'),"
        " spent = (SELECT coalesce(jsonb_object_agg(currency, minor), '{}'::jsonb) FROM ("
        "   SELECT e.currency, -sum(e.amount_minor) AS minor FROM ledger_transactions t"
        "   JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id"
        "   WHERE t.tenant_id = :tenant AND t.fan_id = :fan AND e.account IN ('sales', 'refunds')"
        "   GROUP BY e.currency) AS totals), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND fan_id = :fan",
        tenant=scope.tenant_id,
        fan=fan_id,
    )
