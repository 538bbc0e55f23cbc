"""The matrix of surfaces as it is written: rows, defaults and countries, validated on load."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, model_validator

from gate.contract.reasons import Reason
from gate.contract.units import Rating, Verdict

PlaceKind = Literal["post", "text", "chat", "profile"]
PersonKind = Literal["real", "synthetic"]
SurfaceReader = Literal["model", "outsider", "assured", "member"]
LinkRule = Literal["", "registered", "own", "none"]
AgeRule = Literal["", "context", "described", "hinted", "mentioned", "own"]
VIEWER_MODES = ("none", "platform", "both", "door", "product")
"""Parties responsible for the age of viewers, in ascending order of our own duties. With `door`, we
admit viewers one by one and decide again for each (`issuance.preview_for_viewer`)."""


class PlaceProbe(BaseModel):
    """A destination check that must succeed before content above a rating is published to a
    surface."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    see: str
    otherwise: Reason = Reason.PLATFORM_FORBIDS
    """Reason of the refusal if the check fails."""
    above: Rating = Rating.G
    assures: bool = False
    """True if success proves that every reader of the destination is of age."""
    when: Literal["always", "generated"] = "always"
    """`generated`: required for AI-generated content only."""

    def __str__(self) -> str:
        more = [str(self.otherwise)] if self.otherwise is not Reason.PLATFORM_FORBIDS else []
        more += [f"above {self.above}"] if self.above is not Rating.G else []
        more += [f"when {self.when}"] if self.when != "always" else []
        return "; ".join([self.see, *more, *(["assures"] if self.assures else [])])


def _normalize_probe(written: object) -> object:
    return {"see": written} if isinstance(written, str) else written


class AiDisclosureRule(BaseModel):
    """The way in which AI-generated content is disclosed on a surface."""

    model_config = ConfigDict(extra="allow")
    flag: str
    text: str = "required"


class _Verified(BaseModel):
    model_config = ConfigDict(extra="forbid")
    verdicts: str
    flags: str
    ai: str


Verdicts = dict[Rating, Verdict]
_SURFACE_COLUMNS = {"reader", "links", "age_rule", "discloses"}


class MatrixRow(BaseModel):
    """A written row. A row that borrows others (`same_as`) states only the fields that differ."""

    model_config = ConfigDict(extra="allow")
    id: str
    platform: str
    surface: str
    place: PlaceKind = "post"
    people: PersonKind | None = None
    same_as: list[str] = []
    verdicts: Verdicts = {}
    flags: dict[Rating, list[str]] | None = None
    ai: AiDisclosureRule | None = None
    viewer: str = ""
    adult_link: Verdict | None = None
    probe: list[Annotated[PlaceProbe, BeforeValidator(_normalize_probe)]] | None = None
    ages: bool = True
    review_by: date | None = None
    verified: _Verified | None = None
    test_network: bool = False
    source_url: list[str] = []
    checked_on: date | None = None
    rule: str = ""
    """ID of the borrowed row in which the rule is written."""
    reader: SurfaceReader | None = None
    """The reader of a surface that needs no permit (`gate/surfaces`); None for a destination."""
    links: LinkRule = ""
    """Links that the surface may show besides our own: registered ones, none that is not ours, none
    at all. Empty: any."""
    age_rule: AgeRule = ""
    """The ages under 18 that count: beside other terms, of a described person, with hints of the
    writer, with words such as "kids", or of the writer."""
    discloses: tuple[str, ...] = ()
    """Fields in which a disclosure of AI counts. Empty: none is required."""

    @property
    def creator_verified(self) -> bool:
        """Return True if the row states that the platform verifies account holders and moderates
        content."""
        return self._extra_fields.get("creator_verified") is True

    @property
    def _extra_fields(self) -> Mapping[str, Any]:
        return self.model_extra or {}

    def digest(self) -> str:
        """Return the digest of the rule as it is written.

        The columns of surfaces are left out for destinations: re-verifications from before these
        columns existed remain valid.
        """
        left_out = _SURFACE_COLUMNS if self.reader is None else set()
        return hashlib.sha256(self.model_dump_json(exclude=left_out).encode()).hexdigest()


class _Jurisdiction(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: str
    level: Literal["L1", "L2", "L3", "L4"]
    credit_card_check: StrictBool = False
    """True if a credit-card check at the issuer counts like the level of this jurisdiction."""
    review_by: date | None = None


class _Production(BaseModel):
    """A country in which agencies produce. `own_likeness` allows own-picture releases there: it
    requires the name of the counsel who approved it, a source, and the last day on which it holds.
    """

    model_config = ConfigDict(extra="allow")
    id: str
    own_likeness: StrictBool
    before_production: bool = True
    counsel: str = ""
    source_url: str = ""
    review_by: date | None = None

    @model_validator(mode="after")
    def _check_counsel(self) -> "_Production":
        if self.own_likeness and not (
            self.counsel.strip() and self.source_url.strip() and self.review_by
        ):
            raise ValueError(f"{self.id}: own_likeness requires counsel, source_url and review_by")
        return self


class MatrixDefaults(BaseModel):
    """Rules that apply where no row does."""

    model_config = ConfigDict(extra="allow")
    unknown_platform: Verdicts
    unknown_surface: Verdicts
    unverified_cap: Verdicts
    link_unregistered: Verdict


class Matrix(BaseModel):
    """The matrix file."""

    model_config = ConfigDict(extra="forbid")
    schema_version: int
    bundle_version: str
    checked_on: date
    review_by: date
    defaults: MatrixDefaults
    rows: list[MatrixRow]
    jurisdictions: list[_Jurisdiction]
    production: list[_Production]
    duties: list[dict[str, Any]]


_RULE = (
    "verdicts",
    "flags",
    "ai",
    "viewer",
    "adult_link",
    "review_by",
    "verified",
    "place",
    "people",
)
_LENT = (*_RULE, "source_url", "checked_on")


def merge_rows(own: MatrixRow, lender: MatrixRow) -> MatrixRow:
    """Return a borrowing row with the fields of the borrowed one, except for those it states
    itself."""
    lent = {name: getattr(lender, name) for name in _LENT if name not in own.model_fields_set}
    if "creator_verified" not in (own.model_extra or {}):
        lent["creator_verified"] = lender.creator_verified
    return own.model_copy(update={**lent, "rule": lender.id})


def check_rows(listed: Iterable[MatrixRow], rows: Mapping[str, MatrixRow]) -> None:
    """Raise ValueError for a row that is incomplete, refers to an unknown row, or treats a higher
    rating less strictly than a lower one."""
    whole = {Rating.G, Rating.S, Rating.N, Rating.E}
    for row in listed:
        if row.same_as:
            missing = [name for name in row.same_as if name not in rows or rows[name].same_as]
            if missing:
                raise ValueError(
                    f"{row.id} refers to {missing}, which are missing or refer to other rows"
                )
        elif row.verdicts.keys() != whole or row.viewer not in VIEWER_MODES:
            raise ValueError(f"{row.id} has no complete verdicts or no valid viewer mode")
        elif any(
            row.verdicts[low].rank > row.verdicts[high].rank
            for low, high in pairwise(Rating)
            if high in whole
        ):
            raise ValueError(f"{row.id} allows higher ratings more than lower ones")
        if row.creator_verified and not row.same_as and not _verified_by_others(row):
            raise ValueError(
                f"{row.id} has creator_verified without a source, or on a destination of the "
                "installation"
            )
        if row.ages and not row.same_as and row.review_by is None:
            raise ValueError(f"{row.id} can expire but has no review_by date")
        if row.reader is not None and (row.ages or row.same_as or row.probe or row.flags):
            raise ValueError(f"{row.id} is a surface: it cannot expire, borrow, be checked or mark")


VERIFIED_ELSEWHERE = ("platform", "both")
"""Viewer modes of surfaces of other platforms that check their viewers."""


def _verified_by_others(row: MatrixRow) -> bool:
    source = (row.model_extra or {}).get("creator_verified_source")
    return (
        row.viewer in VERIFIED_ELSEWHERE
        and isinstance(source, Mapping)
        and bool(source.get("source_url"))
    )
