import csv

from vitspace.accuracy.making import main
from vitspace.accuracy.table import published, read_rows

RESULTS = [
    ("resnet18.a1_in1k", 224, 71.5),
    ("resnet18.a1_in1k", 288, 73.2),
    ("resnet18.fb_swsl_ig1b_ft_in1k", 224, 73.3),
    ("vit_base_patch16_384.augreg_in1k", 384, 81.1),
]


def test_networks_are_counted_at_their_training_size_and_anchors_added(tmp_path, capsys):
    with (tmp_path / "results.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("model", "img_size", "top1"), *RESULTS])
    main([str(tmp_path / "results.csv"), "--source", "timm test", "--out", str(tmp_path / "out.csv")])
    rows = read_rows((tmp_path / "out.csv").read_text().splitlines())
    assert [row.name for row in rows if row.public] == ["resnet18.a1_in1k"]
    [row] = [row for row in rows if row.public]
    assert (row.family, row.recipe, row.train_size, row.img_size, row.top1) == ("resnet", "rsb", 224, 224, 71.5)
    assert row.cost.params == 11_689_512
    assert row.cost.numbers == next(r for r in published() if r.name == row.name).cost.numbers
    assert rows[1:] == [row for row in published() if not row.public]
