"""Attacks on the policy: older, unsigned or looser rules."""

from dataclasses import replace
from typing import Any

from foundation.ids import INSTALLATION_ID
from gate.contract.units import Rating
from gate.policy import active_policy, admission
from gate.reviews import platform_confirmations
from tests.attacks.evidence import invented_person_unit
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.attacks.texts import general_picture, text_unit
from tests.gate.builders import unit
from tests.gate.policy_releases import sign_release
from tests.gate.third_party_packages import build_rule_file, build_rule_row

__all__ = ["SCENARIOS"]


@register_attack("P-10")
def older_rules_brought_back(stage: Stage) -> Result:
    """Install the previous policy, which allowed a surface that the newest policy closes."""

    def take(version: str, sandbox: str) -> None:
        with stage.world.open(INSTALLATION_ID, "system:test") as scope:
            active_policy.install_release(scope, sign_release(version, sandbox=sandbox))

    whole = unit(stage.world)
    if not stage.harm:
        take("2027.02.01-1", "A")
        return stage.by_the_house(whole)
    take("2027.02.02-1", "A")
    take("2027.02.03-1", "H")
    refused = stage.refused(lambda _: take("2027.02.02-1", "A"))
    stage.by_the_house(whole)
    return Result(refused.verdict, refused.reasons, stage.sent(whole))


@register_attack("Z-09")
def attestation_that_loosens(stage: Stage) -> Result:
    """Confirm the expired rules of a platform as every member, although they forbid nudity."""
    with stage.world.open(INSTALLATION_ID, "system:test") as scope:
        rules = active_policy.install_release(
            scope, sign_release(f"2027.02.{20 if stage.harm else 19}-1", read_by="2026-06-10")
        )
    stage.rules = replace(rules, lexicon=stage.rules.lexicon)
    platform = "instagram" if stage.harm else "x"

    def confirm(scope: Any) -> None:
        pages = platform_confirmations.platform_pages(rules, platform)
        platform_confirmations.confirm_platform(scope, platform, pages, read_on=scope.now.date())

    for who in (stage.world.rob, stage.world.ann):  # rob is an owner, or ann if she is alone
        stage.refused(confirm, actor=f"member:{who}")
    medium = invented_person_unit(stage, Rating.N)
    whole = text_unit(stage, "X1", media=(medium,), body="Hello")
    return stage.send(replace(whole, platform=platform, surface=f"{platform}.post"))


@register_attack("P-17")
def strangers_row_that_opens_nudity(stage: Stage) -> Result:
    """Admit a row that a package ships for its platform. The owner confirms it, with any verdicts."""

    def confirmed(*verdicts: str) -> list[Result]:
        people = (stage.world.rob, stage.world.ann)  # one of the two is the owner
        document = build_rule_file(*(build_rule_row(each) for each in verdicts))
        return [
            stage.refused(lambda s: admission.admit_rules(s, document), actor=f"member:{who}")
            for who in people
        ]

    def there(rating: Rating) -> Result:
        medium = (
            general_picture(stage) if rating is Rating.G else invented_person_unit(stage, rating)
        )
        whole = unit(stage.world, media=(medium,))
        return stage.send(replace(whole, platform="acme", surface="acme.post", account="AC1"))

    assert there(Rating.G).sent == 0, "an unknown platform"
    assert {one.verdict for one in confirmed("AABB")} == {"A", "B"}, (
        "only the owner may confirm the rules"
    )
    if not stage.harm:
        return there(Rating.G)
    refused = [one for one in confirmed("AAFF") if "POLICY_SIGNATURE" in one.reasons]
    sent = there(Rating.N)
    assert len(refused) == 1
    return Result(sent.verdict, sent.reasons | refused[0].reasons, sent.sent)
