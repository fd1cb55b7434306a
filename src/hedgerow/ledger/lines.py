"""The lines of a statement: what is held, what is open, what was realised, paid in fees, and paid or missing as funding.

Every line is read from a ledger that stands at a mark, or from the records that it kept in a period. Values are in
quote; None is unknown, and stays so: a sum with an unknown in it says how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

from hedgerow.ledger.entries import EXACT, FEES, LIQUIDATION, ZERO, plus, times
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.lots import Disposal
from hedgerow.ledger.positions import Position
from hedgerow.ledger.records import Derivative, MissingFunding
from hedgerow.model.event import Event, Fill, Funding
from hedgerow.model.instrument import Kind, from_symbol
from hedgerow.units import NS_PER_DAY

HIGH_RISK: Final = "high risk"  # wherever leverage above 1x shows


class Holding(NamedTuple):
    """One currency over all accounts. ``price`` and what follows are in quote.

    ``cost`` is that of the lots that are left and ``average_cost`` the same a coin; ``unrealised`` is value less cost.
    ``outstanding`` is the principal that no sale has brought back yet (of what was bought outside of the carry sleeve);
    with none left, the holding is called house money. That is a label of the accounts: every coin stays at its full
    market risk (E-10). The quote itself has no cost.
    """

    currency: str
    amount: Decimal
    price: Decimal | None
    value: Decimal | None
    cost: Decimal | None
    average_cost: Decimal | None
    unrealised: Decimal | None
    outstanding: Decimal | None
    house_money: bool


class OpenPosition(NamedTuple):
    """A futures position: ``size`` in coins (inverse: quote of notional), short negative; ``entry`` and ``mark`` prices.

    ``notional`` (above 0) and ``unrealised`` are in quote, ``funding`` since it was opened in ``settle`` (above 0:
    received). ``leverage`` is the account's notional of all positions over its equity, None where one is not known.
    """

    account: str
    instrument: str
    sleeve: str
    size: Decimal
    entry: Decimal | None
    mark: Decimal | None
    notional: Decimal | None
    unrealised: Decimal | None
    funding: Decimal
    settle: str
    opened_ns: int
    leverage: Decimal | None

    @property
    def risk(self) -> str:
        """``high risk`` above 1x, as it is shown to two decimals; else nothing."""
        return HIGH_RISK if self.leverage is not None and round(self.leverage, 2) > 1 else ""


class Realised(NamedTuple):
    """What closing brought in a period: ``name`` is a currency (``kind`` spot) or a contract (``kind`` futures).

    ``gain`` is the sum of what is known, of ``records`` disposals or closes; ``unknown`` of them have no basis or price.
    """

    kind: str
    name: str
    records: int
    proceeds: Decimal
    gain: Decimal
    unknown: int


class Fee(NamedTuple):
    """Fees paid in one currency (above 0), what a venue kept in liquidations apart."""

    currency: str
    amount: Decimal
    liquidation: Decimal


class Payments(NamedTuple):
    """Funding of one contract in a period, in ``currency``: ``received`` and ``paid`` are above 0.

    ``missing`` payments are of unknown amount. They are in no sum; ``expected`` is what rate, mark and position would
    give for them, None where that is not known of all.
    """

    instrument: str
    sleeve: str
    currency: str
    payments: int
    received: Decimal
    paid: Decimal
    missing: int
    expected: Decimal | None


class Silence(NamedTuple):
    """A time in which a perpetual was open and the events say nothing of funding, for longer than a day."""

    account: str
    instrument: str
    since_ns: int
    until_ns: int


def holdings(ledger: Ledger) -> tuple[Holding, ...]:
    """What is held at the last mark: the quote first, then by value."""
    costs: dict[str, Decimal | None] = {}
    in_lots: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for lot in ledger.open_lots():
            costs[lot.currency] = plus(costs.get(lot.currency, ZERO), lot.cost)
            in_lots[lot.currency] = in_lots.get(lot.currency, ZERO) + lot.amount
        stakes = ledger.principal()
        found = []
        for currency, amount in ledger.totals().items():
            price, is_quote = ledger.of.get(currency), currency == ledger.quote
            cost = costs.get(currency) if in_lots.get(currency) == amount else None  # overdrawn: no lot for all of it
            worth, stake = times(amount, price), stakes.get(currency)
            outstanding = None if is_quote or stake is None else stake.outstanding
            average = None if cost is None or amount <= 0 else cost / amount
            gain = None if worth is None or cost is None else worth - cost
            house = outstanding == 0 and amount > 0 and stake is not None and stake.invested > 0
            found.append(Holding(currency, amount, price, worth, cost, average, gain, outstanding, house))
    return tuple(sorted(found, key=lambda one: (one.currency != ledger.quote, -(one.value or ZERO), one.currency)))


def positions(ledger: Ledger) -> tuple[OpenPosition, ...]:
    """What is open at the last mark, by account and contract."""
    leverage, gains = leverages(ledger), ledger.value().positions
    found = []
    for held, position in sorted(ledger.positions.items()):
        found.append(
            OpenPosition(
                *held, position.size, position.entry, ledger.prices.get(held.instrument), _notional(ledger, position),
                gains[held], position.funding, position.contract.settle, position.opened_ns, leverage.get(held.account),
            )
        )  # fmt: skip
    return tuple(found)


def leverages(ledger: Ledger) -> dict[str, Decimal]:
    """Notional of all positions of an account over its equity, at the last mark; accounts without a price left out."""
    gains = ledger.value().positions
    equity: dict[str, Decimal | None] = {}
    notional: dict[str, Decimal | None] = {}
    with localcontext(EXACT):
        for held, position in ledger.positions.items():
            equity[held.account] = plus(equity.get(held.account, ZERO), gains[held])
            notional[held.account] = plus(notional.get(held.account, ZERO), _notional(ledger, position))
        for (account, currency), amount in ledger.balances.items():
            if account in equity and amount:
                equity[account] = plus(equity[account], times(amount, ledger.of.get(currency)))
        pairs = {account: (worth, equity[account]) for account, worth in notional.items()}
        return {
            account: worth / own
            for account, (worth, own) in pairs.items()
            if worth is not None and own is not None and own > 0
        }


def _notional(ledger: Ledger, position: Position) -> Decimal | None:
    """Value of a position in quote at the last mark, above 0."""
    mark = ledger.prices.get(position.contract.symbol)
    if mark is None:
        return None
    with localcontext(EXACT):
        return times(abs(position.value(position.size, mark)), ledger.of.get(position.contract.settle))


def realised(disposals: Iterable[Disposal], derivatives: Iterable[Derivative]) -> tuple[Realised, ...]:
    """Gains by currency and by contract; withdrawals are no sale, and fees and funding have lines of their own."""
    lines: dict[tuple[str, str], list[Decimal | int]] = {}
    closed = [("spot", one.currency, one.proceeds, one.gain) for one in disposals if one.kind != "withdrawal"]
    closed += [
        ("futures", one.instrument, ZERO, one.value) for one in derivatives if one.kind not in ("funding", "fee")
    ]
    with localcontext(EXACT):
        for kind, name, proceeds, gain in closed:
            line = lines.setdefault((kind, name), [0, ZERO, ZERO, 0])
            line[0] += 1
            line[1] += proceeds or ZERO
            line[2] += gain or ZERO
            line[3] += gain is None
    return tuple(
        Realised(*key, int(n), Decimal(proceeds), Decimal(gain), int(unknown))
        for key, (n, proceeds, gain, unknown) in sorted(lines.items(), key=lambda row: (row[0][0] != "spot", row[0][1]))
    )


def fees(before: Mapping[tuple[str, str], Decimal], after: Mapping[tuple[str, str], Decimal]) -> tuple[Fee, ...]:
    """Fees by currency between two states of ``Ledger.nominal``."""
    names = sorted({currency for account, currency in after if account in (FEES, LIQUIDATION)})
    with localcontext(EXACT):
        found = [
            Fee(
                name, *(after.get((account, name), ZERO) - before.get((account, name), ZERO) for account in (FEES, LIQUIDATION))
            )
            for name in names
        ]  # fmt: skip
    return tuple(fee for fee in found if fee.amount or fee.liquidation)


def payments(derivatives: Iterable[Derivative], missing: Iterable[MissingFunding]) -> tuple[Payments, ...]:
    """Funding by contract and sleeve, with the payments that nobody knows."""
    paid: dict[tuple[str, str], list[Derivative]] = {}
    lost: dict[tuple[str, str], list[MissingFunding]] = {}
    for one in derivatives:
        if one.kind == "funding":
            paid.setdefault((one.instrument, one.sleeve), []).append(one)
    for gone in missing:
        lost.setdefault((gone.instrument, gone.sleeve), []).append(gone)
    found = []
    with localcontext(EXACT):
        for key in sorted({*paid, *lost}):
            own, without = paid.get(key, []), lost.get(key, [])
            amounts = [one.amount for one in own]
            expected: Decimal | None = ZERO
            for gone in without:
                expected = plus(expected, gone.expected)
            found.append(
                Payments(
                    *key, own[0].currency if own else from_symbol(key[0]).settle, len(own),
                    sum((amount for amount in amounts if amount > 0), ZERO),
                    -sum((amount for amount in amounts if amount < 0), ZERO), len(without), expected,
                )
            )  # fmt: skip
    return tuple(found)


def silences(events: Iterable[Event], since_ns: int, until_ns: int) -> tuple[Silence, ...]:
    """Where payments must be missing between two moments: no venue pays funding less often than once a day."""
    sizes: dict[tuple[str, str], Decimal] = {}
    heard: dict[tuple[str, str], int] = {}
    found = []

    def hear(key: tuple[str, str], at_ns: int) -> None:
        since = max(since_ns, heard.get(key, at_ns))
        if sizes.get(key) and min(at_ns, until_ns) - since > NS_PER_DAY:
            found.append(Silence(*key, since, min(at_ns, until_ns)))
        heard[key] = at_ns

    for event in events:
        if isinstance(event, Funding):
            hear((event.account, event.instrument), event.at_ns)
        elif isinstance(event, Fill) and from_symbol(event.instrument).kind is Kind.PERPETUAL:
            key = event.account, event.instrument
            size = sizes.get(key, ZERO)
            rest = size + event.amount
            if not size:
                heard[key] = event.at_ns
            elif not rest:
                hear(key, event.at_ns)
            sizes[key] = rest
    for key in list(sizes):
        hear(key, until_ns)
    return tuple(found)
