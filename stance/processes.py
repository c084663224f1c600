"""Several processes that train one model together, as torchrun or accelerate launch starts them; mostly it is one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

T = TypeVar("T")


def by_the_first(task: Callable[[], T]) -> T:
    """What the first process gets from a task; the others wait for it, and get, or raise, the same."""
    outcome: list[Any] = [None, None]
    if _state().is_main_process:
        try:
            outcome = [task(), None]
        except Exception as error:  # any: the others would wait for ever
            outcome = [None, error]
    broadcast_object_list(outcome)
    result, failure = outcome
    if failure is not None:
        raise failure
    done: T = result
    return done


def process_count() -> int:
    """How many processes train together."""
    return int(_state().num_processes)


def _state() -> PartialState:
    # Without a GPU it must be told, or it sees one process; and teachers may be asked for longer than the half hour
    # after which those that wait would give up.
    return PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(days=1))
