"""The lexicon that an agency's texts are read with: that of the policy in force, and its own
terms."""

from collections.abc import Iterable

from foundation.db.database import Scope
from gate.policy import active_policy
from gate.text.lexicon import Lexicon

OWN_TERMS_SQL = """
  (SELECT jsonb_agg(jsonb_build_array(t.kind, t.term) ORDER BY t.kind, t.term)
    FROM own_terms t WHERE t.tenant_id = :tenant AND t.open) AS own_terms
"""


def parse_own_terms(stored: Iterable[tuple[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """Return the kinds and encoded terms of `OWN_TERMS_SQL`."""
    return tuple((kind, term) for kind, term in stored or ())


def current_lexicon(scope: Scope) -> Lexicon:
    """Return the lexicon in force with the agency's own terms."""
    row = scope.run(
        f"SELECT {active_policy.NEWEST_SQL}, {OWN_TERMS_SQL}", tenant=scope.tenant_id
    ).one()
    policy = active_policy.resolve_newest(scope, row.newest)
    return policy.bundle.lexicon.with_coded_terms(parse_own_terms(row.own_terms))
