"""Random weights of many ONNX models in files that they share, so that a kit holds them once.

How long a network takes depends on the sizes of its weights, and not on their values, as long as the activations stay
within range. So a tensor of random values is drawn anew, at the same scale to a power of two. Tensors that are not
random, such as tables of positions, and small ones stay in the model.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

#: Elements from which a tensor is pooled, and the share of its values that are then distinct.
LEAST, DISTINCT = 4096, 0.9
#: Bytes at a multiple of which a tensor begins.
_ALIGNED = 4096
_BLOCK = 1 << 20


class WeightPool:
    """Files of random values by scale; a network's tensors lie one behind the other in them."""

    def __init__(self) -> None:
        self._bytes: dict[int, int] = {}

    def take(self, model: Any) -> None:
        """Let the random tensors of an ``onnx.ModelProto`` lie in the files."""
        from onnx.external_data_helper import set_external_data
        from onnx.numpy_helper import to_array

        at: dict[int, int] = {}
        for tensor in model.graph.initializer:
            values = to_array(tensor)
            if values.dtype != np.float32 or values.size < LEAST or np.unique(values).size < DISTINCT * values.size:
                continue
            scale = round(math.log2(float(values.std())))
            start = at.get(scale, 0)
            set_external_data(tensor, _weights_file(scale), offset=start, length=values.nbytes)
            tensor.ClearField("raw_data")
            at[scale] = -(-(start + values.nbytes) // _ALIGNED) * _ALIGNED
        self._bytes |= {scale: max(size, self._bytes.get(scale, 0)) for scale, size in at.items()}

    def write(self, folder: Path) -> list[str]:
        """Write the files, as long as the largest network needs, and return their names."""
        for scale, size in self._bytes.items():
            rng = np.random.default_rng(scale % 2**32)
            with (folder / _weights_file(scale)).open("wb") as file:
                for start in range(0, size, _BLOCK):
                    values = rng.standard_normal(min(_BLOCK, size - start) // 4, dtype=np.float32)
                    file.write((values * np.float32(2.0**scale)).tobytes())
        return [_weights_file(scale) for scale in sorted(self._bytes)]


def _weights_file(scale: int) -> str:
    """Return the name of the file of values whose standard deviation is 2 to the power of ``scale``."""
    return f"weights{scale:+d}.bin"
