"""A Gaussian process of log milliseconds over those of the reference network, on several hosts at once.

A design takes the sum of its terms, an amount times a rate for each kind of work, times exp(f + g): f is common to all
hosts, g a host's own. Both are linear in the shares of the terms, so that they correct the rates, with an offset by
family, a smooth function of shares and size, f with an offset by design and g with a scale beside (Rasmussen and
Williams, "Gaussian Processes for Machine Learning", 2006, eq. 2.25, 2.26; leave-one-group-out by blocks as in 5.12).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitspace.latency.rates import Floats

Codes = NDArray[np.int64]
#: Code of a family or a design that nothing else is of.
UNKNOWN = -1
#: Standard deviation of what all designs on all hosts are off from the sum of their terms.
_OFFSET = 0.3
#: Designs predicted at once.
_CHUNK = 1 << 13


class TimeScales(NamedTuple):
    """Standard deviations of log milliseconds, those of a host's own part after those that are common.

    Attributes:
        rates: For a kind of work that is all of a design's.
        family: Between families.
        smooth: Of the smooth function.
        design: Of one design, alike on all hosts.
        host_scale: Between hosts.
        host_rates: As ``rates``.
        host_family: As ``family``.
        host_smooth: As ``smooth``.
        noise: Of one design on one host.
        length: Over which the smooth function bends, in standard deviations of the shares.
    """

    rates: float = 0.3
    family: float = 0.1
    smooth: float = 0.05
    design: float = 0.03
    host_scale: float = 0.1
    host_rates: float = 0.2
    host_family: float = 0.03
    host_smooth: float = 0.03
    noise: float = 0.02
    length: float = 4.0


@dataclass(frozen=True)
class TimeInputs:
    """N designs as the process reads them.

    Attributes:
        terms: Milliseconds by kind of work, by common rates, [N, kinds + 1].
        families: Codes of families, [N]; -1 is one that no other design is of.
        hosts: Codes of hosts, [N].
        designs: Codes of designs, [N]; -1 is one that was never timed.
    """

    terms: Floats
    families: Codes
    hosts: Codes
    designs: Codes

    @property
    def total(self) -> Floats:
        """Milliseconds, [N]."""
        return self.terms.sum(axis=1)

    def __len__(self) -> int:
        return len(self.terms)

    def take(self, at: Codes | slice) -> "TimeInputs":
        """Return some of them."""
        return TimeInputs(self.terms[at], self.families[at], self.hosts[at], self.designs[at])

    def asked_on(self, host: int) -> "TimeInputs":
        """Return the same on a host, as if never timed."""
        return TimeInputs(self.terms, self.families, np.full(len(self), host), np.full(len(self), UNKNOWN))


class ShareFeatures:
    """Turns terms into the features of the smooth function; its unit is the spread over measured designs."""

    def __init__(self, inputs: TimeInputs) -> None:
        shares = inputs.terms / inputs.total[:, None]
        self.unit = float(np.sqrt(shares.var(axis=0).mean())) or 1.0
        self.size = float(np.log(inputs.total).std()) or 1.0

    def __call__(self, terms: Floats) -> tuple[Floats, Floats]:
        """Return shares [N, kinds + 1] and features [N, kinds + 2]."""
        total = terms.sum(axis=1, keepdims=True)
        shares = terms / total
        return shares, np.hstack([shares / self.unit, np.log(total) / self.size])


class TimeProcess:
    """A process fitted to designs and the logarithms of their milliseconds over those of the reference.

    Args:
        scales: Its scales.
        inputs: The designs.
        logs: Logarithms of milliseconds over the reference's, [N].
        sds: Standard deviations of ``logs`` that their measurement leaves, [N].
    """

    def __init__(self, scales: TimeScales, inputs: TimeInputs, logs: Floats, sds: Floats) -> None:
        self.scales, self.inputs, self.logs, self.sds = scales, inputs, logs, sds
        self.share_features = ShareFeatures(inputs)
        self.left = logs - np.log(inputs.total)
        self.shares, self.features = self.share_features(inputs.terms)
        self.noise = scales.noise**2 + sds**2
        self.inverse = np.linalg.inv(self.covariance(self.inputs) + np.diag(self.noise))
        self.weights = self.inverse @ self.left

    def covariance(self, asked: TimeInputs) -> Floats:
        """Return the covariance with the designs that it is fitted to, [len(asked), N]."""
        s = self.scales
        shares, features = self.share_features(asked.terms)
        linear, smooth = shares @ self.shares.T, self._smooth(features)
        family, design = (_same(getattr(asked, name), getattr(self.inputs, name)) for name in ("families", "designs"))
        host = asked.hosts[:, None] == self.inputs.hosts
        common = s.rates**2 * linear + s.family**2 * family + s.smooth**2 * smooth + s.design**2 * design
        own = s.host_scale**2 + s.host_rates**2 * linear + s.host_family**2 * family + s.host_smooth**2 * smooth
        return _OFFSET**2 + common + host * own

    def variance(self, asked: TimeInputs) -> Floats:
        """Return the variance of designs before anything is known, without noise, [N]."""
        s = self.scales
        squares = (self.share_features(asked.terms)[0] ** 2).sum(axis=1)
        linear = (s.rates**2 + s.host_rates**2) * squares
        others = (_OFFSET, s.family, s.host_family, s.smooth, s.host_smooth, s.host_scale, s.design)
        return linear + sum(scale**2 for scale in others)

    def predict(self, asked: TimeInputs) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of designs' logarithms, the noise of one design in it, [N]."""
        cross = self.covariance(asked)
        told = np.einsum("ij,ij->i", cross @ self.inverse, cross)
        known = self.variance(asked) + self.scales.noise**2 - told
        return np.log(asked.total) + cross @ self.weights, np.sqrt(np.maximum(known, self.scales.noise**2))

    def mean(self, terms: Floats, families: Codes, host: int) -> Floats:
        """Return the mean of many designs' logarithms on one host, in single precision, [N]."""
        s, here = self.scales, self.inputs.hosts == host
        linear = self.weights * (s.rates**2 + here * s.host_rates**2)
        by_family = self.weights * (s.family**2 + here * s.host_family**2)
        smooth = (self.weights * (s.smooth**2 + here * s.host_smooth**2)).astype(np.float32)
        offset = float(self.weights.sum() * _OFFSET**2 + self.weights[here].sum() * s.host_scale**2)
        codes = np.arange(families.max(initial=0) + 1)
        offsets = np.append([by_family[self.inputs.families == code].sum() for code in codes], 0.0)
        parts = []
        for at in range(0, len(terms), _CHUNK):
            some = terms[at : at + _CHUNK]
            shares, features = self.share_features(some)
            corrected = shares @ (self.shares.T @ linear) + self._smooth(features, np.float32) @ smooth
            parts.append(np.log(some.sum(axis=1)) + offset + corrected + offsets[families[at : at + _CHUNK]])
        return np.concatenate(parts) if parts else np.zeros(0)

    def left_out(self, groups: Codes) -> tuple[Floats, Floats]:
        """Return each design's error, measured less predicted without those of its group, and its deviation, [N]."""
        errors, sds = np.empty(len(groups)), np.empty(len(groups))
        for group in np.unique(groups):
            at = np.flatnonzero(groups == group)
            block = np.linalg.inv(self.inverse[np.ix_(at, at)])
            errors[at] = block @ self.weights[at]
            sds[at] = np.sqrt(np.diag(block))
        return errors, sds

    def spread(self, host: int, groups: Codes) -> Floats:
        """Return the deviations of the designs on a host, predicted without those of their group, noise in it, [N]."""
        asked = self.inputs.asked_on(host)
        cross = self.covariance(asked)
        told = np.einsum("ij,ij->i", cross @ self.inverse, cross)
        for group in np.unique(groups):
            at = np.flatnonzero(groups == group)
            lost = self.inverse[at] @ cross[at].T
            told[at] -= np.einsum("ij,ij->j", lost, np.linalg.solve(self.inverse[np.ix_(at, at)], lost))
        known = self.variance(asked) + self.scales.noise**2 - told
        return np.sqrt(np.maximum(known, self.scales.noise**2))

    def likelihood(self) -> float:
        """Return the log marginal likelihood, but for a constant."""
        return float(np.linalg.slogdet(self.inverse)[1] - self.left @ self.weights) / 2

    def _smooth(self, features: Floats, dtype: type = np.float64) -> NDArray:
        """Return the smooth function's covariance over its variance, [len(features), N]."""
        a, b = features / self.scales.length, self.features / self.scales.length
        left = np.hstack([a, (a**2).sum(axis=1, keepdims=True), np.ones((len(a), 1))])
        right = np.hstack([b, np.full((len(b), 1), -0.5), -(b**2).sum(axis=1, keepdims=True) / 2])
        found: NDArray = left.astype(dtype) @ right.astype(dtype).T
        return np.exp(np.minimum(found, 0, out=found), out=found)


def _same(a: Codes, b: Codes) -> NDArray[np.bool_]:
    """Return which codes are the same, unknown ones like no other, [len(a), len(b)]."""
    return (a[:, None] == b) & (a != UNKNOWN)[:, None]
