"""Scores are measured once on a machine."""

from vitspace.analysis.scoring import Scorer


def test_a_score_is_kept_for_the_next_scorer(small, counted):
    [spec] = small.draw(1)
    first, second = counted(name="kept"), counted(name="kept")
    assert Scorer(first).score(spec, 224) == Scorer(second).score(spec, 224)
    assert (first.calls, second.calls) == (1, 0)


def test_another_seed_or_proxy_is_scored_anew(small, counted):
    [spec] = small.draw(1)
    proxies = [counted(name="one"), counted(name="one"), counted(name="other")]
    for proxy, seed in zip(proxies, (0, 1, 0), strict=True):
        Scorer(proxy, seed).score(spec, 224)
    assert [proxy.calls for proxy in proxies] == [1, 1, 1]


def test_a_failure_is_a_result(small, counted):
    spec, other = small.draw(2)
    scorer = Scorer(counted(spec, name="failing"))
    found = scorer.score_all([(small, spec), (small, other)])
    assert (found[0].score, found[0].why) == (None, "not this one") and found[1].score is not None
