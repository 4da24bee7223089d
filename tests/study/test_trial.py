import vitspace
from vitspace.study.trial import Trial


def test_a_trial_is_one_line_in_a_notebook():
    spec = vitspace.anchor("msg_tiny").spec
    done = Trial(3, "complete", spec, macs=3_820_000_000, latency_ms=61.25, score=-0.5)
    assert repr(done) == f"<Trial 3, {spec.id}: 3.82G FLOPs, 61.2 ms, score -0.5000>"
    assert repr(Trial(4, "invalid", why="a | b must hold")) == "<Trial 4, no design: invalid: a | b must hold>"
