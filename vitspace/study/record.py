"""A study as it is stored, and its front."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from vitspace.image_sizes import ImageSize, plain_size
from vitspace.pareto import non_dominated, normalised_hypervolume
from vitspace.spec import NATIVE_SIZE
from vitspace.study.config import StudyConfig
from vitspace.study.learning import far_behind
from vitspace.study.peer import StudyPeer
from vitspace.study.storage import DEFAULT_STORAGE
from vitspace.study.trial import Trial

OBJECTIVES = ("score", "GFLOPs", "latency ms")


@dataclass(frozen=True)
class StudyRecord:
    """What a report is drawn from.

    Attributes:
        name: The study's name.
        config: What it was asked.
        trials: All trials, rejected ones included, by number.
        resolved: The settings behind the config's names: the proxy's recipe, the space's file, the machine.
        screening: What was screened before the first trial: ``designs``, how many; ``seconds``; ``cloud``,
            multiply-adds and estimated top-1 of some of them; ``chosen``, ids of the designs that it chose, where that
            was kept; ``wanted``, how many were asked for, and ``filled``, how many of the chosen stand beside others in
            cost; empty where nothing was screened.
        peers: Public networks beside its designs, by FLOPs.
        reference: What calibrates the scores: ``chance_loss``, ``spec_id`` of the reference design, its ``scores``
            for several seeds, ``noise`` (their standard deviation).
        reference_point: The largest -score, multiply-adds and milliseconds that count for the hypervolume.
        used_up: Whether the space holds no further design within the budget.
        seconds: Wall time of the searching so far.
        storage: The journal file or database URL that it was read from, without a password.
    """

    name: str
    config: StudyConfig
    trials: list[Trial]
    resolved: dict[str, Any] = field(default_factory=dict)
    screening: dict[str, Any] = field(default_factory=dict)
    peers: list[StudyPeer] = field(default_factory=list)
    reference: dict[str, Any] = field(default_factory=dict)
    reference_point: tuple[float, float, float] | None = None
    used_up: bool = False
    seconds: float = 0.0
    storage: str = DEFAULT_STORAGE

    @cached_property
    def completed(self) -> list[Trial]:
        """Trials with all objectives."""
        return [trial for trial in self.trials if trial.complete]

    @cached_property
    def counted(self) -> list[Trial]:
        """Trials that the study was asked for: completed ones, and undecided ones with a score."""
        return [trial for trial in self.trials if trial.counts]

    @cached_property
    def front(self) -> list[Trial]:
        """Non-dominated trials, by multiply-adds."""
        mask = non_dominated([trial.point for trial in self.completed])
        chosen = [trial for trial, keep in zip(self.completed, mask, strict=True) if keep]
        return sorted(chosen, key=lambda trial: trial.point[1])

    @cached_property
    def anchors(self) -> list[Trial]:
        """Completed trials that are published designs."""
        return [trial for trial in self.completed if trial.anchor]

    @cached_property
    def far_behind(self) -> dict[int, Trial]:
        """By number, searched designs that learn far less in the short training than published ones nearest in FLOPs.

        Each with that network; see `vitspace.study.learning`. Empty where scores are a proxy's own numbers, which say
        so themselves, and where nothing is trained.
        """
        chance, proxy = self.reference.get("chance_loss"), self.told("proxy")
        if not self.in_points or chance is None or proxy.get("trains") is False or proxy.get("rests_on"):
            return {}
        return far_behind(self.completed, chance)

    @property
    def seconds_by_step(self) -> dict[str, float]:
        """Seconds of each step that was taken: ``screening``, ``timing``, ``proxy`` and ``peers``.

        Those of the trials are added up, whichever ran at once; ``peers`` are public networks that this study timed.
        """
        details = [trial.details for trial in self.trials]
        scored = [each.get("rungs") or [{"seconds": each.get("proxy_seconds")}] for each in details]
        found = {
            "screening": self.screening.get("seconds", 0.0),
            "timing": sum(each.get("timed_seconds") or 0.0 for each in details),
            "proxy": sum(rung.get("seconds") or 0.0 for rungs in scored for rung in rungs),
            "peers": sum(peer.seconds for peer in self.peers),
        }
        return {step: seconds for step, seconds in found.items() if seconds}

    @cached_property
    def hypervolume(self) -> float:
        """Share of the box between `ideal` and the reference point that the front dominates, 0 to 1."""
        return self.volume(self.completed)

    @cached_property
    def digest(self) -> str:
        """A short hash of all that is stored, the designs left out, which a trial never changes."""
        facts = {name: value for name, value in vars(self).items() if name in {f.name for f in fields(self)}}
        trials = [vars(trial) | {"spec": None} for trial in self.trials]
        facts |= {"peers": [peer.to_dict() for peer in self.peers]}
        text = json.dumps(facts | {"trials": trials, "config": self.config.model_dump()}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def told(self, part: str) -> dict[str, Any]:
        """Return what was resolved of a part: accuracy, device, machine, proxy or space; empty where nothing was."""
        return self.resolved.get(part) or {}

    @property
    def img_size(self) -> ImageSize:
        """Side of the image in pixels, or (height, width), that costs, latencies and estimates are for.

        Of a study of several sizes, the one that its space is written for; see `size_of`.
        """
        return plain_size(self.told("space").get("resolution") or NATIVE_SIZE)

    @property
    def task(self) -> dict[str, Any]:
        """The dense task that designs are for: its name, size and number of classes; empty of classification."""
        task: dict[str, Any] = self.told("space").get("task") or {}
        return task

    @property
    def counted_size(self) -> ImageSize:
        """The size of image that costs and latencies are for; estimates of a dense task are for ``img_size``."""
        return plain_size(self.task["size"]) if self.task else self.img_size

    @property
    def sizes(self) -> tuple[ImageSize, ...]:
        """Sizes of image of the study's designs; several where they are an axis of the search."""
        return self.config.sizes if len(self.config.sizes) > 1 else (self.img_size,)

    def size_of(self, trial: Trial) -> ImageSize:
        """Return the size of image that a trial's design is for."""
        return trial.img_size or self.img_size

    @property
    def in_points(self) -> bool:
        """Whether scores are estimates of ImageNet-1k top-1 in points, rather than a proxy's numbers."""
        return self.config.accuracy == "estimate"

    @property
    def ideal(self) -> tuple[float, float, float]:
        """The corner of the hypervolume's box across from the reference point."""
        if self.in_points:
            return -100.0, 0.0, 0.0
        # A positive score has no best: twice the reference design's stands in for it.
        best = min([0.0, *(-2 * score for score in (self.reference.get("scores") or [])[:1])])
        return best, 0.0, 0.0

    def volume(self, trials: Sequence[Trial]) -> float:
        """The hypervolume of some completed trials alone."""
        if self.reference_point is None or not trials:
            return 0.0
        return normalised_hypervolume([t.point for t in trials], self.ideal, self.reference_point)

    def summary(self, trial: Trial) -> dict[str, Any]:
        """Return what `vitspace search --json` prints of a trial."""
        like = self.far_behind.get(trial.number)
        return trial.summary() | {"learns_far_less_than": like.anchor if like else None}

    def to_json(self, report: str | None = None) -> dict[str, Any]:
        """Return what `vitspace search --json` and `vitspace report --json` print."""
        counted_at = [self.counted_size] if self.task else self.sizes
        sizes = [list(size) if isinstance(size, tuple) else size for size in counted_at]
        return {
            "study": self.name,
            "space": self.config.space,
            "budget": self.config.budget,
            "task": self.config.task,
            "img_size": sizes[0] if len(sizes) == 1 else None,
            "img_sizes": sizes,
            "device": self.config.limits.device or None,
            "proxy": self.config.proxy,
            "engine": self.config.engine,
            "seed": self.config.seed,
            "trials": [self.summary(trial) for trial in self.trials],
            "front": [trial.number for trial in self.front],
            "anchors": [trial.number for trial in self.anchors],
            "peers": [peer.summary() for peer in self.peers],
            "hypervolume": self.hypervolume,
            "reference_point": list(self.reference_point) if self.reference_point else None,
            "reference": self.reference,
            "accuracy": self.config.accuracy,
            "screened": self.screening.get("designs", 0),
            "report": report,
            "seconds": self.seconds,
            "seconds_by_step": self.seconds_by_step,
        }
