"""What the predictor reads of a network, from what was counted of it.

All are logarithms, shares or small counts; ``density`` is params for each multiply-add of an image of 224 pixels. `LAW`
holds those of the law of size and depth, `SHAPE` those of the model that sees where a network spends its parameters and
multiply-adds. The first two of both are the sizes.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.table import COUNTED
from vitspace.costs.makeup import UNIT
from vitspace.spec import NATIVE_SIZE

Array = NDArray[np.float64]

#: params, multiply-adds, tensors of two or more dimensions (log10); test size over training size (log2).
LAW = ("params", "macs", "weights", "test_size")
SHAPE = (
    *("params", "macs", "activations", "tensors", "log_sizes", "chain", "residuals", "image"),
    *("dense", "grouped", "products", "attention", "softmax_share", "keys_share"),
    *("at_4", "at_16", "at_32", "params_at_32", "params_pooled", "pooled", "test_size"),
)
#: Those that grow with depth.
DEEP = ("weights", "tensors", "log_sizes", "chain", "residuals")
_LOGS = ("params", "macs", "activations", "tensors", "weights", "chain")


@dataclass(frozen=True)
class Features:
    """Named features of N networks, each [N]."""

    columns: dict[str, Array]

    def of(self, names: tuple[str, ...]) -> Array:
        """Return some of them, [N, len(names)]."""
        return np.stack([self.columns[name] for name in names], axis=1)

    def __len__(self) -> int:
        return len(self.columns["params"])

    def changed(self, columns: dict[str, Array]) -> "Features":
        """Return the same with some columns changed."""
        return replace(self, columns=self.columns | columns)


def features(
    counted: NDArray[np.int64], train_size: Array | float = NATIVE_SIZE, img_size: Array | None = None
) -> Features:
    """Work out the features of N networks.

    Args:
        counted: What was counted, [N, len(COUNTED)], for an image of the training size.
        train_size: Side of the images in training, pixels; of a rectangle, that of the square of its area.
        img_size: At the test; None is as in training.
    """
    c = dict(zip(COUNTED, counted.T.astype(float), strict=True))
    macs, params = np.maximum(c["macs"], 1), np.maximum(c["params"], 1)
    mixing = c["spatial"] + c["softmaxes"] + 1
    size = np.broadcast_to(np.asarray(train_size, dtype=float), macs.shape)
    test = size if img_size is None else np.asarray(img_size, dtype=float)
    columns = {name: np.log10(np.maximum(c[name], 1)) for name in _LOGS}
    columns |= {
        "log_sizes": np.log10(np.maximum(c["log_sizes"] / UNIT, 1)),
        "residuals": np.log10(c["residuals"] + 1),
        "image": np.log2(size / NATIVE_SIZE),
        "density": np.log10(params / macs) + 2 * np.log10(size / NATIVE_SIZE),
        "dense": c["macs_dense"] / macs,
        "grouped": c["macs_grouped"] / macs,
        "products": c["macs_products"] / macs,
        "attention": (c["products"] > 0).astype(float),
        "softmax_share": c["softmaxes"] / mixing,
        "keys_share": c["keys_share"] / UNIT / np.maximum(c["softmaxes"], 1),
        **{f"at_{stride}": c[f"macs_{stride}"] / macs for stride in (4, 8, 16, 32)},
        "params_at_32": c["params_32"] / params,
        "params_pooled": c["params_pooled"] / params,
        "pooled": np.log2(1 + c["pooled"]),
        "test_size": np.log2(test / size),
    }
    return Features(columns)
