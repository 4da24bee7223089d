"""The curve of a training of segmentation, and masks that its network predicts beside the true ones.

python tests/shapes.py shapes --train 300 --size 64
vitspace train mat_1 --task semantic-fpn --data masks:shapes --recipe small --img-size 64 --epochs 20 \\
    --batch-size 16 --lr 1e-3 --out trained/shapes
python tests/bench/segmenting.py shapes trained/shapes --out reports/dense
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from vitspace.export.model import build_with
from vitspace.plots import style
from vitspace.spec import Spec
from vitspace.tasks.segmenter import resize
from vitspace.training.images import val_batches
from vitspace.training.masks import open_masks
from vitspace.training.recipe import Recipe
from vitspace.training.weights import Weights, read_weights

#: Images that are shown.
SHOWN = 8
#: Colours of no class, and of the classes.
COLOURS = ("#FFFFFF", "#3A3A3A", "#D55E00", "#009E73", "#0072B2", "#CC79A7", "#F0E442", "#56B4E9")


def draw_curve(rows: list[dict[str, str]]) -> Figure:
    """Draw losses and mIoU against epochs."""
    epochs = [int(row["epoch"]) for row in rows]
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, colour in (("train_loss", style.GREY), ("val_loss", style.BLUE)):
        left.plot(epochs, [float(row[name]) for row in rows], color=colour, label=name.replace("_", " "))
    left.set_ylabel("cross-entropy of a pixel, nats")
    left.legend()
    right.plot(epochs, [float(row["miou"]) for row in rows], color=style.BLUE)
    right.axhline(80, **style.REFERENCE)
    right.set_ylabel("mIoU of the validation images, %")
    right.set_ylim(0, 100)
    for panel in (left, right):
        panel.set_xlabel("epoch")
    return figure


def draw_masks(weights: Weights, data: str) -> Figure:
    """Draw validation images, their masks, and the predicted ones, none chosen."""
    spec, size = Spec.from_dict(weights.facts["spec"]), weights.facts["img_size"]
    images, network = open_masks(data, weights.num_classes), build_with(spec, weights, size, weights.task).eval()
    recipe = Recipe(img_size=size, interpolation=weights.facts["interpolation"])
    figure = Figure(figsize=(1.15 * SHOWN + 0.6, 3.9), layout="constrained")
    panels = figure.subplots(3, SHOWN)
    colours = ListedColormap(COLOURS[: weights.num_classes + 1])
    for column, (pixels, masks) in zip(panels.T, val_batches(images, recipe, 1), strict=False):
        with torch.inference_mode():
            scores = resize(network(pixels), masks.shape[1:])
        true, found = masks[0].numpy(), scores.argmax(1)[0].numpy()
        shown = pixels[0].permute(1, 2, 0).numpy() * np.array(images.std) + np.array(images.mean)
        column[0].imshow(shown.clip(0, 1))
        for panel, classes in zip(column[1:], (np.where(true == 255, -1, true), found), strict=True):
            panel.imshow(classes, cmap=colours, vmin=-1, vmax=weights.num_classes - 1, interpolation="nearest")
    for panel in panels.flat:
        panel.set(xticks=[], yticks=[])
        panel.grid(visible=False)
        panel.spines[:].set_visible(False)
    for panel, name in zip(panels[:, 0], ("image", "mask", "predicted"), strict=True):
        panel.set_ylabel(name)
    return figure


def main() -> None:
    """Write the table of epochs and both figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="The folder of images and masks.")
    parser.add_argument("trained", type=Path, help="The folder of the training.")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    text = (args.trained / "log.csv").read_text()
    (args.out / "shapes.csv").write_text(text)
    with style.styled():
        for name, figure in (
            ("shapes_curve.png", draw_curve(list(csv.DictReader(text.splitlines())))),
            ("shapes_masks.png", draw_masks(read_weights(args.trained / "last.safetensors"), f"masks:{args.data}")),
        ):
            figure.savefig(args.out / name, metadata=style.METADATA[".png"])
    result = json.loads((args.trained / "train.json").read_text())
    seconds, where = result["seconds"], result["machine"]["cpu"]
    print(f"mIoU {result['miou']:.2f} % after epoch {result['epoch']}, {seconds:.0f} s on {where}")


if __name__ == "__main__":
    main()
