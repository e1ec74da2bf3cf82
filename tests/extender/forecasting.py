"""What forecasts need to be tested without a service: a store of steady paths, and models that are told what to say."""

import threading
from dataclasses import dataclass, field

import numpy as np
from prometheus_client import CollectorRegistry

from extender.gather import gather
from extender.metrics import Metrics
from extender.noise import NoiseTable
from extender.skill import Skill
from extender.violations import Violations
from extender.windows import WindowStore
from extender.worker import Worker
from models.holder import Models

INTERVAL_S = 10.0
PEER = "peer"


@dataclass
class Judge:
    """An estimator that gives the same answer for every path, and remembers what it was asked."""

    answer: float = 0.25
    name: str = "judge"
    gate: threading.Event = field(default_factory=threading.Event)
    """Nothing is answered before it is open."""
    asked: list[int] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.gate.set()

    def violation(self, paths, sla_ms):
        assert self.gate.wait(20)
        self.asked.append(len(paths.windows))
        self.threads.add(threading.current_thread().name)
        return np.where(paths.known, self.answer, np.nan)


class Field:
    """Paths from some nodes to a peer, on a clock that the test moves."""

    def __init__(self, nodes=4, judge=None):
        self.now = 10_000.0
        self.names = [f"node-{i}" for i in range(nodes)]
        self.store = WindowStore(64, INTERVAL_S)
        self.noise = NoiseTable(self.store)
        self.metrics = Metrics(CollectorRegistry(), "test")
        self.skill = Skill(self.store, self.metrics)
        self.worker = Worker()
        self.judge = judge or Judge()
        self.models = Models(1, estimator=self.judge)
        self.violations = Violations(
            self.store, lambda: self.models, self.worker, self.skill, self.metrics, lambda: self.now
        )

    def measure(self, rtt_ms=2.0, slots=1, names=None):
        """Let time pass, each path being measured in every slot."""
        names = self.names if names is None else names
        rows = np.concatenate([self.store.ensure(name, [PEER]) for name in names])
        for _ in range(slots):
            self.now += INTERVAL_S
            self.store.append(rows, np.full(len(rows), self.now), np.full(len(rows), rtt_ms))

    def gathered(self, names=None):
        return self.gather(PEER, self.names if names is None else names)

    def gather(self, peer, names):
        return gather(self.store, self.noise, peer, names, self.now, 40.0)

    async def ask(self, names=None, **how):
        return await self.violations.of(self.gathered(names), 5.0, **how)

    def metric(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)
