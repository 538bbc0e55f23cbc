"""The lexicon that an agency's texts are read with: that of the policy in force, its own terms, and
the names of people who must never be depicted."""

from collections.abc import Iterable

from foundation.db.database import Scope
from gate.policy import active_policy
from gate.text.lexicon import BANNED, Lexicon

OWN_TERMS_SQL = f"""
  (SELECT jsonb_agg(jsonb_build_array(t.kind, t.term) ORDER BY t.kind, t.term) FROM (
    SELECT o.kind, o.term FROM own_terms o WHERE o.tenant_id = :tenant AND o.open
    UNION ALL SELECT '{BANNED}', translate(encode(convert_to(n.name, 'UTF8'), 'base64'), E'\\n', '')
    FROM never_depicted n WHERE n.tenant_id = :tenant AND n.ended_by = '') t) AS own_terms
"""  # noqa: S608 - only constants
"""Kind and encoded text of the agency's own terms, and of the names of banned people."""


def parse_own_terms(stored: Iterable[tuple[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """Return the kinds and encoded terms of `OWN_TERMS_SQL`."""
    return tuple((kind, term) for kind, term in stored or ())


def current_own_terms(scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return the kinds and encoded terms of the agency today, names of banned people included."""
    row = scope.run(f"SELECT {OWN_TERMS_SQL}", tenant=scope.tenant_id).one()
    return parse_own_terms(row.own_terms)


def current_lexicon(scope: Scope) -> Lexicon:
    """Return the lexicon in force with the agency's own terms and the names of banned people."""
    row = scope.run(
        f"SELECT {active_policy.NEWEST_SQL}, {OWN_TERMS_SQL}", tenant=scope.tenant_id
    ).one()
    policy = active_policy.resolve_newest(scope, row.newest)
    return policy.bundle.lexicon.with_coded_terms(parse_own_terms(row.own_terms))
