"""What several arms share in one process: real samples, features, and the meter with its floors; each opened once."""

from collections.abc import Hashable

from simulacra.autophagy.data import Data
from simulacra.autophagy.measuring import Meter
from simulacra.autophagy.plan import Plan
from simulacra.measures.of_sets.features import Features
from simulacra.measures.of_sets.named import open_features
from simulacra.seeds import derive_seed

_METER_SEED = 0
"""One for all experiments, so that equal real samples have equal floors."""


class Context:
    """Opens what a plan names, and keeps the newest of each."""

    def __init__(self) -> None:
        self._data: dict[tuple[Hashable, ...], Data] = {}
        self._features: dict[str, Features] = {}
        self._meters: dict[tuple[Hashable, ...], Meter] = {}

    def data(self, plan: Plan) -> Data:
        """The real samples of an arm, as many as it takes."""
        key = (plan.data, plan.label, plan.unconditional, plan.reference, plan.taken)
        if key not in self._data:
            self._data = {key: plan.real_samples(plan.taken)}
        return self._data[key]

    def features(self, plan: Plan) -> Features | None:
        """What its pictures are compared in; None for rows of numbers."""
        if plan.features is None:
            return None
        if plan.features not in self._features:
            self._features = {plan.features: open_features(plan.features)}
        return self._features[plan.features]

    def meter(self, plan: Plan) -> Meter:
        """What measures it."""
        key = (plan.data, plan.label, plan.reference, plan.features)
        if key not in self._meters:
            data = self.data(plan)
            meter = Meter(
                data.reference,
                features=self.features(plan),
                labels=data.reference_labels,
                names=data.names,
                seed=derive_seed(_METER_SEED, "autophagy-meter"),
                count=plan.reference,
            )
            self._meters = {key: meter}
        return self._meters[key]
