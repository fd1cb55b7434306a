"""Words and figures that the faces of a statement share: its lines, their order, and how amounts and days are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Final

from hedgerow.faces import numerals
from hedgerow.faces.records import stamp
from hedgerow.faces.text import counted
from hedgerow.ledger.entries import EXACT
from hedgerow.ledger.lines import Payments, Silence
from hedgerow.ledger.statement import Statement
from hedgerow.units import NS_PER_DAY

# name in JSON -> what people read, and the parts of the attribution that it sums; in the order of every face
RESULT: Final = {
    "spot": ("Spot price", ("spot",)),
    "hedge_index": ("Hedge, index part", ("hedge",)),
    "hedge_basis": ("Hedge, basis part", ("basis",)),
    "funding": ("Funding", ("funding",)),
    "fees": ("Fees", ("fees_spot", "fees_futures")),
    "slippage": ("Slippage", ("slippage_spot", "slippage_futures")),
    "liquidation": ("Kept by a venue in liquidations", ("liquidation",)),
    "interest": ("Interest and rewards", ("interest",)),
    "tax": ("Tax", ("tax",)),
    "charges": ("Other charges", ("charges",)),
    "carry": ("Carry sleeve, all of it", ("carry",)),
}
ALWAYS: Final = ("spot", "hedge_index", "hedge_basis", "funding", "fees", "slippage")  # shown when they are 0 too
HOUSE: Final = (
    "House money is a label of the accounts: sales brought back what was paid. Every coin of it stays at its full "
    "market risk."
)
NO_ADVICE: Final = "This is a record of what the events say, not tax advice; rules differ by country and by year."
UNKNOWN: Final = "unknown"
MANY: Final = 5  # gaps that are told one by one
_DIGITS: Final = Decimal("1e-12")


def result_lines(parts: Mapping[str, Decimal] | None) -> dict[str, Decimal]:
    """The lines of a result by their name in JSON."""
    if parts is None:
        return {}
    with localcontext(EXACT):
        return {name: sum((parts[part] for part in summed), Decimal(0)) for name, (_, summed) in RESULT.items()}


def shown_lines(parts: Mapping[str, Decimal] | None) -> list[tuple[str, Decimal]]:
    """Label and amount of the lines that a person is shown: those that are not 0, and the usual ones."""
    return [(RESULT[name][0], amount) for name, amount in result_lines(parts).items() if amount or name in ALWAYS]


def used_lines(results: Iterable[Mapping[str, Decimal] | None]) -> list[str]:
    """Names of the lines that are not 0 in one of the results at least, in the order of every face."""
    found = [result_lines(parts) for parts in results]
    return [name for name in RESULT if any(line.get(name) for line in found)]


def plain_amount(value: Decimal | None) -> str | None:
    """Digits and a point, to 12 decimals and no zeros behind; None stays None."""
    if value is None:
        return None
    exponent = value.as_tuple().exponent
    short = EXACT.quantize(value, _DIGITS) if isinstance(exponent, int) and exponent < -12 else value
    text = f"{short:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def money(value: Decimal | None, *, sign: bool = False) -> str:
    """An amount of quote as a report prints it; what nobody knows is called unknown."""
    return UNKNOWN if value is None else numerals.money(amount(value), sign=sign)


def figure(value: Decimal | None, digits: int = 6) -> str:
    """A price or an amount of coins as a report prints it, in so many significant digits; unknown where it is."""
    if value is None:
        return UNKNOWN
    with localcontext(EXACT):  # an amount may have more digits than Python's usual 28
        short = f"{round(value, max(0, digits - 1 - value.adjusted())) if value else Decimal(0):,f}"
    return (short.rstrip("0").rstrip(".") if "." in short else short).replace("-", numerals.MINUS)


def missing_words(line: Payments) -> str:
    """How many payments of a contract are of unknown amount, and what they may have been."""
    guess = "" if line.expected is None else f", some {figure(line.expected, 3)} {line.currency}"
    return f"{line.missing:,}{guess}" if line.missing else "none"


def amount(value: Decimal | None) -> float | None:
    """For the eye only."""
    return None if value is None else float(value)


def moment(ns: int) -> str:
    """A moment to the minute, in UTC."""
    return stamp(ns)[:16].replace("T", " ").removesuffix(" 00:00")


def opened(ns: int) -> str:
    """The beginning of a period: the day that opens at it, or the moment."""
    return stamp(ns)[:10] if ns % NS_PER_DAY == 0 else stamp(ns).replace("T", " ").removesuffix("Z")


def closed(ns: int) -> str:
    """A mark as people name it: the day whose close it is, or the moment."""
    return opened(ns if ns % NS_PER_DAY else ns - NS_PER_DAY)


def notes(statement: Statement) -> list[str]:
    """What one must know to read the figures, in whole sentences."""
    found = []
    lost = sum(line.missing for line in statement.funding)
    if lost:
        names = ", ".join(line.instrument for line in statement.funding if line.missing)
        found.append(f"{counted(lost, 'funding payment')} of {names} {_are(lost)} missing and in no sum.")
    found += quiet(statement.silences)
    unknown = [one.currency for one in statement.holdings if one.cost is None and one.currency != statement.quote]
    if unknown:
        found.append(f"The cost of {', '.join(unknown)} is not known in whole, and so neither is its gain.")
    lacking = sum(line.unknown for line in statement.realised)
    if lacking:
        found.append(f"{counted(lacking, 'gain')} realised {_are(lacking)} unknown and in no sum.")
    house = [one.currency for one in statement.holdings if one.house_money]
    if house:
        found.append(f"{', '.join(house)}: {HOUSE}")
    if any(one.risk for one in statement.positions):
        names = ", ".join(sorted({one.account for one in statement.positions if one.risk}))
        found.append(f"High risk: the positions of {names} are larger than the equity behind them (leverage above 1x).")
    for account, currency in statement.overdrawn:
        found.append(f"More {currency} left {account} than the events saw come in: an event is missing.")
    if statement.time_weighted.approximate:
        many = len(statement.time_weighted.approximate)
        found.append(
            f"{counted(many, 'flow')} met no prices of {'its' if many == 1 else 'their'} moment: the return is approximate there."
        )
    if statement.after:
        found.append(f"{counted(statement.after, 'event')} after the last prices {_are(statement.after)} not in it.")
    return found


def quiet(silences: Sequence[Silence]) -> list[str]:
    """Sentences on perpetuals that were open while the events tell no funding payment."""
    found = [
        f"{gap.instrument} ({gap.account}) was open from {moment(gap.since_ns)} to {moment(gap.until_ns)}, and the "
        "events hold no funding payment of that time: the funding is not whole."
        for gap in silences[:MANY]
    ]
    more = len(silences) - MANY
    return found + (
        [f"{counted(more, 'such gap')} more {_are(more)} in the JSON (without_funding)."] if more > 0 else []
    )


def leverage_words(value: Decimal | None, risk: str) -> str:
    """1.25 -> 1.25x, high risk."""
    return "" if value is None else f"{value:.2f}x{f', {risk}' if risk else ''}"


def _are(many: int) -> str:
    return "is" if many == 1 else "are"
