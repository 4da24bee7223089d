"""The gates that a candidate passes, cheapest first; it is rejected at the first that can."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from vitspace.accuracy.evidence import Evidence
from vitspace.accuracy.mixing import mixes
from vitspace.accuracy.posterior import posterior
from vitspace.accuracy.predictor import predictor
from vitspace.anchors import anchor
from vitspace.budget import Budget
from vitspace.doubt import facts_of, warn_of_doubt
from vitspace.image_sizes import ImageSize
from vitspace.latency import LatencySettings, measure, predicted_violation
from vitspace.machine.host import fingerprint, versions
from vitspace.machine.quiet import seconds_waited, takes_turns
from vitspace.machine.threads import wait_policy
from vitspace.plots.names import readable_name
from vitspace.proxies import Laddered, Proxy, Score, checked_score
from vitspace.searching.latency import budget_device, predicted_latency, verdict
from vitspace.searching.rungs import EntersRungs
from vitspace.sized import size_of
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.study.store import storable
from vitspace.study.trial import State, Trial
from vitspace.study.troubles import StorageError
from vitspace.words import cause

_log = logging.getLogger(__name__)

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Evaluator:
    """What a study measures of every design.

    Attributes:
        space: Gives the size of image, at which designs without one of their own are costed, timed and estimated; of a
            dense task, at which they are estimated.
        budget: Limits on multiply-adds, params and latency.
        proxy: Gives the score.
        seed: The proxy's seed, the same for every design, so that they are compared on the same draw.
        command: The command line that runs it, for the record.
        evidence: What the proxy's score tells of a design's top-1; None where the score itself is what is searched by.
    """

    space: Space
    budget: Budget
    proxy: Proxy
    seed: int = 0
    latency: LatencySettings = field(default_factory=LatencySettings)
    command: str = ""
    evidence: Evidence | None = None

    def describe_accuracy(self) -> dict[str, Any]:
        """Return what a score is, for the record."""
        if self.evidence is None:
            return {}
        known = {"evidence": self.evidence.words(), "weight": self.evidence.weight}
        return known | {"predictor": predictor().digest}

    def size_of(self, spec: Spec) -> ImageSize:
        """Return the size of image that a design is for."""
        return size_of(spec, self.space.resolution)

    def timing_of(self, spec: Spec) -> LatencySettings:
        """Return the settings of a design's timing, at its size of image, or of its whole network for a dense task."""
        return replace(self.latency, img_size=self.size_of(spec))

    def score(self, spec: Spec, seed: int, on_step: OnStep | None = None) -> Score:
        """Return the proxy's score of a design.

        Raises:
            ProxyError: it cannot be scored.
        """
        return self.proxy.score(self.space.as_written(spec), seed, on_step)

    def evaluate(
        self,
        number: int,
        spec: Spec,
        anchor: str | None = None,
        on_step: OnStep | None = None,
        rungs: EntersRungs | None = None,
    ) -> Trial:
        """Return the trial of a spec: complete or undecided, or rejected or failed with the reason.

        Args:
            number: The trial's number.
            spec: The design.
            anchor: The published row that the design is.
            on_step: Told how far the proxy is.
            rungs: Where the design stands among others at each rung of a proxy that has rungs.

        Raises:
            StorageError: where the rungs are kept is out of reach.
        """
        start, waited = time.perf_counter(), seconds_waited()
        trial = self.trial(number, "complete", spec, anchor=anchor)
        try:
            trial = self._measure(self._looked_at(trial, spec), spec)
            if trial.complete:
                trial = self._judged(self._score(trial, spec, on_step, rungs))
        except StorageError:
            raise
        except Exception as error:
            # Whatever a design does to its evaluation, the study records it and goes on.
            _log.debug("trial %s failed", number, exc_info=True)
            trial = replace(trial, state="failed", why=cause(error))
        seconds, waited = time.perf_counter() - start, seconds_waited() - waited
        return replace(trial, seconds=seconds, details=trial.details | {"waited_seconds": waited})

    def trial(
        self, number: int, state: State, spec: Spec | None = None, why: str = "", anchor: str | None = None
    ) -> Trial:
        """Return a trial that says what it takes to run it again, and who ran it where; see `Trial`'s attributes."""
        how: dict[str, Any] = {"threads": torch.get_num_threads(), "wait_policy": wait_policy()}
        how |= {} if takes_turns() else {"takes_turns": False}
        run = {"command": self.command, "pid": os.getpid(), **how, "versions": versions()}
        return Trial(number, state, spec, why, anchor, seed=self.seed, details={"run": run, "host": fingerprint()})

    def _looked_at(self, trial: Trial, spec: Spec) -> Trial:
        """Reject a design of no published result in which too few positions of the map meet."""
        if self.evidence is None or trial.anchor or mixes(spec, self.size_of(spec)):
            return trial
        return replace(
            trial, state="invalid", why="the blocks let too few positions of the map meet, which no estimate sees"
        )

    def _measure(self, trial: Trial, spec: Spec) -> Trial:
        """Pass the gates of cost and latency."""
        if not trial.complete:
            return trial
        size, settings = self.size_of(spec), self.timing_of(spec)
        costs = self.space.cost(spec)
        trial = replace(trial, params=costs.params, macs=costs.macs)
        if why := self.budget.violation(macs=costs.macs, params=costs.params):
            return replace(trial, state="over_budget", why=why)
        if why := predicted_violation(spec, settings, self.budget):
            return replace(trial, state="over_budget", why=why)
        if device := budget_device(self.budget, size):
            return self._within(replace(trial, latency=predicted_latency(device, spec, self.budget)))
        began = time.perf_counter() - seconds_waited()
        latency = measure(spec, settings)
        seconds = time.perf_counter() - seconds_waited() - began
        warn_of_doubt(readable_name(trial.anchor) if trial.anchor else f"design {trial.number}", latency)
        details = trial.details | {"timed_seconds": seconds, "export_seconds": latency.prepare_seconds}
        return self._within(replace(trial, latency=facts_of(latency), details=details))

    def _within(self, trial: Trial) -> Trial:
        """Reject a design whose latency's whole interval is over the budget."""
        state, why = verdict(trial.latency, self.budget)
        trial = replace(trial, latency_ms=trial.latency["median_ms"])
        return replace(trial, state=state, why=why) if state == "over_budget" else trial

    def _judged(self, trial: Trial) -> Trial:
        """Return a scored trial as undecided where its latency's interval holds a limit of the budget."""
        state, why = verdict(trial.latency, self.budget) if trial.complete else (trial.state, trial.why)
        return replace(trial, state=state, why=why)

    def _score(self, trial: Trial, spec: Spec, on_step: OnStep | None, rungs: EntersRungs | None) -> Trial:
        """Score a design that fits; at every rung, where the proxy has several, until others are better."""
        trained: list[dict[str, Any]] = []
        ladder = self.proxy if rungs and isinstance(self.proxy, Laddered) else None
        proxies = ladder.rungs if ladder else (self.proxy,)
        for number, proxy in enumerate(proxies):
            score = proxy.score(self.space.as_written(spec), self.seed, on_step)
            value = checked_score(score.value)
            trained.append({"rung": getattr(proxy, "name", ""), "score": value, "seconds": float(score.seconds)})
            details = trial.details | storable({"proxy_seconds": score.seconds, **score.details})
            highest = number + 1 == len(proxies)
            trial = replace(trial, details=details, proxy_score=value)
            # What is known of the evidence is known of the highest rung's scores.
            trial = self._scored(trial, spec, value, told=highest)
            if rungs and ladder and not highest:
                # A rung compares what was trained there.
                place = rungs.enter(number, (-value, *trial.point[1:]), ladder.keep)
                trained[-1] |= {"place": place.place, "of": place.of}
                if not (place.promoted or trial.anchor):
                    where = f"number {place.place} of {place.of}, and the first {place.kept} go on"
                    why = f"at {trained[-1]['rung']} it is {where}"
                    trial = replace(trial, state="pruned", why=why)
                    break
        return replace(trial, details=trial.details | {"rungs": trained}) if len(proxies) > 1 else trial

    def _scored(self, trial: Trial, spec: Spec, value: float, told: bool) -> Trial:
        """Return a trial with its score: the proxy's number, or the estimate in points that it is evidence for."""
        if self.evidence is None:
            return replace(trial, score=value)
        size = self.size_of(spec)
        found = posterior(spec, self.evidence, value if told else None, size, self._published(trial, size))
        estimate = asdict(found)
        mean, sd = estimate.pop("mean"), estimate.pop("sd")
        return replace(trial, score=mean, score_std=sd, estimate=estimate)

    def _published(self, trial: Trial, img_size: ImageSize) -> float | None:
        """Return the published top-1 of an anchor, %; None of any other design, and at any other size of image.

        None of ablation rows, too, whose recipes are often not those of their family's published networks.
        """
        row = anchor(trial.anchor) if trial.anchor else None
        stands = row is not None and row.role == "anchor" and row.resolution == img_size
        return row.published.get("top1") if row and stands else None
