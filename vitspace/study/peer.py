"""A public network beside the designs of a study."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class StudyPeer:
    """A network of timm with its published top-1, timed where and as the study's designs are.

    Attributes:
        name: timm's name, with the tag of the weights that the top-1 is of.
        img_size: Side in pixels of the images that the top-1 is of, and that it is counted and timed for.
        params: Parameters.
        macs: Multiply-adds.
        top1: Published ImageNet-1k top-1, %; None where none is known.
        recipe: How it was trained, in words.
        like_for_like: Whether that is the usual recipe, as estimates are of.
        source: Where the top-1 stands.
        latency: As of a trial; empty where it is not timed.
        why: Why it is not.
        seconds: What timing it took; 0 where it was timed before.
    """

    name: str
    img_size: int
    params: int
    macs: int
    top1: float | None = None
    recipe: str = ""
    like_for_like: bool = False
    source: str = ""
    latency: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    seconds: float = 0.0

    @property
    def latency_ms(self) -> float | None:
        """Median milliseconds, or None."""
        return self.latency.get("median_ms")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for storage."""
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """Return what `vitspace search --json` prints."""
        row = {name: value for name, value in self.to_dict().items() if name not in ("latency", "top1")}
        timed = {f"latency_{name}": self.latency.get(name) for name in ("measured_ms", "low_ms", "high_ms")}
        return row | {"published_top1": self.top1, "latency_ms": self.latency_ms, **timed}
