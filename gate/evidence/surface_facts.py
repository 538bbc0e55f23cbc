"""Read what is needed to judge content on surfaces that need no permit, at once for a page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from gate.contract.facts import (
    INACTIVE_STOP,
    EvidenceSnapshot,
    LinkFacts,
    PlaceLimitFacts,
    StopFacts,
    ViewerFacts,
)
from gate.contract.units import REDIRECT_PLATFORM, Rating, Unit, Verdict
from gate.evidence import media_facts
from gate.policy import active_policy
from gate.policy.active_policy import ActivePolicy
from gate.policy.agency_lexicon import OWN_TERMS_SQL, parse_own_terms
from gate.text import link_readings, urls
from tenants.agencies import queries

_FACTS = f"""
SELECT house_now() AS now, {active_policy.NEWEST_SQL}, {OWN_TERMS_SQL},
  (SELECT jsonb_agg(jsonb_build_array(s.scope, s.target, s.feature) ORDER BY s.scope, s.feature)
    FROM switches s WHERE NOT s.open) AS stops,
  (SELECT jsonb_agg(jsonb_build_array(l.place, l.rating, l.verdict)
      ORDER BY l.place, l.rating, l.verdict)
    FROM place_limits l WHERE l.tenant_id = :tenant AND l.place = ANY(CAST(:places AS text[]))
      AND l.open) AS limits,
  (SELECT jsonb_agg(jsonb_build_array(t.creator_id, t.url, t.adult, t.rating, t.state,
      t.expires_at))
    FROM link_targets t WHERE t.tenant_id = :tenant AND t.state <> 'closed'
      AND t.creator_id = ANY(CAST(:creators AS uuid[])) AND t.url = ANY(CAST(:urls AS text[])))
    AS links
"""  # noqa: S608 only constants


def gather_surface_facts(
    scope: Scope,
    units: Sequence[Unit],
    *,
    creators: Sequence[tuple[UUID, ...]],
    labels: Sequence[tuple[str, ...]],
    viewers: Sequence[ViewerFacts | None],
    linking_places: Sequence[str],
) -> tuple[ActivePolicy, list[EvidenceSnapshot], datetime]:
    """Return the policy in force, the facts about each unit, and the time of reading.

    The number of statements does not depend on the number of units. Each unit has its `creators`,
    the `labels` among its texts, which are names and not sentences, the facts about its reader, and
    the surface on which its links are shown.
    """
    links = [_canonical_links(unit) for unit in units]
    read = scope.run(
        _FACTS,
        tenant=scope.tenant_id,
        places=sorted({unit.place_id for unit in units}),
        creators=sorted({str(one) for theirs in creators for one in theirs}),
        urls=sorted({key for found in links for key in found.values() if key}),
    ).one()
    people = (
        {one.id: one for one in queries.list_creators(scope)} if any(map(bool, creators)) else {}
    )
    media = media_facts.media_facts_of_bytes(
        scope, sorted({medium.sha256 for unit in units for medium in unit.all_media})
    )
    persons = media_facts.person_facts(scope, media_facts.people_named_in(media))
    policy = active_policy.resolve_newest(scope, read.newest)
    own_terms = parse_own_terms(read.own_terms)
    facts = [
        EvidenceSnapshot(
            tenant_id=scope.tenant_id,
            author="",
            author_principal=None,
            ceiling=Rating.E,
            creator_known=set(theirs) <= people.keys(),
            names=(*_creator_names(people, theirs), *names),
            media=media,
            persons=persons,
            viewer=viewer,
            links=_link_facts(unit, found, read.links or ()),
            own_hosts=urls.own_hosts(),
            linking_place=linking_place,
            stops=(*_stops_of_unit(unit, read.stops or ()), *_inactive_stops(unit, people)),
            rules_fault=policy.fault,
            limits=tuple(
                PlaceLimitFacts(Rating(rating), Verdict(verdict))
                for place, rating, verdict in read.limits or ()
                if place == unit.place_id
            ),
            own_terms=own_terms,
        )
        for unit, theirs, names, viewer, found, linking_place in zip(
            units, creators, labels, viewers, links, linking_places, strict=True
        )
    ]
    return policy, facts, read.now


def _canonical_links(unit: Unit) -> Mapping[str, str]:
    """Return the registered form of each address in the texts of a unit, by the address."""
    targets = (url for lead in unit.leads for url in (lead.target, lead.opens))
    found = link_readings.extract_links((*unit.all_texts, *targets))
    return {url: urls.canonical_url(url) for url in found}


def _creator_names(
    people: Mapping[UUID, queries.Creator], creators: Sequence[UUID]
) -> tuple[str, ...]:
    return tuple(
        name for one in creators if one in people for name in (people[one].name, people[one].slug)
    )


def _link_facts(
    unit: Unit, found: Mapping[str, str], stored: Sequence[Any]
) -> tuple[LinkFacts, ...]:
    known = {
        url: LinkFacts(
            url, adult, Rating(rating), state == "active", datetime.fromisoformat(expires_at)
        )
        for creator, url, adult, rating, state, expires_at in stored
        if UUID(creator) == unit.creator_id
    }
    return tuple(
        LinkFacts(url, row.adult, row.rating, row.active, row.expires_at)
        for url, row in ((url, known.get(key)) for url, key in found.items())
        if row is not None
    )


def _inactive_stops(unit: Unit, people: Mapping[UUID, queries.Creator]) -> tuple[StopFacts, ...]:
    """Return the stop of the redirects of a creator who is deactivated or archived."""
    creator = people.get(unit.creator_id)
    if unit.platform != REDIRECT_PLATFORM or creator is None or creator.is_active:
        return ()
    return (StopFacts("creator", INACTIVE_STOP),)


def _stops_of_unit(unit: Unit, closed: Sequence[tuple[str, str, str]]) -> tuple[StopFacts, ...]:
    """Return the active emergency stops of the installation, the agency and the creator."""
    targets = {"global": "", "tenant": "", "creator": str(unit.creator_id)}
    return tuple(
        StopFacts(where, feature)
        for where, target, feature in closed
        if targets.get(where) == target
    )
