"""Queries for the rules of plugins: the installed ones and those that this agency has accepted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from connectors.registry import shipped_policies
from connectors.registry.shipped_policies import ShippedPolicy
from foundation.db.database import Scope
from gate.policy import active_policy, admission, plugin_place_rules
from gate.policy.admission import Admission
from gate.policy.bundle import Bundle
from gate.policy.matrix import MatrixRow
from gate.policy.plugin_place_rules import InvalidThirdPartyRules, ThirdPartyRules


@dataclass(frozen=True)
class ThirdPartyRulesView:
    """Rules of one package, or accepted rules that are no longer installed (`package` is empty
    then).

    `rows` is empty if the rules are ignored because they are unsigned or exceed what a plugin may
    allow.
    """

    package: str
    version: str
    platform: str
    digest: str
    key: str
    rows: Sequence[MatrixRow]
    admitted: Admission | None = None
    """The rules that this agency has accepted for the platform: these rules or others."""

    @property
    def is_admitted(self) -> bool:
        """Return True if exactly these rules are in effect."""
        return (
            self.admitted is not None
            and self.admitted.is_unchanged
            and self.admitted.digest == self.digest
        )

    @property
    def can_be_admitted(self) -> bool:
        """Return True if the owner could accept these rules."""
        return bool(self.rows) and not self.is_admitted


def list_third_party_rules(scope: Scope) -> list[ThirdPartyRulesView]:
    """Return the rules of every package, then accepted rules that are no longer installed."""
    rules = active_policy.current_bundle(scope)
    kept = {one.platform: one for one in admission.list_admissions(scope)}
    found = [
        _build_package_view(one, rules, kept.get) for one in shipped_policies.shipped_policies()
    ]
    return [*found, *_list_orphaned_admissions(found, kept.values())]


def _build_package_view(
    one: ShippedPolicy, rules: Bundle, kept: Callable[[str], Admission | None]
) -> ThirdPartyRulesView:
    try:
        said = plugin_place_rules.verify_rules(one.document, rules)
    except InvalidThirdPartyRules:
        return ThirdPartyRulesView(one.package, one.version, "", "", "", ())
    return _view_from_rules(one, said, kept(said.platform))


def _view_from_rules(
    one: ShippedPolicy, said: ThirdPartyRules, admitted: Admission | None
) -> ThirdPartyRulesView:
    return ThirdPartyRulesView(
        one.package, one.version, said.platform, said.digest, said.key, said.rows, admitted
    )


def _list_orphaned_admissions(
    found: Sequence[ThirdPartyRulesView], kept: Iterable[Admission]
) -> Iterator[ThirdPartyRulesView]:
    here = {one.digest for one in found}
    for one in kept:
        if one.digest not in here:
            yield ThirdPartyRulesView("", "", one.platform, one.digest, "", (), one)
