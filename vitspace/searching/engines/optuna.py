"""The Optuna engine: ask and tell in this process, which evaluates itself, or has processes of its own do so."""

from vitspace.searching.desk import Desk
from vitspace.searching.engines import Engine
from vitspace.searching.engines._processes import Processes
from vitspace.searching.session import Session
from vitspace.searching.work import work, work_at_once

ENGINE = Engine(local=True, in_process=True)


def run(session: Session) -> None:
    """Evaluate designs; see `vitspace.searching.engines`."""
    if session.workers is None:
        with Desk(session, session.score) as desk:
            work(desk, session.evaluate)
    else:
        with Processes(session) as crew, Desk(session) as desk:
            work_at_once(desk, crew)
