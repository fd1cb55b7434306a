"""Downloads of exchanges: made-up rows in the columns that are known, read into the events that they state."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgerow.errors import ConfigError
from hedgerow.model.event import Event, Fill, Flow, Funding, Income, Transfer
from hedgerow.store.events import stamp
from hedgerow.store.exchange_csv import Import, read_exports

SPOT = (
    "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
    '2022-03-01 12:00:05,BTCUSDT,BUY,"42,000.50",0.1BTC,"4,200.05USDT",0.0001BTC\n'
    "2022-03-02 12:00:05,1INCHUSDT,SELL,1.5,2001INCH,300USDT,0.0008BNB\n"
)
OLD_SPOT = (
    "Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin\n2019-03-01 12:00:05,ETHBTC,BUY,0.03,2,0.06,0.002,ETH\n"
)
FUTURES = (
    "Uid,Time,Symbol,Side,Price,Quantity,Amount,Fee,Realized Profit,Buyer,Maker,Trade ID,Order ID\n"
    "1,22-03-01 14:00:05,BTCUSDT,SELL,42010,0.5,21005,8.402USDT,0,false,false,77,5\n"
    "1,22-03-05 14:00:05,BTCUSDT_220325,BUY,41000,0.5,20500,0.01 BNB,505,true,false,77,6\n"
)
TRANSACTIONS = (
    "Date(UTC),type,Amount,Asset,Symbol,Transaction ID\n"
    "2022-03-01 16:00:00,FUNDING_FEE,-1.25,USDT,BTCUSDT,1\n"
    "2022-03-01 16:00:00,COMMISSION,-8.402,USDT,BTCUSDT,2\n"
    "2022-03-01 09:00:00,TRANSFER,5000,USDT,,3\n"
    "2022-03-09 09:00:00,TRANSFER,-100,USDT,,4\n"
    "2022-03-09 09:00:00,REFERRAL_KICKBACK,0.5,USDT,,5\n"
)
WITHDRAWALS = (
    "Date(UTC+0),Coin,Network,Amount,Fee,Address,TXID,Status\n"
    "2022-04-01 10:00:00,BTC,BTC,0.05,0.0002,abc,tx1,Completed\n"
    "2022-04-01 11:00:00,BTC,BTC,0.05,0.0002,abc,tx2,Cancelled\n"
)
DEPOSITS = "Date(UTC+0),Coin,Network,Amount,Address,TXID,Status\n2022-02-01 10:00:00,USDT,TRX,9000,abc,tx0,Completed\n"
BYBIT_SPOT = (
    "Spot Pairs,Order Type,Direction,Filled Value,Filled Price,Filled Quantity,Fees,Transaction ID,Order No.,Timestamp (UTC)\n"
    "ICPUSDT,LIMIT,BUY,80.2,8.02,10,0.01,2200,539,14:35 2024-11-16\n"
    "ICPUSDT,MARKET,SELL,46.6,9.32,5,0.0466,2201,540,9:05 2024-11-17\n"
)
BYBIT_FUTURES = (
    "Time,Currency,Contract,Type,Direction,Quantity,Position,Filled Price,Funding,Fee Paid,Cash Flow,Change,"
    "Wallet Balance,Fee Rate,Trade ID,Order ID\n"
    "2023-01-02 10:00:00,USDT,BTCUSDT,trade,Open Short,0.2,-0.2,16700,0,2.0,0,-2.0,998,0.0006,t1,o1\n"
    "2023-01-02 16:00:00,USDT,BTCUSDT,funding,--,0.2,-0.2,16700,-0.33,0,0,0.33,998.33,0.0001,t2,o2\n"
    "2023-01-03 10:00:00,USDT,BTCUSDT,trade,Close Short,0.2,0,16500,0,2.0,40,38,1036,0.0006,t3,o3\n"
    "2023-01-04 10:00:00,USDT,--,transferOut,--,0,0,0,0,0,-36,-36,1000,0,t4,o4\n"
)


def read(tmp_path: Path, *texts: str, **more: Any) -> Import:
    paths = []
    for i, text in enumerate(texts):
        path = tmp_path / f"{i}.csv"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return read_exports(paths, **more)


def only(tmp_path: Path, text: str, **more: Any) -> tuple[Event, ...]:
    return read(tmp_path, text, **more).events


def test_binance_spot(tmp_path: Path) -> None:
    bought, sold = only(tmp_path, SPOT)
    assert isinstance(bought, Fill)
    assert isinstance(sold, Fill)
    assert (bought.instrument, bought.amount, bought.price) == ("BTC/USDT", Decimal("0.1"), Decimal("42000.50"))
    assert (bought.fee, bought.fee_currency, bought.account) == (Decimal("0.0001"), "BTC", "binance spot")
    assert stamp(bought.at_ns) == "2022-03-01T12:00:05Z"
    assert (sold.instrument, sold.amount, sold.fee_currency) == ("1INCH/USDT", Decimal(-200), "BNB")


def test_binance_spot_of_older_days(tmp_path: Path) -> None:
    (bought,) = only(tmp_path, OLD_SPOT)
    assert isinstance(bought, Fill)
    assert (bought.instrument, bought.amount, bought.fee_currency) == ("ETH/BTC", 2, "ETH")


def test_binance_futures_in_the_zone_that_is_told(tmp_path: Path) -> None:
    perp, dated = only(tmp_path, FUTURES, offset="+02:00")
    assert isinstance(perp, Fill)
    assert isinstance(dated, Fill)
    assert (perp.instrument, perp.amount, stamp(perp.at_ns)) == (
        "BTC/USDT:USDT",
        Decimal("-0.5"),
        "2022-03-01T12:00:05Z",
    )
    assert (dated.instrument, dated.fee, dated.fee_currency) == ("BTC/USDT:USDT-220325", Decimal("0.01"), "BNB")


def test_a_time_without_a_zone_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 2: Time: the column does not say which zone") as caught:
        only(tmp_path, FUTURES)
    assert "--utc-offset" in caught.value.fix


def test_binance_transactions(tmp_path: Path) -> None:
    made = read(tmp_path, TRANSACTIONS)
    into, funding, out, gift = made.events
    assert isinstance(into, Transfer)
    assert (into.account, into.to, into.amount) == ("binance spot", "binance futures", 5_000)
    assert isinstance(funding, Funding)
    assert (funding.amount, funding.instrument) == (Decimal("-1.25"), "BTC/USDT:USDT")
    assert isinstance(out, Transfer)
    assert (out.account, out.to, out.amount) == ("binance futures", "binance spot", 100)
    assert isinstance(gift, Income)
    assert gift.kind == "reward"
    assert list(made.left_out.values()) == [1]
    assert "fills state too" in next(iter(made.left_out))


def test_binance_deposits_and_withdrawals(tmp_path: Path) -> None:
    made = read(tmp_path, WITHDRAWALS, DEPOSITS)
    came, went, fee = made.events
    assert isinstance(came, Flow)
    assert isinstance(went, Flow)
    assert isinstance(fee, Income)
    assert (came.amount, went.amount, fee.amount, fee.kind) == (9_000, Decimal("-0.05"), Decimal("-0.0002"), "charge")
    assert made.left_out == {"not completed (Cancelled)": 1}


def test_bybit_spot_pays_fees_in_what_it_received(tmp_path: Path) -> None:
    bought, sold = only(tmp_path, BYBIT_SPOT)
    assert isinstance(bought, Fill)
    assert isinstance(sold, Fill)
    assert (bought.fee_currency, sold.fee_currency) == ("ICP", "USDT")
    assert (bought.amount, sold.amount) == (10, -5)
    assert [stamp(one.at_ns) for one in (bought, sold)] == ["2024-11-16T14:35:00Z", "2024-11-17T09:05:00Z"]


def test_bybit_futures_take_funding_from_the_change_of_the_wallet(tmp_path: Path) -> None:
    opened, funding, closed, moved = only(tmp_path, BYBIT_FUTURES, offset="+00:00")
    assert isinstance(opened, Fill)
    assert isinstance(closed, Fill)
    assert isinstance(funding, Funding)
    assert isinstance(moved, Transfer)
    assert (opened.amount, closed.amount) == (Decimal("-0.2"), Decimal("0.2"))
    assert funding.amount == Decimal("0.33")
    assert (moved.account, moved.to, moved.amount) == ("bybit futures", "bybit spot", 36)


def test_what_two_files_both_hold_is_kept_once_and_equal_fills_are_two(tmp_path: Path) -> None:
    head, row = SPOT.splitlines()[:2]
    assert len(only(tmp_path, SPOT)) == len(read(tmp_path, SPOT, SPOT).events) == 2
    twice = read(tmp_path, f"{head}\n{row}\n{row}\n", f"{head}\n{row}\n")
    assert [event.id.endswith("#2") for event in twice.events] == [False, True]


def test_columns_that_are_named_read_any_table_of_fills(tmp_path: Path) -> None:
    named = {"time": "When (UTC)", "instrument": "Market", "side": "Way", "amount": "Size", "price": "At", "fee": "Cost",
             "fee_currency": "In"}  # fmt: skip
    (sold,) = only(
        tmp_path, "When (UTC),Market,Way,Size,At,Cost,In,Memo\n2022-01-01,BTCUSDT,sell,2,1,0.1,USDT,x\n", columns=named
    )
    assert isinstance(sold, Fill)
    assert (sold.instrument, sold.amount, sold.fee) == ("BTC/USDT", -2, Decimal("0.1"))
    with pytest.raises(ConfigError, match='no column "At"'):
        only(tmp_path, "When (UTC),Market,Way,Size,Cost,In\n2022-01-01,BTCUSDT,sell,2,0.1,USDT\n", columns=named)
    with pytest.raises(ConfigError, match="does not say which is amount"):
        only(tmp_path, "a\n1\n", columns={"time": "a"})


@pytest.mark.parametrize(
    "text",
    [
        FUTURES.replace(",0.5,21005", ",-0.5,21005"),
        SPOT.replace("2001INCH", "-2001INCH"),
        OLD_SPOT.replace("BUY,0.03,2", "SELL,0.03,-2"),
    ],
)
def test_a_sale_stays_a_sale_where_its_amount_bears_a_sign_too(tmp_path: Path, text: str) -> None:
    sold = [event for event in only(tmp_path, text, offset="+00:00") if isinstance(event, Fill)]
    assert [event.amount < 0 for event in sold].count(True) == 1


REFUSED = [
    (SPOT.replace("0.1BTC", "0.1ETH"), "line 2: Pair", "not of BTCUSDT"),
    (SPOT.replace("BUY", "GIFT"), "line 2: Side", '"GIFT" is no side'),
    (SPOT.replace("0.0001BTC", "abc"), "line 2: Fee", "no amount with a currency"),
    (SPOT.replace("2022-03-01 12", "01.03.2022 12"), "line 2: Date(UTC)", "is no time"),
    (OLD_SPOT.replace("ETHBTC", "ETHXYZ"), "line 2: Market", "no pair of a known quote"),
    (FUTURES.replace("BTCUSDT,", "BTCUSD_PERP,"), "line 2: Symbol", "coin-margined"),
    (TRANSACTIONS.replace("REFERRAL_KICKBACK", "LOTTERY"), "line 6: type", '"LOTTERY" is not known'),
    (BYBIT_FUTURES.replace(",trade,Open", ",gift,Open"), "line 2: Type", '"gift" is not known'),
    (SPOT.replace('"42,000.50"', '"42000,50"'), "line 2: Price", '"42000,50" has a comma'),
    (SPOT.replace('"42,000.50"', '"42.000,50"'), "line 2: Price", '"42.000,50" has a comma'),
    (SPOT.replace("0.0001BTC", '"0,0001BTC"'), "line 2: Fee", '"0,0001" has a comma'),
    (OLD_SPOT.replace(",", ";").replace("0.03", "0,03"), "line 2: Price", '"0,03" has a comma'),
    (DEPOSITS.replace(",", ";").replace("9000", "0,500"), "line 2: Amount", '"0,500" has a comma'),
    (
        TRANSACTIONS.replace("-1.25,USDT", "-1.25,BNFCR"),
        "line 2: Asset",
        "pays funding in USDT, and the row is in BNFCR",
    ),
    (
        BYBIT_FUTURES.replace("16:00:00,USDT", "16:00:00,USDC"),
        "line 3: Currency",
        "pays funding in USDT, and the row is",
    ),
    ("a,b\n1,2\n", "", "no known export has the columns a, b"),
]


@pytest.mark.parametrize(("text", "place", "message"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        only(tmp_path, text, offset="+00:00")
    assert caught.value.where == str(tmp_path / "0.csv") + (f": {place}" if place else "")
    assert message in caught.value.message
    assert caught.value.fix
