"""What was counted of the stages of many designs, as arrays."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vitspace.costs.networks import cost
from vitspace.image_sizes import ImageSize
from vitspace.spec import NATIVE_SIZE, Spec

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class StageCosts:
    """N designs of S stages.

    Attributes:
        names: Families that stages may be of.
        families: Of each stage the number of its family among the names, [N, S].
        dims: Channels of the map that it puts out, [N, S].
        strides: Pixels of the image a side of a position of that map, [N, S].
        params: Parameters, [N, S].
        macs: Multiply-adds, [N, S].
    """

    names: tuple[str, ...]
    families: Ints
    dims: Ints
    strides: Ints
    params: Ints
    macs: Ints

    @classmethod
    def zeros(cls, names: tuple[str, ...], shape: tuple[int, int]) -> "StageCosts":
        """Return arrays [N, S] to be filled."""
        return cls(names, *(np.zeros(shape, dtype=np.int64) for _ in fields(cls)[1:]))

    @classmethod
    def of(cls, spec: Spec, img_size: ImageSize = NATIVE_SIZE) -> "StageCosts":
        """Return those of one design.

        Raises:
            InputError: a side of the image is too small or too large.
        """
        counts = cost(spec, img_size).counts
        assert counts is not None
        names = tuple(dict.fromkeys(stage.family for stage in spec.stages))
        found = cls.zeros(names, (1, len(spec.stages)))
        for at, (stage, (depth, count)) in enumerate(zip(spec.stages, counts[1], strict=True)):
            whole = count.deep(depth)
            of_stage = (names.index(stage.family), count.shape[1], count.stride, whole.params, whole.macs)
            for field, value in zip(fields(cls)[1:], of_stage, strict=True):
                getattr(found, field.name)[0, at] = value
        return found

    def __getitem__(self, at: NDArray[np.bool_] | Ints) -> "StageCosts":
        return StageCosts(self.names, *(getattr(self, field.name)[at] for field in fields(self)[1:]))

    def __setitem__(self, at: NDArray[np.bool_] | Ints, stages: "StageCosts") -> None:
        """Fill in the stages of some designs, of the same families."""
        for field in fields(self)[1:]:
            getattr(self, field.name)[at] = getattr(stages, field.name)
