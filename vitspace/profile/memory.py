"""Memory of a process while it runs a network, measured in a fresh process.

The peak memory of a process includes everything that it did before, so each measurement starts a process. It imports
torch, builds the network, runs one image, and prints its memory before and at the peak. The peak is ``VmHWM`` on Linux
and ``ru_maxrss`` elsewhere.

`python -m vitspace.profile.memory IMG_SIZE TASK < spec.json` prints the record as JSON.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from vitspace.image_sizes import ImageSize, format_image_size, parse_image_size, sides
from vitspace.spec import Spec
from vitspace.tasks.heads import CLASSIFICATION, load

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class PeakMemory:
    """Resident memory of a process that runs one image through a network, in MB (10^6 bytes).

    Attributes:
        start_mb: Memory before the network was built: Python, torch and their libraries.
        built_mb: Memory with the network, before it ran.
        peak_mb: Peak memory.
    """

    start_mb: float
    built_mb: float
    peak_mb: float

    @property
    def network_mb(self) -> float:
        """Peak memory of the network, its weights included."""
        return self.peak_mb - self.start_mb


def peak_memory(spec: Spec, img_size: ImageSize = 224, task: str = CLASSIFICATION) -> PeakMemory:
    """Run one image through a network in a fresh process, PyTorch on one thread, and return its memory.

    Args:
        spec: The architecture.
        img_size: Side of the image, or (height, width), pixels.
        task: What the network is built for.

    Raises:
        RuntimeError: the process failed; the message is the last line that it wrote.
    """
    command = [sys.executable, "-m", "vitspace.profile.memory", format_image_size(img_size), task]
    done = subprocess.run(command, input=spec.to_json(), capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"the process that measures memory ended with code {done.returncode}: {last}")
    return PeakMemory(**json.loads(done.stdout))


def measure_here(spec: Spec, img_size: ImageSize, task: str) -> PeakMemory:
    """Measure in this process, which must not have done anything else before."""
    import psutil
    import torch

    from vitspace.tasks.building import build

    if task != CLASSIFICATION:
        load(task)  # with the libraries of its head

    process = psutil.Process()
    torch.set_num_threads(1)
    with torch.inference_mode():
        # The first convolution loads the kernel library.
        torch.nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 3, 3))
        start = process.memory_info().rss
        network = build(spec, img_size=img_size, task=task).eval()
        built = process.memory_info().rss
        network(torch.zeros(1, 3, *sides(img_size)))
    return PeakMemory(start / 1e6, built / 1e6, _most() / 1e6)


def _most() -> float:
    """Return the peak memory of this process in bytes."""
    if _STATUS.exists():
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return 1024 * float(fields["VmHWM"].split()[0])
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _main() -> None:
    spec = Spec.from_json(sys.stdin.read())
    print(json.dumps(asdict(measure_here(spec, parse_image_size(sys.argv[1]), sys.argv[2]))))


if __name__ == "__main__":
    _main()
