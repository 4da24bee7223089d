"""How many designs a search evaluates at once, and on how many threads each.

Two threads of one training wait for each other at every operator, so that both stand still when another program takes
one of their cores. So a design is trained on one thread, and as many designs at once as there are cores.
"""

from vitspace.costs import cost
from vitspace.image_sizes import mean_side
from vitspace.machine.devices import default_threads
from vitspace.machine.resources import available_memory, memory_in_use, usable_cores
from vitspace.proxies import trains
from vitspace.searching.engines import engine_of
from vitspace.searching.first import chosen_anchors
from vitspace.searching.session import Session
from vitspace.sized import size_of
from vitspace.spec import Spec
from vitspace.words import plural

#: Bytes that training takes for each parameter (weight, gradient, two averages of AdamW), and for each activation that
#: is kept for the backward pass and its copies.
_A_PARAM, _AN_ACTIVATION = 16, 16
#: Bytes that timing takes for each parameter and each activation of one image.
_A_NUMBER = 4


def plan_workers(session: Session) -> None:
    """Fill in a session's workers and threads, where they were not given.

    Engine ``optuna`` evaluates as many designs at once as there are cores where the proxy trains on the CPU, as long as
    there are trials and memory for them; else one, in this process, and also where the proxy or the family was made
    in a notebook. Other engines have their own numbers.
    """
    config = session.config
    session.threads = session.threads or default_threads(config.device)
    if session.workers == 0:
        session.workers = None
        return
    if session.workers or not engine_of(config.engine).in_process:
        return
    on_gpu = default_threads(config.device) is None
    if on_gpu or session.threads is None or not trains(config.proxy) or _is_of_this_process(session):
        return
    left = config.trials - len(session.store.record().counted)
    wanted = min(usable_cores() // session.threads, left)
    fit = available_memory() // _bytes_of_a_worker(session)
    if fit < wanted:
        session.monitor.note(
            f"{plural(max(1, fit), 'design')} at once and not {wanted}: memory holds no more; "
            "--workers sets another number"
        )
    session.workers = count if (count := min(wanted, fit)) > 1 else None


def _is_of_this_process(session: Session) -> bool:
    """Whether the proxy or the family was made in a notebook or script, and another process does not know it."""
    made = (session.evaluator.proxy, *session.space.smallest.stages)
    return any(type(each).__module__ == "__main__" for each in made)


def _bytes_of_a_worker(session: Session) -> int:
    """Return about what a worker takes: what this process does, its data loaded, and an anchor's training."""
    recipe = session.evaluator.proxy.describe()
    designs = (*chosen_anchors(session.space, session.config).values(), session.space.smallest)
    batch, side = recipe.get("batch_size", 1), recipe.get("img_size", 224)

    def network(spec: Spec) -> float:
        size = size_of(spec, session.space.resolution)
        counted, images = cost(spec, size), batch * (side / mean_side(size)) ** 2
        training = _A_PARAM * counted.params + _AN_ACTIVATION * images * counted.activations
        whole = session.space.cost(spec)
        return max(training, _A_NUMBER * (whole.params + whole.activations))

    return memory_in_use() + int(max(map(network, designs)))
