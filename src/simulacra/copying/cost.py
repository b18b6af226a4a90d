"""What a run cost: money, tokens, seconds and energy, with a range and its source where nobody measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulacra.copying.result import CopyResult

WATT_HOURS_A_PICTURE = (1.35, 11.49)
"""One hosted picture: the mean and the hungriest of the image generators measured by Luccioni, Jernite and Strubell."""
ENERGY_SOURCE = "Luccioni, Jernite and Strubell 2023, Power Hungry Processing (first version), 1,000 pictures a model"
ENERGY_ASSUMPTION = "that this service's model lies between the mean and the hungriest of those; no service says"
LITRES_A_WATT_HOUR = 0.26e-3 / 0.24
"""Google's disclosure of 2025 for a median text prompt: 0.24 Wh and 0.26 mL."""
WATER_SOURCE = "Google 2025, Measuring the environmental impact of delivering AI at Google Scale: 0.26 mL for 0.24 Wh"
WATER_ASSUMPTION = "that pictures are cooled like text prompts in that company's data centres"
OCEAN_LITRES = 1.335e21
"""All oceans together: 1.335 billion cubic kilometres (Eakins and Sharman 2010, NOAA)."""

JOULES_A_WATT_HOUR = 3600.0


@dataclass(frozen=True)
class Range:
    """From the least to the most."""

    low: float
    high: float

    def times(self, factor: float) -> "Range":
        """Both ends multiplied."""
        return Range(self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Cost:
    """What making the frames of a run took. Frames taken from the store cost nothing again."""

    copies: int  # made by this run
    reused: int  # taken from the store
    hosted: int  # of those made, by a service elsewhere
    refused: int  # asked for, and not made
    seconds: float  # of the copiers, added up over chains, those that ran at the same time too
    usd: float | None  # None where nothing was billed to the run's knowledge
    unpriced: int  # hosted calls of which the price is not known
    prices_read: tuple[str, ...]  # dates of the prices used
    tokens: int | None  # None where no copier counts them
    joules: float | None  # measured here; None where no counter could be read
    counters: tuple[str, ...]  # what was counted
    energy_told: str  # why `joules` is None, or what it leaves out
    elsewhere_watt_hours: Range | None  # of the hosted copies, by analogy; None where there are none

    @property
    def litres(self) -> Range | None:
        """Water at the ratio of `WATER_SOURCE`, for the energy that is known or has a range; None without any."""
        here = 0.0 if self.joules is None else self.joules / JOULES_A_WATT_HOUR
        away = self.elsewhere_watt_hours
        if self.joules is None and away is None:
            return None
        low, high = (0.0, 0.0) if away is None else (away.low, away.high)
        return Range(here + low, here + high).times(LITRES_A_WATT_HOUR)

    @property
    def oceans(self) -> Range | None:
        """The share of the oceans that `litres` is."""
        return None if self.litres is None else self.litres.times(1 / OCEAN_LITRES)


def cost(result: CopyResult) -> Cost:
    """Add up the receipts of a run, and what its machine's counters said."""
    frames = [frame for chain in result.chains for frame in chain.frames if frame.index]
    made = [frame for frame in frames if not frame.reused]
    receipts = [*(frame.receipt for frame in made), *result.refusals]
    sent = [receipt for receipt in receipts if receipt.get("sent") is not None]
    hosted = sum(frame.receipt.get("sent") is not None for frame in made)
    prices = [receipt["cost_usd"] for receipt in receipts if receipt.get("cost_usd") is not None]
    tokens = [receipt["tokens"] for receipt in receipts if receipt.get("tokens") is not None]
    measured = [energy for energy in result.energy if energy.total_joules is not None]
    covered = sum(energy.copies for energy in measured)
    return Cost(
        copies=len(made),
        reused=len(frames) - len(made),
        hosted=hosted,
        refused=len(result.refusals),
        seconds=sum(frame.seconds for frame in made),
        usd=sum(prices) if prices else None,
        unpriced=sum(receipt.get("cost_usd") is None for receipt in sent),
        prices_read=tuple(sorted({date for receipt in receipts if (date := _read(receipt))})),
        tokens=sum(tokens) if tokens else None,
        joules=sum(energy.total_joules or 0.0 for energy in measured) if measured else None,
        counters=tuple(dict.fromkeys(name for energy in measured for name in energy.joules)),
        energy_told=_told(result, len(made), covered),
        elsewhere_watt_hours=Range(*WATT_HOURS_A_PICTURE).times(len(sent)) if sent else None,
    )


def _read(receipt: Mapping[str, Any]) -> str | None:
    date = receipt.get("effective", {}).get("cost", {}).get("prices_read")
    return None if date is None else str(date)


def _told(result: CopyResult, made: int, covered: int) -> str:
    reasons = dict.fromkeys(energy.reason for energy in result.energy if energy.reason)
    if covered == 0:
        return "; ".join(reasons) or "nothing was counted while its copies were made"
    return f"counted for {covered} of {made} copies" if covered < made else "; ".join(reasons)
