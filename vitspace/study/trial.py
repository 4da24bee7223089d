"""One spec evaluated in a study: its costs, latency, score and state."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from vitspace.image_sizes import ImageSize, plain_size
from vitspace.sized import SizedSpec
from vitspace.spec import Spec
from vitspace.units import format_score

State = Literal["complete", "over_budget", "invalid", "duplicate", "pruned", "failed", "undecided"]


@dataclass(frozen=True, repr=False)
class Trial:
    """One evaluation, or one rejection.

    Attributes:
        number: Its number in the study.
        state: complete, or why it is not; ``why`` says it in words. undecided: its latency's interval holds the
            budget's limit, so that it is neither accepted nor rejected until it is timed again.
        spec: The design; None where the axes' values make none.
        anchor: Id of the published row that this design is, or None.
        img_size: The size of image that the design is for, in a study of several; None in others.
        params: Parameters.
        macs: Multiply-adds at the trial's size of image, or else the study's.
        latency_ms: Median CPU latency, with p10_ms and p90_ms in ``latency``; there ``machine`` is where it was timed
            again.
        score: Estimated ImageNet-1k top-1 in points, or of a study whose accuracy is ``proxy`` the proxy's own number;
            higher is better.
        score_std: Its standard deviation.
        proxy_score: What the proxy measured, higher is better.
        estimate: What the estimate rests on: ``prior`` and ``prior_sd`` (without the design's own published result),
            ``low90``, ``high90``, ``inside``, ``outside``, ``nearest``, ``published``, ``shift`` by the proxy's score.
        seconds: Wall time of the evaluation.
        seed: The proxy's seed.
        details: What else the proxy says (accuracy, curve), the host and the versions.
    """

    number: int
    state: State
    spec: Spec | None = None
    why: str = ""
    anchor: str | None = None
    params: int | None = None
    macs: int | None = None
    latency_ms: float | None = None
    latency: dict[str, Any] = field(default_factory=dict)
    score: float | None = None
    score_std: float | None = None
    proxy_score: float | None = None
    estimate: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    seed: int = 0
    details: dict[str, Any] = field(default_factory=dict)
    img_size: ImageSize | None = None

    def __post_init__(self) -> None:
        if isinstance(self.spec, SizedSpec):
            object.__setattr__(self, "img_size", self.spec.img_size)

    @property
    def complete(self) -> bool:
        """Whether all objectives were measured."""
        return self.state == "complete"

    @property
    def counts(self) -> bool:
        """Whether it is one of the trials that its study was asked for: complete, or undecided with a score."""
        return self.complete or (self.state == "undecided" and self.score is not None)

    @property
    def evaluated(self) -> bool:
        """Whether its design was timed or scored, or failed at that: doing it again would tell nothing new."""
        return self.counts or self.state == "failed" or self.latency_ms is not None

    @property
    def latency_doubt(self) -> str:
        """Why the latency is unsure, or an empty string."""
        return self.latency.get("doubt") or ""

    @property
    def latency_shortfall(self) -> str:
        """By how much the runs miss the precision that was asked for, and why, or an empty string."""
        return self.latency.get("shortfall") or ""

    @property
    def timed_on(self) -> dict[str, Any]:
        """Host and processor that the latency is of: where it was timed again, or else where it was evaluated."""
        return self.latency.get("machine") or self.details.get("host") or {}

    @property
    def published_top1(self) -> float | None:
        """Published ImageNet-1k top-1, %, of an anchor; None of other designs and of studies of a proxy's scores."""
        return self.estimate.get("published")

    @property
    def point(self) -> tuple[float, float, float]:
        """The objectives to be minimised: -score, multiply-adds, milliseconds."""
        assert self.score is not None and self.macs is not None and self.latency_ms is not None
        return -self.score, float(self.macs), self.latency_ms

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for storage."""
        return asdict(self) | {"spec": self.spec.to_dict() if self.spec else None}

    def __repr__(self) -> str:
        """Return one line: a trial holds more than a notebook's cell should show."""
        name = self.anchor or (self.spec.id if self.spec else "no design")
        if not self.complete:
            return f"<Trial {self.number}, {name}: {self.state}: {self.why}>"
        loss, macs, ms = self.point
        what = "estimated top-1" if self.estimate else "score"
        return f"<Trial {self.number}, {name}: {macs / 1e9:.2f}G FLOPs, {ms:.1f} ms, {what} {format_score(-loss)}>"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Trial":
        """Read what `to_dict` wrote."""
        spec = Spec.from_dict(data["spec"]) if data["spec"] else None
        size = plain_size(data["img_size"]) if data.get("img_size") else None
        return cls(**{**data, "img_size": size, "spec": SizedSpec.of(spec, size) if spec and size else spec})

    def summary(self) -> dict[str, Any]:
        """Return the fields that `vitspace search --json` prints."""
        names = ("number", "anchor", "state", "why", "img_size", "params", "macs", "latency_ms")
        scores = ("score", "score_std", "proxy_score", "published_top1")
        row = {name: getattr(self, name) for name in (*names, *scores)}
        spec_id, family = (self.spec.id, self.spec.family) if self.spec else (None, None)
        timed = {name: self.latency.get(name) for name in ("measured_ms", "low_ms", "high_ms")}
        row |= {f"latency_{name}": value for name, value in timed.items()}
        return row | {"spec_id": spec_id, "family": family, "seconds": self.seconds, "seed": self.seed}
