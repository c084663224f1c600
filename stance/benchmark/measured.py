"""What a benchmark finds."""

from dataclasses import dataclass

import numpy as np

from stance.config import Precision


@dataclass(frozen=True)
class Speed:
    """How fast one system is.

    Attributes:
        system: its name.
        rates: sentences a second, one figure a round.
    """

    system: str
    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.rates))


@dataclass(frozen=True)
class Benchmark:
    """All that was measured.

    Attributes:
        hardware: what the figures belong to.
        sentences: how many each round labels.
        tokens: in them, on average.
        speeds: by system, in the order in which they ran.
        ceilings: multiply-adds a second, in billions, of bare matrix products, by precision.
        reached: share of the ceiling of its precision that a system's products reach.
        latencies: milliseconds for a single sentence, the middle one and the 99th of a hundred, by system.
        starts: seconds from the start of Python to the first answer, one figure a process.
        memory: peak megabytes of a corpus job by its rows.
        news: the same network, and the cascade, over sentences of which most carry no label; empty without a sieve.
        told: whose sentences these are.
        settled: share of them that the sieve settles.
    """

    hardware: str
    sentences: int
    tokens: float
    speeds: tuple[Speed, ...]
    ceilings: dict[Precision, float]
    reached: dict[str, float]
    latencies: dict[str, tuple[float, float]]
    starts: tuple[float, ...]
    memory: dict[int, float]
    news: tuple[Speed, ...] = ()
    told: str = ""
    settled: float = 0.0
