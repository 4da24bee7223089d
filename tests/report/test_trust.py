import re
from dataclasses import replace

from vitspace.report.proxy import proxy_name
from vitspace.report.trust import report_card


def named(record, name):
    return replace(record, resolved=record.resolved | {"proxy": {"name": name}})


def test_a_committed_card_is_shown_beside_params(record):
    lines = report_card(named(record, "rank"))
    tau = lines[0]
    assert "Kendall" in tau.quantity and tau.value.startswith("0.85") and tau.baseline.startswith("0.79")


def test_without_a_card_it_says_how_to_make_one(record):
    assert "`vitspace fidelity mine` scores the published designs" in report_card(named(record, "mine"))


def test_a_training_has_the_card_of_its_data(record):
    def proxy(**facts):
        return replace(record, resolved=record.resolved | {"proxy": facts})

    usual = proxy(name="train:tiny", data="fractal")
    assert proxy_name(usual) == "train:tiny" and report_card(usual)[0].value.startswith("0.30")
    own = proxy(name="train:tiny", data="imagefolder:a/shop")
    assert re.fullmatch(r"train:tiny,data=imagefolder:shop@[0-9a-f]{8}", proxy_name(own))
    assert "`vitspace fidelity train:tiny --data imagefolder:a/shop`" in report_card(own)


def test_halving_has_the_card_of_its_highest_rung(record):
    rungs = [{"name": f"train:{preset}", "data": "fractal"} for preset in ("tiny", "small")]
    proxy = rungs[-1] | {"name": "halving:tiny/small", "rungs": rungs}
    assert "`vitspace fidelity train:small`" in report_card(replace(record, resolved={"proxy": proxy}))


def test_shared_weights_are_judged_by_their_folder(record):
    asked = record.config.model_copy(update={"proxy": "supernet:runs/net"})
    told = {"name": "supernet:net@0a1b2c3d", "rests_on": "shared weights"}
    shared = replace(record, config=asked, resolved={"proxy": told})
    assert "`vitspace fidelity supernet:runs/net`" in report_card(shared)
