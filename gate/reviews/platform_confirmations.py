"""Confirmations of the rules of a platform: an owner reads its pages and finds them unchanged.

A confirmation keeps what the rules allow for 180 days. It never loosens them, so one owner is
enough; members add stricter rules themselves (`place_limits`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.policy import active_policy, place_rules
from gate.policy.bundle import CONFIRMATION_PERIOD, Bundle
from gate.policy.queries import list_confirmations
from gate.reviews.events import PlatformConfirmed
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

WARNING_PERIOD = timedelta(days=60)
"""Time before the last day of a rule from which its platform can be confirmed."""
READING_PERIOD = timedelta(days=7)
"""Time after which a reading is too old to be confirmed."""

MAX_REPORT_LENGTH = 500


@dataclass(frozen=True)
class LastConfirmation:
    """The last confirmation of a platform by an owner of the agency."""

    by: UUID
    """The owner's principal."""
    read_on: date
    changed: tuple[str, ...]
    """The rules that differ now from those that were confirmed."""


def platform_pages(rules: Bundle, platform: str) -> tuple[str, ...]:
    """Return the addresses of the pages with the dated rules of a platform, each once."""
    urls = (url for row in rules.dated_rows(platform) for url in row.source_url)
    return tuple(dict.fromkeys(url for url in urls if url.startswith("https://")))


def last_day_of_platform(scope: Scope, rules: Bundle, platform: str) -> date | None:
    """Return the last day for which all dated rules of a platform were read, or None."""
    today = scope.now.date()
    confirmations = list_confirmations(scope, {platform})
    days = (rules.last_day(row, today, confirmations) for row in rules.dated_rows(platform))
    return min((day for day in days if day is not None), default=None)


def confirm_platform(scope: Scope, platform: str, urls: Collection[str], *, read_on: date) -> bool:
    """Record that the acting owner read the pages `urls` of a platform and found its rules
    unchanged; posts that waited for it continue. Return False if that was recorded before.

    Raises Refused for a member who is no owner, and BadInput for a platform whose rules are not due
    within 60 days, if a page is missing, and for a day in the future or more than a week ago.
    """
    member = queries.get_acting_member(scope, "gate.ATTESTATION_INVALID")
    require_right(member.role, Right.RULES)
    scope.lock(f"confirm:{scope.tenant_id}:{platform}")
    today = scope.now.date()
    rules = active_policy.current_bundle(scope)
    if not today - READING_PERIOD < read_on <= today or not set(
        platform_pages(rules, platform)
    ) <= set(urls):
        raise BadInput("rule.not_read_so")
    written = rules.platform_digest(platform)
    if any(
        known.written == written and known.read_on == read_on
        for known in list_confirmations(scope, {platform})
    ):
        return False
    last = last_day_of_platform(scope, rules, platform)
    if last is None or today < last - WARNING_PERIOD:
        raise BadInput("rule.not_due")
    store_confirmation(
        scope, rules, platform, urls=sorted(urls), read_on=read_on, by=member.principal_id
    )
    outbox.put(scope, PlatformConfirmed(scope.tenant_id, member.principal_id, platform))
    notices.put(
        scope,
        Message("rule.confirmed", {"name": member.name, "platform": f"platform.{platform}"}),
        cause=f"platform_rules:{platform}:{read_on}",
        informs=True,
    )
    return True


# The database checks the 180 days, and that an owner confirms.
_CONFIRM = """
INSERT INTO platform_confirmations
  (tenant_id, id, platform, written, bundle, urls, read_on, until, by)
VALUES (:tenant, :id, :platform, :written, :bundle, CAST(:urls AS jsonb), :read_on, :until, :by)
"""


def store_confirmation(
    scope: Scope, rules: Bundle, platform: str, *, urls: list[str], read_on: date, by: UUID
) -> None:
    """Store a confirmation. The database refuses one that is not by an owner."""
    with scope.acting_as("gate"):
        scope.run(
            _CONFIRM,
            tenant=scope.tenant_id,
            id=uuid7(),
            platform=platform,
            written=rules.platform_digest(platform),
            bundle=rules.name,
            urls=canonical_json(urls).decode(),
            read_on=read_on,
            until=read_on + CONFIRMATION_PERIOD,
            by=by,
        )
    audit.record(scope, "rule.confirmed", f"platform:{platform}", day=read_on.isoformat())


def last_confirmations(scope: Scope, platforms: Collection[str]) -> Mapping[str, LastConfirmation]:
    """Return the last confirmation of each of these platforms that has one."""
    if not platforms:
        return {}
    rows = scope.run(_LAST, tenant=scope.tenant_id, platforms=sorted(platforms))
    return {
        row.platform: LastConfirmation(
            row.by, row.read_on, _list_changed_rules(scope, row.platform, row.bundle)
        )
        for row in rows
    }


_LAST = """
SELECT DISTINCT ON (platform) platform, by, read_on, bundle FROM platform_confirmations
WHERE tenant_id = :tenant AND platform = ANY(:platforms) ORDER BY platform, read_on DESC, id DESC
"""


def _list_changed_rules(scope: Scope, platform: str, bundle: str) -> tuple[str, ...]:
    """Return the rules of a platform that changed since a policy; none if it is not stored."""
    rules = active_policy.current_bundle(scope)
    before = rules if bundle == rules.name else active_policy.find_bundle(scope, bundle)
    if before is None:
        return ()
    names = {row.id for row in rules.dated_rows(platform)}
    return tuple(
        change.name for change in place_rules.compare_bundles(before, rules) if change.name in names
    )


def report_looser_rules(scope: Scope, platform: str, words: str) -> None:
    """Record that a platform allows more than its rules say. Nothing changes: only a release of
    rules allows more. Raises BadInput for an unknown platform and a missing or too long text."""
    member = queries.get_acting_member(scope, "gate.ATTESTATION_INVALID")
    require_right(member.role, Right.RUN)
    said = " ".join(words.split())
    if not active_policy.current_bundle(scope).dated_rows(platform) or not (
        0 < len(said) <= MAX_REPORT_LENGTH
    ):
        raise BadInput("rule.no_report", most=MAX_REPORT_LENGTH)
    audit.record(scope, "rule.looser_reported", f"platform:{platform}", words=said)
    notices.put(
        scope,
        Message(
            "rule.looser", {"name": member.name, "platform": f"platform.{platform}", "words": said}
        ),
        cause=f"platform_rules:{platform}:looser:{scope.now.date()}",
        informs=True,
    )
