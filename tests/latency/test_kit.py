"""A kit's list and the results that come back."""

import pytest
from kits import FACTS, KIT, kit_specs, rows_of, write_kit, write_results

from vitspace.errors import InputError
from vitspace.latency.kit import read_kit, read_results, times_of


@pytest.fixture(scope="module")
def specs():
    return kit_specs(3)


@pytest.fixture
def results(specs, tmp_path):
    return write_results(tmp_path / "results.csv", rows_of(specs))


def test_times_belong_to_the_designs_of_their_files(specs, results, tmp_path):
    kit = read_kit(write_kit(tmp_path / "kit", specs))
    found = read_results(results)
    assert (found.kit, found.facts) == (KIT, FACTS)
    times = times_of(found, kit, results)
    assert [time.spec for time in times] == specs and times[1].reference_ms == 200.0


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("ms", "0", "ms is a number from 0.0001 to 600000"),
        ("ms", "nan", "ms is a number from 0.0001 to 600000"),
        ("ms", "1e9", "ms is a number from 0.0001 to 600000"),
        ("reference_ms", "fast", "reference_ms is a number"),
        ("sd", "-0.5", "sd is a number from 0"),
        ("file", "002.onnx", "has 2 of '002.onnx'"),
        ("kit", "another", "one kit and device"),
        ("cpu", "Cortex-A53", "has cpu 'Cortex-A53', 'Cortex-A76'"),
    ],
)
def test_a_row_that_cannot_be_is_one_error(column, value, words, specs, tmp_path):
    rows = rows_of(specs)
    rows[0][column] = value
    with pytest.raises(InputError, match=words):
        read_results(write_results(tmp_path / "results.csv", rows))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-40], "line 4, is cut off"),
        (lambda text: text[:-1], "line 4, is cut off"),
        (lambda text: text.replace(",9,0,", ",9,", 1), "line 2, is damaged: a row has 14 cells, but this has 13"),
        (lambda text: text.partition("\n")[0] + "\n", "holds no row"),
        (lambda text: "spec,ms\n1,2\n", "results begin with kit,file,ms"),
        (lambda text: "", "begins with nothing"),
    ],
)
def test_a_file_that_is_not_whole_is_one_error(change, words, results):
    results.write_text(change(results.read_text()))
    with pytest.raises(InputError, match=words):
        read_results(results)


def test_no_file_and_one_that_is_no_text_are_errors(tmp_path):
    (tmp_path / "results.csv").write_bytes(b"\xff\xfe")
    for name in ("results.csv", "none.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_results(tmp_path / name)


def test_results_of_another_kit_are_refused(specs, results, tmp_path):
    other = read_kit(write_kit(tmp_path / "other", specs, kit="ba9876543210"))
    with pytest.raises(InputError, match=f"is of kit '{KIT}', but the kit given is ba9876543210"):
        times_of(read_results(results), other, results)
    fewer = read_kit(write_kit(tmp_path / "fewer", specs[:2]))
    with pytest.raises(InputError, match=r"has a time of '002\.onnx'"):
        times_of(read_results(results), fewer, results)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1, "kit": "a", "img_size": 224}'])
def test_a_list_that_is_none_is_one_error(text, tmp_path):
    (tmp_path / "kit.json").write_text(text)
    with pytest.raises(InputError, match="is not the list of a kit"):
        read_kit(tmp_path)
