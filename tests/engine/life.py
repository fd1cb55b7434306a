"""The life of one portfolio in the machine: its processes, what they took in, and what must hold of them all."""

from __future__ import annotations

from collections import Counter as Tally
from decimal import Decimal
from random import Random
from typing import Any

from hedgerow.engine.checkpoint import state_of
from hedgerow.engine.drive import Pump
from hedgerow.engine.engine import Engine
from hedgerow.engine.replay import replay, take_up
from hedgerow.engine.translate import universe_plain
from hedgerow.kernel import arrays as k
from hedgerow.ledger.ledger import Ledger
from hedgerow.model.codec import NAMES, decode, encode
from hedgerow.model.command import Begin, Wake
from hedgerow.model.event import Flow
from hedgerow.model.order import ALIVE
from hedgerow.units import NS_PER_SECOND
from tests.engine.counter import Counter
from tests.engine.desk import Rows
from tests.engine.told import DUST, SYMBOLS, ZERO, Told
from tests.simulation.disk import Disk, DiskJournal
from tests.simulation.run import CASH, LAG, TEXT, UNIVERSE, WEIGHTS, now, stage

CLOSE = Decimal("1e-9")
LOT = Decimal("1e-4")
EVERY = 20  # events between two checkpoints
MANDATE = {
    "collar": "0.2", "deadline": 3.0, "lag": float(LAG), "look_every": 1.0, "patience": 120.0, "orders_minute": 100,
    "slice_wait": 1.0, "expires_hours": 5.0, "fresh": 30.0,
}  # fmt: skip
happened: Tally[str] = Tally()  # over all examples, so that a test can say that it was no empty one


class Life:
    """An engine, the venue that it talks to, the rows that are durable, and the model of what it was told."""

    def start(self, number: int, level: str, *, two: bool, style: str, separate: bool) -> None:
        """Begin a portfolio on a made market."""
        self.stage = stage(number)
        self.t, self.now_ns = 0, int(self.stage.market.open_ns[0])
        self.counter, self.told, self.disk = Counter(CASH, LAG * NS_PER_SECOND), Told(), Disk()
        self.meddled = self.lied = False
        self.prints: dict[int, bytes] = {}
        self.known: dict[str, tuple[Decimal, bool]] = {}
        self.peak: dict[str, Decimal] = {}
        self.commands = self.told_ns = 0
        self.opens()
        self.pump = self.process()
        mandate = MANDATE | {"autonomy": level, "style": style}
        mandate |= {"two_above": "1000"} if two and level == "approve" else {}
        begin = Begin(
            self.now_ns, "0", "paper", "mach", TEXT, universe_plain(UNIVERSE), WEIGHTS, {"cash": str(CASH)}, mandate,
            {"filters": False} if separate else {},
        )  # fmt: skip
        self.take(begin)
        self.take(Wake(self.now_ns, "0", self.journal.token))
        self.take(self.counter.picture(self.now_ns))

    def process(self) -> Pump:
        """A new process, whose journal fences the one before."""
        self.journal = DiskJournal(self.disk, Random(0), 0.0, 0.0)
        days = {int(day): self.stage.signals[d] for d, day in enumerate(self.stage.market.days_ns)}
        return Pump(Engine(Rows(days), EVERY), self.journal)

    @property
    def engine(self) -> Engine:
        return self.pump.engine

    def take(self, event: Any) -> None:
        """What the loop does, with a look at each row."""
        made: list[Any] = []
        self.pump.tell = made.append
        leaving = self.pump.take(event)
        self.told.step(event, made[1:])
        happened[NAMES[type(event)]] += 1
        if self.journal.head.seq == len(self.disk.rows):
            self.prints[len(self.disk.rows)] = self.engine.fold.fingerprint()
        for record in made[1:]:
            name = NAMES[type(record)]
            happened[name] += 1
            decode(name, encode(record))  # whoever asks for it later can read it
        now(self.pump.send(leaving, self.counter))

    def pick(self, of: Any, which: int) -> Any:
        found = list(of)
        return found[which % len(found)] if found else None

    def opens(self) -> None:
        """The next bar opens: the venue's prices are its own."""
        for i, symbol in enumerate(SYMBOLS):
            price = self.stage.market.open[self.t, i]
            if price > 0.0:
                self.counter.price[symbol] = Decimal(repr(round(float(price), 6)))

    # ---- processes ------------------------------------------------------------------------------------------------------

    def again(self, seconds: int, *, killed: bool, whole: bool) -> None:
        """Another process takes the portfolio up, from the first row if ``whole``."""
        if not killed:
            self.pump.commit()
            self.prints[len(self.disk.rows)] = self.engine.fold.fingerprint()
        lost = self.journal.head.seq - len(self.disk.rows)
        happened["lost rows"] += lost > 0
        self.meddled |= lost > 0  # a fact that is lost with its row is told by no one
        self.now_ns += seconds * NS_PER_SECOND
        self.counter.asked.clear()
        self.pump = self.process()
        self.replayed(self.engine)
        saved = [row for row in self.journal.read() if row.kind == "checkpoint"]
        if saved and not whole:
            happened["from a checkpoint"] += 1
            before, self.pump = self.pump, self.process()
            take_up(self.engine, self.journal, saved[-1])
            assert state_of(self.engine) == state_of(before.engine), "from its checkpoint it is another engine"
        if lost:
            self.known = {}
        self.take(Wake(max(self.now_ns, self.engine.now_ns), "0", self.journal.token))

    def replayed(self, engine: Engine) -> None:
        """Rows and bits are those that were."""
        rows = replay(engine, self.journal.read()).rows
        assert rows == len(self.disk.rows)
        assert engine.fold.fingerprint() == self.prints[rows], "the book has other bits"
        self.told = Told()
        event, made = None, []
        for row in self.disk.rows:
            if row.way == "in":
                if event is not None:
                    self.told.step(event, made)
                event, made = decode(row.kind, row.body), []
            else:
                made.append(decode(row.kind, row.body))
        if event is not None:
            self.told.step(event, made)

    # ---- what must hold -------------------------------------------------------------------------------------------------

    def same_ledger(self) -> None:
        """The facts in the journal, folded by the ledger, are the account, to a billionth of a cent."""
        ledger, facts, seen = Ledger("USDT"), [Flow(0, "start", "spot", "USDT", CASH, Decimal(1))], set()
        for row in self.disk.rows:
            if row.kind in ("fill", "transfer", "funding", "flow"):
                fact = decode(row.kind, row.body)
                if (row.kind, fact.id) not in seen:
                    seen.add((row.kind, fact.id))
                    facts.append(fact)
        ledger.fold(sorted(facts, key=lambda fact: fact.at_ns))
        account = self.told.account
        there = {("spot", "USDT"): account.cash} | {("spot", name): coins for name, coins in account.coins.items()}
        there |= {(f"margin {symbol}", "USDT"): backed for symbol, backed in account.collateral.items()}
        for where, amount in there.items():
            ours = ledger.balances.get(where, ZERO)
            assert abs(ours - amount) <= Decimal("1e-11") * max(abs(amount), Decimal(1)), f"{where}: {ours}, {amount}"

    def same_account(self, most: float = 0.0) -> bool:
        """Whether what was told is what there is, but for less than half a lot."""
        told, there = self.told.account, self.counter.account
        pairs = [(told.cash, there.cash)]
        for ours, theirs in ((told.coins, there.coins), (told.size, there.size), (told.collateral, there.collateral)):
            pairs += [(ours.get(name, ZERO), theirs.get(name, ZERO)) for name in {*ours, *theirs}]
        near = CLOSE / 10 if not most else CLOSE
        return all(abs(a - b) <= max(Decimal(most) / 10_000, near * max(abs(a), abs(b), Decimal(1))) for a, b in pairs)

    def same_book(self) -> None:
        book, account = self.engine.fold.desk.book, self.told.account
        pairs = {"USDT": (float(book.wallet[k.W_CASH, 0]), account.cash)}
        for i, symbol in enumerate(SYMBOLS):
            if i < len(UNIVERSE.assets):
                asset = UNIVERSE.assets[i]
                pairs[asset] = float(book.asset[k.B_HELD, i]), account.coins.get(asset, ZERO)
                continue
            pairs[symbol] = float(book.inst[k.P_UNITS, i]), account.size.get(symbol, ZERO)
            pairs[f"{symbol} collateral"] = float(book.inst[k.P_COLLATERAL, i]), account.collateral.get(symbol, ZERO)
            if account.size.get(symbol, ZERO):
                pairs[f"{symbol} entry"] = float(book.inst[k.P_ENTRY, i]), account.entry[symbol]
        for what, (ours, amount) in pairs.items():
            most = max(self.peak.get(what, Decimal(1)), abs(amount))  # a book forgets what is dust of that
            self.peak[what] = most
            assert abs(Decimal(repr(ours)) - amount) <= CLOSE * most, f"{what}: {ours} in the book, {amount} was told"

    def same_orders(self) -> None:
        alive = {name for name, one in self.told.orders.items() if not one.end}
        assert alive == set(self.engine.orders.alive), "what is alive is not what was told"
        for name, live in self.engine.orders.known.items():
            filled, over = self.known.get(name, (ZERO, False))
            assert live.filled >= filled, f"{name} shrank from {filled} to {live.filled}"
            assert live.status not in ALIVE or not over, f"{name} was at its end, and is {live.status}"
            assert live.filled == self.told.orders[name].filled
            self.known[name] = live.filled, live.status not in ALIVE

    def sound_account(self) -> None:
        account = self.counter.account
        assert account.cash >= -DUST, f"{account.cash} cash at the venue"
        for asset, coins in account.coins.items():
            short = -account.size.get(f"{asset}/USDT:USDT", ZERO)
            assert coins >= -DUST, f"{coins} {asset} at the venue"
            assert short >= -DUST, f"long futures on {asset}: {-short}"
            assert self.meddled or self.lied or short <= coins * (1 + DUST) + LOT, f"short {short} of {coins} {asset}"
