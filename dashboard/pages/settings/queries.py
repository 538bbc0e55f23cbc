"""Queries of the Settings page: emergency stops and the rules of the safety check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from dashboard.pages.settings.third_party_rule_queries import (
    ThirdPartyRulesView,
    list_third_party_rules,
)
from dashboard.shell.queries import list_stop_rows
from foundation.db.database import Scope
from foundation.ids import INSTALLATION_ID
from gate.policy import active_policy, emergency_stops
from gate.policy.emergency_stops import ActiveStop
from gate.ratings import inspections
from gate.ratings.inspections import ClassifierStatus
from gate.reviews import place_limits, platform_confirmations, rule_expiry
from gate.reviews.place_limits import PlaceLimitSummary
from gate.reviews.platform_confirmations import LastConfirmation
from gate.reviews.rule_expiry import DuePlatform
from insights.reports import transparency_report
from tenants.agencies.queries import Creator, Member, list_creators, list_members
from tenants.auth import passkeys


@dataclass(frozen=True)
class StopsView:
    """The active emergency stops and what can be stopped; `names` maps actors to names of
    members."""

    stops: Sequence[ActiveStop]
    above: Sequence[ActiveStop]
    """Stops of the whole installation, which agencies cannot lift."""
    creators: Sequence[Creator]
    """Creators assigned to this member."""
    accounts: Sequence[Channel]
    """Channels of these creators."""
    names: Mapping[str, str]
    keyed: frozenset[UUID]
    """Members who have a passkey."""
    now: datetime
    others: bool = False
    """True if some creators are not assigned to this member."""

    def actor_name(self, actor: str) -> str:
        """Return the member's name, empty for Greenroom itself."""
        return self.names.get(actor, "")


@dataclass(frozen=True)
class SafetyRulesView:
    """The rules of the safety check; `names` maps actors to names of members."""

    names: Mapping[str, str]
    months: Sequence[date]
    """First days of the months that have a report."""
    humans: Mapping[UUID, str]
    now: datetime
    eyes: ClassifierStatus
    policy: str
    """Version of the policy in effect."""
    due: Sequence[DuePlatform] = ()
    """Platforms whose rules must be confirmed."""
    confirmed: Mapping[str, LastConfirmation] = field(default_factory=dict)
    """The last confirmation of each of these platforms."""
    limits: Sequence[PlaceLimitSummary] = ()
    places: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Places with the names of the rules that apply to them."""
    strangers: Sequence[ThirdPartyRulesView] = ()

    def actor_name(self, actor: str) -> str:
        """Return the member's name, empty for Greenroom itself."""
        return self.names.get(actor, "")


def _list_place_rules(
    scope: Scope, places: Sequence[tuple[str, str]], kept: Sequence[PlaceLimitSummary]
) -> Mapping[str, Sequence[str]]:
    """Return these places and those with stricter rules, each with the rules that apply to it.

    Places without a rule are omitted, because nothing can be published there.
    """
    rules = active_policy.current_bundle(scope)
    today = scope.now.date()
    names = {
        surface if surface.startswith(f"{platform}.") else f"{platform}.{surface}"
        for platform, surface in places
    }
    known = sorted(name for name in names | {one.place for one in kept} if name in rules.rows)
    return {
        name: [rule for rule, _ in rules.source_rows(rules.rows[name].platform, name, on=today)]
        for name in known
    }


def load_stops(scope: Scope, member: Member) -> StopsView:
    """Return the emergency stops as far as the member may see them."""
    every = list_creators(scope)
    mine = {one.id: one for one in every if member.works_for(one.slug)}
    return StopsView(
        stops=list_stop_rows(scope, member),
        above=emergency_stops.list_stops(scope, of=INSTALLATION_ID),
        creators=list(mine.values()),
        accounts=[one for one in queries.list_channels(scope) if one.creator_id in mine],
        names={f"member:{one.id}": one.name for one in list_members(scope)},
        keyed=passkeys.members_with_passkeys(scope),
        now=scope.now,
        others=len(mine) < len(every),
    )


def load_safety_rules(scope: Scope) -> SafetyRulesView:
    """Return the rules of the safety check for this agency."""
    people = list_members(scope)
    places = queries.posting_surfaces(scope)
    kept = place_limits.list_place_limits(scope)
    due = rule_expiry.list_due_platforms(scope, places)
    return SafetyRulesView(
        months=transparency_report.list_report_months(scope),
        names={f"member:{one.id}": one.name for one in people},
        humans={one.principal_id: one.name for one in people},
        now=scope.now,
        eyes=inspections.classifier_status(scope),
        policy=active_policy.current_bundle(scope).version,
        due=due,
        confirmed=platform_confirmations.last_confirmations(scope, [one.platform for one in due]),
        limits=kept,
        places=_list_place_rules(scope, places, kept),
        strangers=list_third_party_rules(scope),
    )
