"""Changes of the gate that are no mutation: PostgreSQL reads the changed SQL as the same statement."""

import pytest

from tests.mutation import folded, interval

WRITTEN = (
    """scope.run("SELECT a FROM x WHERE t = :tenant AND s = 'Y' AND \\"K\\" IS NULL", tenant=1)"""
)


@pytest.mark.parametrize(("before", "after", "same"), [
    ("SELECT a FROM x", "select a from x", True),
    ("AND \\\"K\\\"", "and \\\"K\\\"", True),
    ("'Y'", "'y'", False),
    (":tenant", ":TENANT", False),
    ("\\\"K\\\"", "\\\"k\\\"", False),
    ("SELECT a", "SELECT b", False),
    ("scope.run(", "scope.ran(", False),
    ("tenant=1", "tenant=2", False),
])  # fmt: skip
def test_change_of_case_outside_quotes_is_no_mutation(before: str, after: str, same: bool) -> None:
    assert before in WRITTEN
    assert (folded(WRITTEN) == folded(WRITTEN.replace(before, after))) is same
    outside = WRITTEN.replace("scope.run(", "raise_code(")
    assert (folded(outside) == folded(outside.replace(before, after))) is (before not in outside)


def test_interval_of_a_small_sample_is_wide() -> None:
    assert [round(one, 3) for one in interval(66, 70)] == [0.862, 0.978]
    assert interval(70, 70)[1] == pytest.approx(1.0)
