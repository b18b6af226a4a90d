"""What copiers that run one ncnn network share: its weights, and loading it when first needed."""

from abc import abstractmethod
from functools import cached_property
from typing import ClassVar

from simulacra.copiers.contract import Copier, Determinism
from simulacra.copiers.ncnn_network import EXTRA, NcnnNetwork
from simulacra.extras import require
from simulacra.weights import digest, find


class NcnnCopier(Copier):
    """A copier around one network of the weights table, in ncnn's format."""

    determinism = Determinism.SAME_MACHINE
    extra = EXTRA
    project: ClassVar[str]
    """The network's own name, for the message when something is missing."""

    @property
    @abstractmethod
    def entry(self) -> str:
        """The network's entry in the weights table."""

    @property
    @abstractmethod
    def files(self) -> tuple[str, str]:
        """Which of the entry's files: the graph (`.param`) and the weights (`.bin`)."""

    def check(self) -> None:
        """Refuse when ncnn or the weights are missing; see `Copier.check`."""
        require("ncnn", EXTRA, self.project)
        for file in self.files:
            find(self.entry, file)

    def weights(self) -> dict[str, str]:
        """Digests of the network's graph and weights; see `Copier.weights`."""
        return digest(self.entry, self.files)

    def weight_names(self) -> tuple[str, ...]:
        """The entry of the weights table for this network."""
        return (self.entry,)

    @cached_property
    def network(self) -> NcnnNetwork:
        """The network, loaded."""
        graph, weights = (find(self.entry, file) for file in self.files)
        return NcnnNetwork(graph, weights, self.project)
