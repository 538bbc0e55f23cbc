"""Facts about fans: learned from their messages, edited by members, and deleted by either."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message, format_annual_day, render_message
from foundation.ids import uuid7
from gate.surfaces.model_texts import load_text_judge
from subscribers.conversations.models import Conversation
from subscribers.memory import fact_checks, fact_rules
from subscribers.memory.fact_checks import SINGLE_KEYS, MemoryKey
from subscribers.memory.fact_rules import Fact
from tenants import audit

FactSource = Literal["rule", "model", "member"]

MAX_FACTS = 50
"""Maximum number of facts about a fan. A new one replaces the oldest that is not pinned."""

_OPPOSITES = {MemoryKey.LIKE: MemoryKey.DISLIKE, MemoryKey.DISLIKE: MemoryKey.LIKE}


@dataclass(frozen=True)
class FanFact:
    """A stored fact about a fan."""

    id: UUID
    key: MemoryKey
    value: str
    source: FactSource
    pinned: bool


def list_facts(scope: Scope, fan_id: UUID) -> tuple[FanFact, ...]:
    """Return the facts about a fan: pinned ones first, then the newest."""
    rows = scope.run(
        "SELECT id, key, value, source, pinned FROM fan_memories WHERE tenant_id = :tenant"
        " AND fan_id = :fan ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT :most",
        tenant=scope.tenant_id,
        fan=fan_id,
        most=MAX_FACTS,
    )
    return tuple(
        FanFact(row.id, MemoryKey(row.key), row.value, row.source, row.pinned) for row in rows
    )


def fact_value_text(key: MemoryKey, value: str, language: str) -> str:
    """Return a value for people: the day of a birthday in words, any other as it is stored."""
    if key is not MemoryKey.BIRTHDAY:
        return value
    month, day = value.split("-")
    return format_annual_day(int(month), int(day), language)


def fact_text(fact: FanFact, language: str) -> str:
    """Return a fact with its kind, for example `Likes: sailing`."""
    value = fact_value_text(fact.key, fact.value, language)
    return render_message(Message(f"memory.fact.{fact.key}", {"value": value}), language)


def learn_facts(
    scope: Scope, talk: Conversation, found: Iterable[Fact], *, source: FactSource
) -> int:
    """Store the facts that a fan stated, without those that may not be stored. Return the number of
    stored facts.

    A statement replaces an older value of a key with one value, and the opposite of a taste, unless
    these are pinned.
    """
    stated = tuple(found)
    if not stated:
        return 0
    judge = load_text_judge(scope, "model.memory")
    fit = [one for one in stated if fact_checks.find_fact_fault(one.key, one.value, judge) is None]
    for one in fit:
        _store_fact(scope, talk, one, source)
    if fit:
        _drop_oldest_facts(scope, talk.fan_id)
    return len(fit)


def _store_fact(scope: Scope, talk: Conversation, one: Fact, source: FactSource) -> None:
    normalized = fact_checks.normalize_fact_value(one.value)
    params = {"tenant": scope.tenant_id, "fan": talk.fan_id, "key": str(one.key)}
    if one.key in SINGLE_KEYS:
        pinned = scope.run(
            "SELECT EXISTS (SELECT FROM fan_memories WHERE tenant_id = :tenant AND fan_id = :fan"
            " AND key = :key AND pinned)",
            **params,
        ).scalar_one()
        if pinned:
            return
        scope.run(
            "DELETE FROM fan_memories WHERE tenant_id = :tenant AND fan_id = :fan AND key = :key"
            " AND normalized <> :normalized",
            normalized=normalized,
            **params,
        )
    elif one.key in _OPPOSITES:
        scope.run(
            "DELETE FROM fan_memories WHERE tenant_id = :tenant AND fan_id = :fan"
            " AND key = :opposite AND normalized = :normalized AND NOT pinned",
            tenant=scope.tenant_id,
            fan=talk.fan_id,
            opposite=str(_OPPOSITES[one.key]),
            normalized=normalized,
        )
    scope.run(
        "INSERT INTO fan_memories (tenant_id, id, creator_id, fan_id, key, value, normalized,"
        " source, pinned) VALUES (:tenant, :id, :creator, :fan, :key, :value, :normalized,"
        " :source, false) ON CONFLICT (tenant_id, fan_id, key, normalized)"
        " DO UPDATE SET updated_at = house_now()",
        id=uuid7(),
        creator=talk.creator_id,
        value=one.value,
        normalized=normalized,
        source=source,
        **params,
    )


def _drop_oldest_facts(scope: Scope, fan_id: UUID) -> None:
    scope.run(
        "DELETE FROM fan_memories WHERE tenant_id = :tenant AND id IN (SELECT id FROM fan_memories"
        " WHERE tenant_id = :tenant AND fan_id = :fan"
        " ORDER BY pinned DESC, updated_at DESC, id DESC OFFSET :most)",
        tenant=scope.tenant_id,
        fan=fan_id,
        most=MAX_FACTS,
    )


def add_fact(scope: Scope, talk: Conversation, key: str, value: str, *, press: UUID) -> None:
    """Store a fact that a member knows, once for each `press`; it replaces the value of a key with
    one value.

    Raises BadInput for an unknown key or a value that may not be stored, and Conflict at the
    maximum number of facts.
    """
    one = _validate_fact(scope, key, value)
    known = list_facts(scope, talk.fan_id)
    if any(fact.id == press for fact in known):
        return
    normalized = fact_checks.normalize_fact_value(one.value)
    if one.key in SINGLE_KEYS:
        for fact in known:
            if fact.key is one.key:
                _delete_rows(scope, talk.fan_id, [fact.id])
    elif len(known) >= MAX_FACTS:
        raise Conflict("memory.full", most=MAX_FACTS)
    scope.run(
        "INSERT INTO fan_memories (tenant_id, id, creator_id, fan_id, key, value, normalized,"
        " source, pinned) VALUES (:tenant, :id, :creator, :fan, :key, :value, :normalized,"
        " 'member', true) ON CONFLICT (tenant_id, fan_id, key, normalized)"
        " DO UPDATE SET value = EXCLUDED.value, source = 'member', pinned = true,"
        " updated_at = house_now()",
        tenant=scope.tenant_id,
        id=press,
        creator=talk.creator_id,
        fan=talk.fan_id,
        key=str(one.key),
        value=one.value,
        normalized=normalized,
    )
    audit.record(scope, "memory.added", f"fan:{talk.fan_id}", key=str(one.key))


def change_fact(scope: Scope, talk: Conversation, fact_id: UUID, value: str) -> None:
    """Change the value of a fact; from then on it is pinned. Raises NotFound, and BadInput for a
    value that may not be stored."""
    known = _get_fact(scope, talk.fan_id, fact_id)
    one = _validate_fact(scope, str(known.key), value)
    normalized = fact_checks.normalize_fact_value(one.value)
    scope.run(
        "DELETE FROM fan_memories WHERE tenant_id = :tenant AND fan_id = :fan AND key = :key"
        " AND normalized = :normalized AND id <> :id",
        tenant=scope.tenant_id,
        fan=talk.fan_id,
        key=str(one.key),
        normalized=normalized,
        id=fact_id,
    )
    scope.run(
        "UPDATE fan_memories SET value = :value, normalized = :normalized, source = 'member',"
        " pinned = true, updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=fact_id,
        value=one.value,
        normalized=normalized,
    )
    audit.record(scope, "memory.changed", f"fan:{talk.fan_id}", key=str(one.key))


def pin_fact(scope: Scope, talk: Conversation, fact_id: UUID, *, pinned: bool) -> None:
    """Pin a fact, so that no later statement replaces it, or unpin it. Raises NotFound."""
    known = _get_fact(scope, talk.fan_id, fact_id)
    scope.run(
        "UPDATE fan_memories SET pinned = :pinned, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=fact_id,
        pinned=pinned,
    )
    act = "memory.pinned" if pinned else "memory.unpinned"
    audit.record(scope, act, f"fan:{talk.fan_id}", key=str(known.key))


def delete_fact(scope: Scope, fan_id: UUID, fact_id: UUID) -> bool:
    """Delete a fact, and the summaries that may contain it. Return False if it is unknown, for
    example after a repeated press."""
    known = next((one for one in list_facts(scope, fan_id) if one.id == fact_id), None)
    if known is None:
        return False
    _delete_rows(scope, fan_id, [fact_id])
    clear_summaries(scope, fan_id)
    audit.record(scope, "memory.deleted", f"fan:{fan_id}", key=str(known.key))
    return True


def delete_memory(scope: Scope, fan_id: UUID) -> None:
    """Delete all facts about a fan and the summaries of their conversations."""
    _delete_rows(scope, fan_id, [one.id for one in list_facts(scope, fan_id)])
    clear_summaries(scope, fan_id)
    audit.record(scope, "memory.cleared", f"fan:{fan_id}")


def clear_summaries(scope: Scope, fan_id: UUID) -> None:
    """Delete the texts of the summaries of a fan's conversations. No model reads the messages up to
    now again, and the result of a model that is reading them is discarded."""
    scope.run(
        "INSERT INTO conversation_summaries (tenant_id, id, creator_id, conversation_id, text,"
        " upto_seq) SELECT tenant_id, gen_random_uuid(), creator_id, id, '', last_seq"
        " FROM conversations WHERE tenant_id = :tenant AND fan_id = :fan"
        " ON CONFLICT (tenant_id, conversation_id) DO UPDATE SET text = '',"
        " upto_seq = EXCLUDED.upto_seq, updated_at = house_now()",
        tenant=scope.tenant_id,
        fan=fan_id,
    )


def _get_fact(scope: Scope, fan_id: UUID, fact_id: UUID) -> FanFact:
    found = next((one for one in list_facts(scope, fan_id) if one.id == fact_id), None)
    if found is None:
        raise NotFound("memory.unknown")
    return found


def _validate_fact(scope: Scope, key: str, value: str) -> Fact:
    if key not in fact_checks.MEMORY_KEYS:
        raise BadInput("memory.bad_key").about("key")
    known = MemoryKey(key)
    cleaned = fact_checks.clean_fact_value(value)
    if known is MemoryKey.BIRTHDAY:
        day = fact_rules.parse_birthday(cleaned)
        if day is None:
            raise BadInput("memory.bad_birthday").about("value")
        return Fact(known, day)
    judge = load_text_judge(scope, "model.memory")
    fault = fact_checks.find_fact_fault(known, cleaned, judge)
    if fault is not None:
        most = (
            fact_checks.MAX_NAME_LENGTH if known is MemoryKey.NAME else fact_checks.MAX_VALUE_LENGTH
        )
        raise BadInput(f"memory.refused.{fault}", most=most)
    return Fact(known, cleaned)


def _delete_rows(scope: Scope, fan_id: UUID, ids: Sequence[UUID]) -> None:
    scope.run(
        "DELETE FROM fan_memories WHERE tenant_id = :tenant AND fan_id = :fan AND id = ANY(:ids)",
        tenant=scope.tenant_id,
        fan=fan_id,
        ids=list(ids),
    )
