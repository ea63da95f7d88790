"""All blocks of a backtest: one after the other in this process, or as tasks of an executor, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from zoo.backtesting.forecasting import BlockForecasts, Fitting, Outputs, forecast_block
from zoo.backtesting.origins import Block, origins_of
from zoo.data.table_windows import TableWindows
from zoo.workers.executors import check_workers
from zoo.workers.executors import executor as open_workers
from zoo.workers.messages import WorkerLostError
from zoo.workers.training_tasks import training_tasks
from zoo_registry.errors import ConfigError

OnBlock = Callable[[int, int], None]  # how many blocks are done, and of how many


def check_asked(executor: Executor | None, asked: dict[str, Any]) -> dict[str, Any]:
    """What is asked of workers, without what is not given; raises ConfigError for what does not suit."""
    given = {name: value for name, value in asked.items() if value is not None}
    if given and executor is not None:
        raise ConfigError(
            f"an executor runs the trainings, so that {', '.join(given)} cannot be given beside it; leave one out"
        )
    check_workers(**given)
    return given


def workers_for(
    executor: Executor | None, asked: dict[str, Any], *, trains: bool
) -> AbstractContextManager[Executor | None]:
    """The caller's executor, or workers as they are asked for, or None for this process."""
    if asked and not trains:
        raise ConfigError(f"`{next(iter(asked))}` is for trainings, but this network stays as it is; add `refit`")
    return open_workers(**asked) if asked else nullcontext(executor if trains else None)


def forecast_blocks(
    laid: TableWindows,
    groups: Sequence[Block],
    fittings: Sequence[Fitting | None],
    *,
    outputs: Outputs | None,
    season: int | None,
    executor: Executor | None,
    on_block: OnBlock | None = None,
) -> Iterator[BlockForecasts]:
    """The forecasts of all blocks, in their order; ``on_block`` is told at first, and of each that is done.

    The first training that fails ends it all: raises what a training raises, and WorkerLostError for one that lost its
    worker again and again.
    """
    tell = on_block or (lambda done, total: None)
    tell(0, len(groups))
    if executor is None:
        for done, (group, fitting) in enumerate(zip(groups, fittings, strict=True), start=1):
            yield forecast_block(laid, group.numbers, fitting, season, outputs)
            tell(done, len(groups))
        return
    asked = [(group.numbers, fitting, season) for group, fitting in zip(groups, fittings, strict=True)]
    with training_tasks(executor, forecast_block, laid, asked) as tasks:
        places = {task: number for number, task in enumerate(tasks)}
        for done, task in enumerate(as_completed(tasks), start=1):
            try:
                task.result()
            except WorkerLostError as error:
                origin = origins_of(laid.chosen(groups[places[task]].numbers))[0]
                raise WorkerLostError(f"the training at origin {origin}: {error}") from error
            tell(done, len(groups))
        yield from (task.result() for task in tasks)
