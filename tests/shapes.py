"""Images of discs, squares and triangles with masks of their classes, made in seconds: ``masks:DIR``.

python tests/shapes.py DIR --train 200 --val 40 --size 96

Background is class 0, discs 1, squares 2, triangles 3; pixels of outlines are 255, no class. Discs are reddish, squares
greenish, triangles bluish and the background is greyish, so that a network learns it in minutes; images have noise.
"""

import argparse
import colorsys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("background", "disc", "square", "triangle")
IGNORED = 255


def write_shapes(folder: Path, train: int = 200, val: int = 40, size: int = 96, seed: int = 0) -> Path:
    """Write ``train`` and ``val`` images of so many pixels a side, with their masks, and return the folder."""
    for number, (split, count) in enumerate((("train", train), ("val", val))):
        rng = np.random.default_rng([seed, number])
        for part in ("images", "masks"):
            (folder / split / part).mkdir(parents=True)
        for index in range(count):
            image, mask = draw(size, rng)
            image.save(folder / split / "images" / f"{index:04}.jpg", quality=95)
            mask.save(folder / split / "masks" / f"{index:04}.png")
    return folder


def draw(size: int, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """Draw one to three shapes: an image in RGB and its mask."""
    image = Image.new("RGB", (size, size), _colour(0, rng))
    mask = Image.new("L", (size, size), 0)
    for _ in range(rng.integers(1, 4)):
        kind, radius = int(rng.integers(1, len(CLASSES))), rng.uniform(0.18, 0.32) * size
        centre, angle, colour = rng.uniform(radius, size - radius, 2), rng.uniform(0, 2 * np.pi), _colour(kind, rng)
        corners = {1: 64, 2: 4, 3: 3}[kind]
        turns = angle + 2 * np.pi * np.arange(corners) / corners
        points = [tuple(centre + radius * np.array([np.cos(turn), np.sin(turn)])) for turn in turns]
        ImageDraw.Draw(image).polygon(points, fill=colour)
        ImageDraw.Draw(mask).polygon(points, fill=kind, outline=IGNORED)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7))).astype(float)
    noisy = pixels + rng.normal(0, 12, pixels.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), mask


def _colour(kind: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour of a class: hues lie 120 degrees apart."""
    hue = rng.uniform(0, 1) if kind == 0 else (kind - 1) / 3 + rng.uniform(-0.08, 0.08)
    saturation = rng.uniform(0.0, 0.2) if kind == 0 else rng.uniform(0.4, 0.9)
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, rng.uniform(0.4, 0.95))
    return round(255 * red), round(255 * green), round(255 * blue)


def main() -> None:
    """Write the set that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=200)
    parser.add_argument("--val", type=int, default=40)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(write_shapes(args.folder, args.train, args.val, args.size, args.seed))


if __name__ == "__main__":
    main()
