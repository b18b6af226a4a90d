"""What a run cost, in words: no number without its unit, no range without its source."""

from collections.abc import Callable
from dataclasses import dataclass

from simulacra.copying.cost import (
    ENERGY_ASSUMPTION,
    ENERGY_SOURCE,
    JOULES_A_WATT_HOUR,
    WATER_ASSUMPTION,
    WATER_SOURCE,
    Cost,
    Range,
    cost,
)
from simulacra.copying.result import CopyResult
from simulacra.reports.numbers import shown


@dataclass(frozen=True)
class Entry:
    """One row: what, how much, and where that comes from."""

    name: str
    amount: str
    basis: str


def entries(result: CopyResult) -> tuple[Entry, ...]:
    """What the run took, row by row; rows that do not apply are left out, energy never is."""
    spent = cost(result)
    rows = [_copies(spent), Entry("Time", duration(spent.seconds), "of the copiers alone, added up over chains")]
    if spent.hosted or spent.usd is not None:
        rows.append(_money(spent))
    if spent.tokens is not None:
        rows.append(Entry("Tokens", f"{spent.tokens:,}", "as the service counted them"))
    rows += _energy(spent)
    if spent.litres is not None:
        rows.append(Entry("Water", volume(spent.litres), f"{WATER_SOURCE}; assumes {WATER_ASSUMPTION}"))
    if spent.oceans is not None:
        rows.append(
            Entry("Ocean drained", _between(spent.oceans, _power, ""), "of all oceans: 1.335 billion cubic kilometres")
        )
    return tuple(rows)


def sentence(result: CopyResult) -> str | None:
    """What a person who paid wants to read at once; None where no service was asked."""
    spent = cost(result)
    if not spent.hosted and spent.usd is None:
        return None
    money = _money(spent)
    words = f"{money.amount} for {spent.copies} {'copy' if spent.copies == 1 else 'copies'}"
    if spent.tokens is not None:
        words += f", {spent.tokens:,} tokens"
    return f"Cost: {words}, {duration(spent.seconds)}."


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 100:
        return f"{shown(seconds)} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"


def energy(joules: float) -> str:
    """Joules in the unit of an electricity bill."""
    watt_hours = joules / JOULES_A_WATT_HOUR
    return f"{shown(watt_hours / 1000)} kWh" if watt_hours >= 1000 else f"{shown(watt_hours)} Wh"


def volume(litres: Range) -> str:
    """Litres, or millilitres where that is little."""
    if litres.high < 0.1:
        return _between(litres.times(1000), shown, " mL")
    return _between(litres, shown, " L")


def _copies(spent: Cost) -> Entry:
    notes = []
    if spent.reused:
        notes.append(f"{spent.reused} more came from the store and cost nothing")
    if spent.refused:
        notes.append(f"{spent.refused} more {'was' if spent.refused == 1 else 'were'} asked for and not made")
    return Entry("Copies made", str(spent.copies), "; ".join(notes))


def _money(spent: Cost) -> Entry:
    if spent.usd is None:
        return Entry("Money", "not known", "no price of this model is in the table")
    read = f"prices read on {', '.join(spent.prices_read)}" if spent.prices_read else "as the service billed it"
    if spent.unpriced:
        read += f"; {spent.unpriced} calls have no known price and are not in it"
    return Entry("Money", f"${spent.usd:.2f}" if spent.usd >= 0.01 else f"${spent.usd:.4f}", read)


def _energy(spent: Cost) -> list[Entry]:
    rows = []
    here = spent.copies > spent.hosted
    if spent.joules is not None:
        basis = f"measured by the counters of {', '.join(spent.counters)}: all that ran there meanwhile"
        rows.append(
            Entry("Energy here", energy(spent.joules), basis + (f"; {spent.energy_told}" if spent.energy_told else ""))
        )
    elif here or not spent.hosted:
        rows.append(Entry("Energy here", "not measured", spent.energy_told))
    if spent.elsewhere_watt_hours is not None:
        watt_hours = _between(spent.elsewhere_watt_hours, shown, " Wh")
        rows.append(Entry("Energy elsewhere", f"perhaps {watt_hours}", f"{ENERGY_SOURCE}; assumes {ENERGY_ASSUMPTION}"))
    return rows


def _between(span: Range, write: Callable[[float], str], unit: str) -> str:
    low, high = write(span.low), write(span.high)
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _power(value: float) -> str:
    """A number far below one: `1.2 × 10⁻²²`."""
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits} × 10{str(int(power)).translate(_RAISED)}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
