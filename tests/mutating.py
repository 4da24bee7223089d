"""Plain data mutated at random, and a count of what reading it gives."""

import contextlib
import copy
import signal

from vitspace.errors import InputError

LONGEST_S, LONGEST_WORDS = 5, 1000
JUNK = (
    None,
    True,
    0,
    -1,
    1,
    7,
    10**5,
    10**9,
    10**30,
    -0.5,
    1e-30,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "../../x",
)
JUNK += ("/etc", "<img src=x>", "\ud800", "a\0b", "x" * 10_000, [], [0], [[1]] * 3, {}, {"a": 1})


def places(data, at=()):
    yield at
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*at, key))


def value_at(data, at):
    for key in at:
        data = data[key]
    return data


def mutated(data, draw):
    """Return data in which one or two values are dropped, moved, repeated, scaled, nested or replaced."""
    data = copy.deepcopy(data)
    for _ in range(draw.choice((1, 1, 2))):
        known = list(places(data))
        at = draw.choice(known[1:] or [()])
        value = value_at(data, at)
        kind = draw.choice(("drop", "junk", "junk", "move", "repeat", "scale", "nest", "add"))
        if not at or not isinstance(data, dict | list):
            return draw.choice(JUNK)
        owner = value_at(data, at[:-1])
        if kind == "drop":
            del owner[at[-1]]
        elif kind == "move":
            owner[at[-1]] = copy.deepcopy(value_at(data, draw.choice(known)))
        elif kind == "repeat" and isinstance(value, list):
            owner[at[-1]] = value * draw.choice((2, 40))
        elif kind == "scale" and isinstance(value, int | float) and not isinstance(value, bool):
            owner[at[-1]] = value * draw.choice((-1, 2, 3, 1000))
        elif kind == "nest":
            for _ in range(draw.choice((1, 100))):
                value = [value]
            owner[at[-1]] = value
        elif kind == "add" and isinstance(value, dict):
            value["unknown"] = draw.choice(JUNK)
        else:
            owner[at[-1]] = draw.choice(JUNK)
    return data


@contextlib.contextmanager
def within(seconds):
    def late(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def tally(counts, read, what):
    """Count what reading gives; whatever it raises but InputError fails the test with what was read."""
    try:
        with within(LONGEST_S * 4):  # of a busy machine
            read()
    except InputError as error:
        counts["refused"] += 1
        words = str(error)
        assert len(words) <= LONGEST_WORDS and words.count("\n") < 3, what
        words.encode()
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}, of {str(what)[:2000]}") from error
    else:
        counts["read"] += 1


def told(name, counts):
    print(f"{name}: {sum(counts.values())} mutated, {counts['read']} read, {counts['refused']} refused")
    assert counts["read"] and counts["refused"]
