"""The tree follows every rule, and every rule finds its planted breach."""

import pytest

# imported to register their rules
from tests.architecture.rules import boundaries, naming, shape, transactions_and_clocks  # noqa: F401  see above
from tests.architecture.rules.rule import RULES, Rule
from tests.architecture.tree import Source, product, sources

P90_LINES = 30

BY_NAME = [pytest.param(rule, id=rule.name) for rule in RULES]


@pytest.mark.parametrize("rule", BY_NAME)
def test_tree_keeps_the_rule(rule: Rule) -> None:
    findings = [finding for source in sources() for finding in rule.findings(source)]
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize("rule", BY_NAME)
def test_rule_finds_a_planted_breach_and_accepts_its_twin(rule: Rule) -> None:
    assert list(rule.findings(Source(rule.at, rule.breach))), "the rule misses its breach"
    assert not list(rule.findings(Source(rule.twin_at, rule.twin))), "the rule rejects its twin"


@pytest.mark.parametrize("rule", BY_NAME)
def test_rule_has_a_reason(rule: Rule) -> None:
    assert len(rule.why) > 20
    assert rule.check.__doc__


def test_allowed_one_word_functions_exist() -> None:
    found = {
        f"{source.module}:{name.name}"
        for source in product()
        for name in naming.one_word_functions(source)
    }
    assert found >= naming.ONE_WORD_FUNCTIONS, naming.ONE_WORD_FUNCTIONS - found


def test_nine_functions_in_ten_are_short() -> None:
    lengths = sorted(
        (f.end_lineno or f.lineno) - f.lineno + 1
        for source in product()
        for f in source.functions()
    )
    assert lengths[len(lengths) * 9 // 10] <= P90_LINES
