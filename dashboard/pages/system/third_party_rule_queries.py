"""What strangers' packages say of their own platforms: as they are installed here, and as this
agency admitted it."""

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
    """One package's rules, or rules that were admitted and are not installed any more (`package` is
    empty then).

    `rows` are empty where they count as absent: not signed, or beyond what a stranger may say.
    """

    package: str
    version: str
    platform: str
    digest: str
    key: str
    rows: Sequence[MatrixRow]
    admitted: Admission | None = None
    """What this agency admitted of the platform: these very rules, or others."""

    @property
    def is_admitted(self) -> bool:
        """Whether these very rules count here."""
        return (
            self.admitted is not None
            and self.admitted.is_unchanged
            and self.admitted.digest == self.digest
        )

    @property
    def can_be_admitted(self) -> bool:
        """Whether an owner could admit them."""
        return bool(self.rows) and not self.is_admitted


def list_third_party_rules(scope: Scope) -> list[ThirdPartyRulesView]:
    """Every package's rules with what this agency made of them, then what it admitted and is not
    installed."""
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
