"""Generated images of fractals, so that a study needs no download.

A class is one iterated function system: two to four affine maps of the plane, whose attractor is drawn by the chaos
game (Barnsley; as training data: Kataoka et al., "Pre-training without natural images", ACCV 2020). Its images differ
by small changes to the maps, a rotation, a reflection, and two colours. Maps are drawn by the singular values of
their linear part, within the range in which attractors have visible structure (Anderson and Farrell, "Improving Fractal
Pre-training", WACV 2022, section 3.1); systems whose attractor fills too little or too much are drawn again.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vitspace.data._base import DataRequest, Dataset, check_room
from vitspace.errors import InputError, shown

CLASSES, MAX_CLASSES = 20, 1000
TRAIN_IMAGES, VAL_IMAGES = 12_000, 2_000
_MAX_MAPS, _MAX_SCALE, _MIN_DETERMINANT = 4, 0.95, 0.02
_OCCUPANCY = (0.12, 0.7)
_CHAINS, _BURN_IN = 128, 10
_BATCH = 64

Array = NDArray[np.float32]


@dataclass(frozen=True)
class System:
    """N maps x -> R(turn) diag(scale) R(frame) diag(1, sign) x + shift.

    Attributes:
        turn: Angles [N].
        frame: Angles [N].
        scale: Singular values [N, 2].
        sign: 1, or -1 for a map that reflects, [N].
        shift: [N, 2].
    """

    turn: Array
    frame: Array
    scale: Array
    sign: Array
    shift: Array

    def maps(self) -> Array:
        """Coefficients (a, b, c, d, e, f) of x' = ax + by + e, y' = cx + dy + f: [..., N, 6]."""
        ct, st, cf, sf = np.cos(self.turn), np.sin(self.turn), np.cos(self.frame), np.sin(self.frame)
        s1, s2 = self.scale[..., 0], self.scale[..., 1]
        a, b = ct * s1 * cf - st * s2 * sf, -ct * s1 * sf - st * s2 * cf
        c, d = st * s1 * cf + ct * s2 * sf, -st * s1 * sf + ct * s2 * cf
        linear = np.stack([a, b * self.sign, c, d * self.sign], -1)
        return np.concatenate([linear, self.shift], -1).astype(np.float32)

    def weights(self) -> NDArray[np.float64]:
        """Chance of each map, by its determinant, [N]."""
        areas = np.maximum(np.abs(self.scale.prod(-1)), _MIN_DETERMINANT).astype(np.float64)
        return areas / areas.sum()

    def varied(self, count: int, amount: float, rng: np.random.Generator) -> "System":
        """Return ``count`` systems near this one: arrays [count, N, ...]."""

        def near(values: Array, by: float) -> Array:
            return values + rng.normal(0, by * amount, (count, *values.shape)).astype(np.float32)

        scale = np.minimum(self.scale * near(np.ones_like(self.scale), 1.0), _MAX_SCALE)
        sign = np.broadcast_to(self.sign, (count, *self.sign.shape))
        return System(near(self.turn, 1.0), near(self.frame, 1.0), scale, sign, near(self.shift, 1.0))


def check(argument: str) -> None:
    """Raise InputError unless the argument is empty or a number of classes."""
    if argument and not (argument.isdecimal() and 2 <= int(argument) <= MAX_CLASSES):
        raise InputError(f"fractal's classes are a number from 2 to {MAX_CLASSES}, but got {shown(argument)}")


def load(argument: str, request: DataRequest) -> Dataset:
    """Generate the data set; classes do not depend on the number of images, and each split is drawn by itself."""
    classes = int(argument or CLASSES)
    counts = request.max_train or TRAIN_IMAGES, request.max_val or VAL_IMAGES
    check_room(sum(counts), request.img_size)
    systems = [draw_system(np.random.default_rng([request.seed, 0, label])) for label in range(classes)]
    train, val = (_split(systems, request, split, count) for split, count in enumerate(counts, start=1))
    names = tuple(f"fractal_{label:03d}" for label in range(classes))
    return Dataset("fractal" + (f":{argument}" if argument else ""), *train, *val, names)


def draw_system(rng: np.random.Generator) -> System:
    """Draw a system whose attractor fills neither too little nor too much of the image."""
    while True:
        system = _candidate(rng)
        if system is None:
            continue
        drawn = _density(system.maps()[None], system.weights(), 32, rng) > 0
        if _OCCUPANCY[0] <= drawn.mean() <= _OCCUPANCY[1]:
            return system


def render(system: System, count: int, img_size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw ``count`` images near a system: [count, 3, img_size, img_size]."""
    maps = system.varied(count, 0.03, rng).maps()
    density = _density(maps, system.weights(), img_size, rng)
    shade = np.log1p(density) / np.log1p(density.max((1, 2), keepdims=True))
    shade = 0.35 * (shade > 0) + 0.65 * shade
    ink = rng.uniform(0.4, 1.0, (count, 3, 1, 1)).astype(np.float32)
    paper = rng.uniform(0.0, 0.3, (count, 3, 1, 1)).astype(np.float32)
    image = paper + (ink - paper) * shade[:, None]
    return np.rint(image * 255).astype(np.uint8)


def _candidate(rng: np.random.Generator) -> System | None:
    """Draw maps, or return None if one contracts too little or flattens too much."""
    count = int(rng.integers(2, _MAX_MAPS + 1))
    scale = np.sort(rng.uniform(0.05, 1.0, (count, 2)), axis=1)[:, ::-1]
    target = rng.uniform(5 + count, 6 + count) / 2
    scale = scale * (target / (scale @ [1, 2]).sum())
    if scale.max() > _MAX_SCALE or scale.prod(1).min() < _MIN_DETERMINANT:
        return None
    turn, frame = rng.uniform(-np.pi, np.pi, (2, count))
    sign = rng.choice([-1.0, 1.0], count)
    shift = rng.uniform(-1, 1, (count, 2))
    return System(*(values.astype(np.float32) for values in (turn, frame, scale, sign, shift)))


def _density(maps: Array, weights: NDArray[np.float64], img_size: int, rng: np.random.Generator) -> Array:
    """Play the chaos game for M systems [M, N, 6] at once: points in each pixel [M, img_size, img_size]."""
    M, N, _ = maps.shape
    steps = max(4, img_size * img_size // _CHAINS)
    table, rows = maps.reshape(M * N, 6), np.arange(M)[:, None] * N
    x = y = np.zeros((M, _CHAINS), np.float32)
    xs = np.empty((steps, M, _CHAINS), np.float32)
    ys = np.empty_like(xs)
    choices = rng.choice(N, (_BURN_IN + steps, M, _CHAINS), p=weights)
    for step, choice in enumerate(choices, start=-_BURN_IN):
        a, b, c, d, e, f = np.moveaxis(table[rows + choice], -1, 0)
        x, y = a * x + b * y + e, c * x + d * y + f
        if step >= 0:
            xs[step], ys[step] = x, y
    return _histogram(*_turned(xs, ys, rng), img_size)


def _turned(xs: Array, ys: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Turn each system's points [steps, M, chains] by a small angle; half of them are mirrored."""
    angle = rng.uniform(-0.4, 0.4, (xs.shape[1], 1)).astype(np.float32)
    mirror = rng.choice(np.array([-1, 1], np.float32), (xs.shape[1], 1))
    xs = (xs * mirror).astype(np.float32)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    return cos * xs - sin * ys, sin * xs + cos * ys


def _histogram(xs: Array, ys: Array, img_size: int) -> Array:
    """Count points [steps, M, chains] on a grid that their bounding square fills: [M, img_size, img_size]."""
    M = xs.shape[1]
    low = np.stack([xs.min((0, 2)), ys.min((0, 2))])
    high = np.stack([xs.max((0, 2)), ys.max((0, 2))])
    side = np.maximum((high - low).max(0), 1e-6)
    corner = (high + low - side) / 2
    scale = ((img_size - 1) / side)[:, None]
    columns = ((xs - corner[0][:, None]) * scale + 0.5).astype(np.int64)
    lines = ((ys - corner[1][:, None]) * scale + 0.5).astype(np.int64)
    pixels = (np.arange(M)[:, None] * img_size + lines) * img_size + columns
    counts = np.bincount(pixels.ravel(), minlength=M * img_size * img_size)
    return counts.reshape(M, img_size, img_size).astype(np.float32)


def _split(systems: list[System], request: DataRequest, split: int, total: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw ``total`` images over all systems: uint8 [total, 3, H, W] and int64 [total]."""
    share, extra = divmod(total, len(systems))
    images, labels = [], []
    for label, system in enumerate(systems):
        rng = np.random.default_rng([request.seed, split, label])
        count = share + (label < extra)
        for start in range(0, count, _BATCH):
            images.append(render(system, min(_BATCH, count - start), request.img_size, rng))
        labels.append(np.full(count, label))
    return torch.from_numpy(np.concatenate(images)), torch.from_numpy(np.concatenate(labels))
