"""What the generated reference says beside the code: introductions, and what the schema leaves unsaid."""

# ruff: noqa: E501  (text, a cell of a table on a line)

from __future__ import annotations

import re
from typing import Final

from hedgerow.model import policy

COMMANDS: Final = """\
`hedgerow` is the installed command; `./run` in the repository takes the same words (`./run plan ...` is `hedgerow plan
...`) and makes the environment first. Days are named by the opening of their daily bar in UTC. Results go to standard
output, progress and errors to standard error. A path printed for you stands alone on the last line. What the exit codes
mean: [errors](errors.md).
"""

POLICY: Final = """\
A policy is one TOML file. Every row is a named table, so that `trim.drift.threshold` names exactly one cell. A quantity
is written with its unit, as text: `threshold = "10 pp"`. An unknown key is an error that names the nearest known one.

A file may begin with `extends = "balanced"` (a built-in policy or another file): its own cells win over those of the
base, and `without = ["trim.drift"]` leaves rows of the base out. Both stand above the first table. Without a `name` and a
`title` of its own it is called as its file, and "from" the base.

`hedgerow policy check FILE` judges a file, `hedgerow policy explain FILE` prints it as a person reads it. In the tables
below the *source* names where a number comes from: a section of the domain reference (2.15, 2A-9), a requirement of the
article that the project started from (R-012), or a ruling on what the article leaves open (E-05). Every table of a policy
may carry `source`, a text of your own that says where its numbers come from.
"""

UNITS: Final = """\
A bare number is allowed only where the unit is none, `x`, `sd`, `points` or `quote`. `pp` are percentage points of net
asset value, `bp` a hundredth of a percent, `sd` standard deviations, `points` the points of an index.
"""

# record -> title and text, in the order of the page
TABLES: Final = (
    ("targets", policy.Targets, "`[targets]`, with `[targets.weights]` by asset. Without weights the assets share equally what the reserve leaves.\n"),
    ("vote", policy.Vote, "`[vote.NAME]`, any number up to 62. Votes are answered in the order of the file; a composite may name only votes above it. A vote whose measure is unknown abstains: it is neither an alarm nor a sign of calm.\n"),
    ("gate", policy.Gate, "Not a table of its own: the value of `enter`, `leave`, `leave_shock` and `when`, written inline: `{ at_least = 2, of = [\"a\", \"b\", \"c\"], all = [\"d\"] }`. An empty gate always holds.\n"),
    ("regime", policy.Regime, "`[regime.NAME]`. The rows are tried from the top at each daily close, for each asset. The last one is the fallback.\n"),
    ("trim", policy.Trim, "`[trim.NAME]`. Where several rows fire for one asset, the largest sale wins; they are not added up.\n"),
    ("rebalance", policy.Rebalance, "`[rebalance]`. On such a day the trim rows do not act.\n"),
    ("hedge", policy.Hedge, "`[hedge]`. The wanted ratio is the greatest of the parts below that are present.\n"),
    ("hedge.vol", policy.VolTarget, "`[hedge.vol]`; without the table there is no volatility target.\n"),
    ("hedge.trend", policy.Trend, "`[hedge.trend]`; without the table there is no trend hedge.\n"),
    ("reinforce", policy.Reinforce, "`[reinforce.NAME]`. Rungs of all live rows add up, to `hedge.max_extra` at most.\n"),
    ("ladder", policy.LadderStep, "`[ladder.NAME]`. Each step acts once between an entry into a regime with `ladder = true` and its end.\n"),
    ("deploy", policy.Deploy, "`[deploy]`.\n"),
    ("costs", policy.Costs, "`[costs]`. The plan's estimate and the simulated fill use the same numbers.\n"),
    ("guard", policy.Guard, "`[guard]`.\n"),
    ("margin", policy.Margin, "`[margin]`. Distance is liquidation price over mark price, less 1.\n"),
)  # fmt: skip

FIELDS: Final = {
    "Policy.name": "letters, digits, spaces, points, hyphens; at most 60",
    "Policy.title": "one line for people",
    "Policy.description": "what it does and for whom",
    "Policy.version": "raise it when you change a rule",
    "Policy.targets": "the wanted portfolio",
    "Policy.costs": "what trading costs",
    "Policy.guard": "limits on legs",
    "Policy.margin": "the buffer of each short",
    "Policy.hedge": "how the hedge ratio is made",
    "Policy.deploy": "how stablecoins are spent near a bottom",
    "Policy.rebalance": "periodic or threshold rebalancing, both ways",
    "Policy.vote": "questions about measures",
    "Policy.regime": "the regime table",
    "Policy.trim": "reasons to sell",
    "Policy.reinforce": "reasons to add to the hedge for a while",
    "Policy.ladder": "steps of the hedge inside a regime",
    "Head.quote": "the stablecoin that everything is counted in",
    "Position.amount": "coins; negative is short. A long position is refused",
    "Position.entry": "average entry price, in quote",
    "Position.collateral": "margin posted for this position, in the settle currency",
}

MEASURES: Final = """\
A measure is one number a day and asset. Policy rows name measures; `hedgerow policy explain NAME` lists those that a
policy reads. Every measure is a function of completed daily bars alone. *Days* is how many daily bars the value depends
on, the last one included; what needs more bars than there are is unknown, and a vote on it abstains. *Read by* names
the built-in policies whose rows read the measure directly; the kernel itself reads some more (volatility for sizes and
costs, turnover for liquidity, funding for the carry veto).
"""

SCOPES: Final = {
    "asset": ("By asset", "Measured on each asset's own spot market, perpetual and dated contracts.\n"),
    "market": ("Of the whole market", "One value a day, the same for every asset.\n"),
    "book": ("Of the book", "Taken from the portfolio at the moment of decision.\n"),
}

TALIB: Final = """\
## Any indicator of TA-Lib

A row may name any function of TA-Lib that reads open, high, low, close or volume: `talib:RSI(14)`,
`talib:MACD(12,26,9).macdhist`, `talib:BBANDS(timeperiod=20).upperband`. Parameters stand by place or by name; a function
with several outputs needs the output's name behind a point. Thresholds on it are plain numbers. The value of a day is
computed from exactly the last 250 daily bars, or more where the look-back asks for it, so a backtest and a later live
run see the same number. See [how to write rows](../how-to/write-rows.md).
"""

REASONS: Final = """\
Every leg that is traded carries a reason, and everything that was wanted and not traded carries a refusal. Both come with
the measured value and the threshold that it was held against; the sentence is what the terminal and the report print.
*Written* says whether the engine writes the code in this version; codes that say "not yet" are reserved so that numbers
never change their meaning.
"""
DONE: Final = "Why a leg is traded. `reason` in JSON.\n"
REFUSED: Final = "Why a leg, or a part of one, is not traded. `refused` in JSON; `reason` then says what was wanted.\n"

POLICIES: Final = """\
One TOML file each, in `src/hedgerow/policies`. The first five are products; the rest are the benchmarks that every
backtest runs beside the policy, on the same market and with the same costs. `seed` is both: benchmark B7.
`hedgerow policy show NAME` prints the file, `hedgerow policy explain NAME` explains every number.
"""

POLICY_NOTES: Final = {
    "balanced": "Why it is built so, with the evidence for and against it: [why the default is what it is](../explanation/default.md).\n",
    "seed": "It follows the article even where measurement advises against it, so that the two can be compared.\n",
    "hedge-only": "Regimes trim nothing, and the drift rows are left out. Spot may still be sold to fund a short.\n",
    "trim-only": "The cap of 0 % means that no short is ever opened, so it also runs on data without futures.\n",
    "b4_matched": "The constant ratio in the file is a placeholder: `backtest` sets it so that the mean *achieved* hedge equals that of "
    "the policy it is compared with. B4c is its causal form: on each day the mean that the policy had held up to the day before. "
    "`--policy b4_matched` alone is refused.\n",
}  # fmt: skip

JSON: Final = """\
`--json FILE` writes one object, whole or not at all; `--json -` writes it to standard output and prints nothing else.
Ratios and weights are fractions (0.25 is 25 %), money is in quote, amounts are in coins, days are `YYYY-MM-DD`, moments
ISO 8601 in UTC. A number that is not defined is `null`. `NAME` stands for the name of an asset, vote, state, refusal or
contract. `measured` and `threshold` are in the kernel's unit; `unit` says in which unit people read them.

`data check`, `data summary`, `data import`, `data simulate` and the `policy` commands take `--json` too; their records
hold what they print, under the same names.
"""

JSON_RECORDS: Final = {
    "backtest": "`hedgerow backtest`, and the first part of `hedgerow demo`.\n",
    "plan": "`hedgerow plan`.\n",
    "explain": "`hedgerow explain` writes all keys of `plan`, and beside them what every stage of the kernel found, by asset. "
    "The numbers are the kernel's own: fractions, coins, quote; 1 and 0 stand for yes and no.\n",
    "a leg or a refusal": "The entries of `legs` and `refusals`, in all three records.\n",
}  # fmt: skip

# pattern of a path -> meaning; the first that matches the whole path wins
_MEANINGS: Final = (
    (r"hedgerow", "version that wrote the record"),
    (r"policy", "name of the policy"),
    (r"simulated", "whether the market was made instead of recorded"),
    (r"quote", "quote currency"),
    (r"assets", "risk assets, in order"),
    (r"start|end", "first or last daily bar"),
    (r"value\.start", "value before the first day"),
    (r"value\.end", "value at the last close"),
    (r"value", "net asset value at the close"),
    (r"benchmarks\.NAME", "B0 to B8 and B4c: the same keys as `metrics`"),
    (r"metrics\.cagr", "compound growth a year"),
    (r"metrics\.volatility", "standard deviation of daily returns, a year"),
    (r"metrics\.sharpe", "mean over standard deviation of daily returns, a year, risk-free rate 0"),
    (r"metrics\.sharpe_se", "its standard error"),
    (r"metrics\.sortino", "mean over downside deviation, a year, target 0"),
    (r"metrics\.max_drawdown", "deepest fall from a peak, negative"),
    (r"metrics\.max_drawdown_days", "most days in a row below an earlier peak"),
    (r"metrics\.calmar", "cagr over the size of max_drawdown"),
    (r"metrics\.cvar_(95|99)", "mean of the worst 5 % (1 %) of daily returns"),
    (r"metrics\.ulcer", "root mean square of the drawdowns"),
    (r"metrics\.turnover_(spot|futures)", "value traded over mean value, a year"),
    (r"metrics\.fees", "fees paid"),
    (r"metrics\.slippage", "half-spreads and impact paid"),
    (r"metrics\.funding", "funding received by the shorts; negative: paid"),
    (r"metrics\.cost_per_year", "fees and slippage over mean value, a year"),
    (r"metrics\.(mean_hedge_ratio|h_achieved)", "mean achieved hedge ratio, weighted by value"),
    (r"metrics\.h_intended", "mean intended hedge ratio, weighted by value"),
    (r"metrics\.liquidations", "positions that the venue liquidated"),
    (r"metrics\.min_liquidation_distance", "smallest distance to a liquidation price; null without a short"),
    (r"metrics\.max_margin_ratio", "highest maintenance margin over equity of a position"),
    (r"metrics\.margin_capped_days", "days on which a wanted short was cut for want of collateral"),
    (r"metrics\.regime_days\.NAME", "share of listed asset-days in the state"),
    (r"metrics\.transitions_per_year", "changes of state a year and asset"),
    (r"metrics\.whipsaws", "times that an intended hedge moved by 10 pp and back within 10 days"),
    (r"metrics\.blocked_by_reason\.NAME", "refusals by their name; one a day and leg"),
    (r"metrics\.blocked_share", "share of wanted moves that never happened, counted once a move"),
    (r"metrics\.(up|down)_capture", "geometric mean of the months in which B2 gained (lost), over B2's"),
    (r"attribution\.(by_asset\.NAME\.)?spot", "price moves of the coins held"),
    (r"attribution\.(by_asset\.NAME\.)?hedge", "price moves of the index under the shorts"),
    (r"attribution\.(by_asset\.NAME\.)?basis", "moves of the futures price against the index"),
    (r"attribution\.(by_asset\.NAME\.)?funding", "funding received"),
    (r"attribution\.(by_asset\.NAME\.)?fees", "fees, negative"),
    (r"attribution\.(by_asset\.NAME\.)?slippage", "half-spreads and impact, negative"),
    (r"attribution\.change", "change of value over the run"),
    (r"attribution\.residual", "what the six parts leave over: rounding"),
    (r"decisions", "one entry a daily bar, one more for each bar on which the risk clock acted"),
    (r"decisions\[\]\.at", "the daily bar, or the moment of the risk clock"),
    (r"decisions\[\]\.clock", "`daily` or `risk`; a `risk` entry holds `at`, `clock`, `legs` and `refusals` alone"),
    (r"decisions\[\]\.value", "net asset value at the close"),
    (r"decisions\[\]\.regime", "state of the market asset"),
    (r"decisions\[\]\.assets\.NAME\.regime", "state of the asset; empty before it is listed"),
    (r".*assets\.NAME\.weight", "share of net asset value"),
    (r".*NAME\.h_intended", "hedge ratio that the rules ask for"),
    (r".*NAME\.h_achieved", "hedge ratio that the book has"),
    (r"decisions\[\]\.assets\.NAME\.votes", "votes that were true"),
    (r"decisions\[\]\.assets\.NAME\.abstained", "votes that abstained"),
    (r"(decisions\[\]\.)?legs", "what is traded: see below"),
    (r"(decisions\[\]\.)?refusals", "what was wanted and not traded: see below"),
    (r"coverage\.days", "first, last and number of the run's days"),
    (r"coverage", "what data was used, and what was missing in it"),
    (r"at", "daily bar at whose close the decision was made"),
    (r"regime\.assets\.NAME\.state", "row of the regime table"),
    (r"regime\.assets\.NAME\.days", "decisions since it was entered"),
    (r"regime\.assets\.NAME\.borrowed", "the market asset's row is used, for want of own data"),
    (r"regime\.assets\.NAME\.frozen", "more than half of the inputs are missing: the row stands still"),
    (r"regime\.assets\.NAME\.rows", "every row of the regime table in its order, against today's votes"),
    (r"regime\.assets\.NAME\.rows\[\]\.state", "name of the row"),
    (r"regime\.assets\.NAME\.rows\[\]\.hedge", "least and greatest hedge ratio of the row"),
    (r"regime\.assets\.NAME\.rows\[\]\.here", "the asset stands in this row"),
    (r"regime\.assets\.NAME\.rows\[\]\.fallback", "the row that has no condition"),
    (r"regime\.assets\.NAME\.rows\[\]\.holds", "its condition holds today"),
    (r"regime\.assets\.NAME\.rows\[\]\.lacks", "what its condition misses, in words"),
    (r"regime\.assets\.NAME\.rows\[\]\.barred", "why it may not be entered; of the present row: why it may not be left downwards"),
    (r"regime\.assets\.NAME\.votes\.NAME\.answer", "`yes`, `no` or `abstains`"),
    (r"regime\.assets\.NAME\.votes\.NAME\.measure", "measure of the vote; left out for a composite"),
    (r"regime\.assets\.NAME\.votes\.NAME\.measured", "its value"),
    (r"regime\.assets\.NAME\.votes\.NAME\.side", "`above` or `below`"),
    (r"regime\.assets\.NAME\.votes\.NAME\.for_days", "true only after so many closes in a row; 0: at once"),
    (r"regime\.assets\.NAME\.votes\.NAME\.within_days", "stays true for so many days; 0: for its own day"),
    (r"regime\.assets\.NAME\.votes\.NAME\.last_true_days", "days since it was last true"),
    (r"regime\.assets\.NAME\.votes\.NAME\.at_least", "of a composite: so many of its votes must be true"),
    (r"regime\.assets\.NAME\.votes\.NAME\.of", "of a composite: its votes"),
    (r"regime\.assets\.NAME\.votes\.NAME\.threshold", "what it is held against"),
    (r"regime\.assets\.NAME\.votes\.NAME\.unit", "unit in which people read both"),
    (r"regime\.market\.asset", "asset that stands for the market"),
    (r"regime\.market\.state", "its state"),
    (r"regime\.market\.breadth\.NAME", "share of the assets in each state"),
    (r"after", "the book after the plan, at the decision's prices and costs: the same keys as `before`"),
    (r"before\.cash", "stablecoins in the spot wallet"),
    (r"before\.value", "net asset value"),
    (r"before\.spot", "value of all coins, those held elsewhere included"),
    (r"before\.short", "value of what is short"),
    (r"before\.stable_weight", "everything but coins, over value: wallets, collateral, open profit"),
    (r"before\.net_exposure", "spot less short, over value"),
    (r"before\.assets\.NAME\.coins", "coins in all"),
    (r"before\.assets\.NAME\.value", "their value"),
    (r"before\.assets\.NAME\.target", "target weight"),
    (r"before\.assets\.NAME\.short_coins", "coins that are short for the asset"),
    (r"before\.margin\.NAME\.amount", "coins; short negative"),
    (r"before\.margin\.NAME\.notional", "value of the position"),
    (r"before\.margin\.NAME\.equity", "collateral and open profit"),
    (r"before\.margin\.NAME\.liquidation_price", "mark at which the venue takes the position; null: none"),
    (r"before\.margin\.NAME\.liquidation_distance", "that price over the present one, less 1"),
    (r"before\.margin\.NAME\.maintenance_over_equity", "1 or more is a liquidation"),
    (r"transfers\.NAME", "collateral to move with the plan, in the settle currency; positive: to the futures venue"),
    (r"transfers", "collateral to move with the plan, by contract; empty for none"),
    (r"scenarios", "two rows: every price falls, or rises, by 20 %"),
    (r"scenarios\[\]\.move", "the move"),
    (r"scenarios\[\]\.(before|after)_spot", "change in the value of the coins"),
    (r"scenarios\[\]\.(before|after)_hedge", "change in the value of the shorts"),
    (r"scenarios\[\]\.(before|after)_net", "both"),
    (r"scenarios\[\]\.(before|after)_of_value", "both, over net asset value"),
    (r"scenarios\[\]\.(before|after)_of_spot", "both, over the value of the coins"),
    (r"stages\.measure\.NAME\.price", "spot price"),
    (r"stages\.measure\.NAME\.coins", "coins in all"),
    (r"stages\.measure\.NAME\.value", "their value"),
    (r"stages\.measure\.NAME\.weight", "share of net asset value"),
    (r"stages\.measure\.NAME\.target", "target weight"),
    (r"stages\.measure\.NAME\.short_coins", "coins short for the asset"),
    (r"stages\.regime\.NAME\.frozen", "1: too many inputs are missing"),
    (r"stages\.regime\.NAME\.borrowed", "1: the market asset's row is used"),
    (r"stages\.target\.NAME\.h_volatility", "what the volatility target asks"),
    (r"stages\.target\.NAME\.h_trend", "what the trend hedge asks"),
    (r"stages\.target\.NAME\.h_regime", "what the regime row asks"),
    (r"stages\.target\.NAME\.risk_rank", "where in the regime's range, 0 to 1"),
    (r"stages\.target\.NAME\.h_base", "the greatest of them, after the ladder"),
    (r"stages\.target\.NAME\.rungs_added", "by reinforcement rows and views"),
    (r"stages\.target\.NAME\.h_wanted", "before the limits on moving"),
    (r"stages\.trigger\.NAME\.trim_coins", "coins to sell"),
    (r"stages\.trigger\.NAME\.row", "trim row that asks for it; empty for none"),
    (r"stages\.trigger\.NAME\.unit", "unit in which people read its measure"),
    (r"stages\.trigger\.NAME\.measured", "value of the row that asks for it"),
    (r"stages\.trigger\.NAME\.threshold", "its threshold"),
    (r"stages\.trigger\.NAME\.buy_coins", "coins to buy"),
    (r"stages\.plan\.NAME\.moves", "1: the asset is solved anew"),
    (r"stages\.plan\.NAME\.coins_wanted", "coins held after the plan"),
    (r"stages\.plan\.NAME\.short_wanted", "coins short after the plan"),
    (r"stages\.plan\.NAME\.sold_in_place_of_short", "coins sold in place of a short after the plan"),
    (r"stages\.guard\.NAME\.exposure_error_before", "net exposure less its target, over value"),
    (r"stages\.guard\.NAME\.exposure_error_after", "the same after the plan"),
    (r"stages\.guard\.NAME\.benefit", "what the asset's move adds, over value"),
    (r"stages\.guard\.NAME\.cost", "what it costs, over value"),
    (r"stages\.guard\.NAME\.exempt", "1: the move needs no benefit above its cost"),
    (r"instrument", "market, in ccxt's symbols"),
    (r"asset", "asset that the leg serves"),
    (r"kind", "`spot`, `futures` or `margin`"),
    (r"side", "`buy` or `sell`; `in` or `out` for margin"),
    (r"amount", "coins (margin: settle currency); of a refusal: what was wanted"),
    (r"price", "of the fill, or of the decision"),
    (r"notional", "amount times price"),
    (r"reason", "see [reasons](reasons.md)"),
    (r"row", "policy row behind it, as `trim.drift`; empty where there is none"),
    (r"measured|threshold", "the two numbers of the sentence"),
    (r"unit", "unit in which people read both"),
    (r"cost", "fee and slippage, expected or paid"),
    (r"sentence", "why, with its numbers"),
    (r"filled", "moment of the fill; only in a backtest"),
    (r"refused", "the refusal's name; only in `refusals`"),
)  # fmt: skip


def json_meaning(path: str) -> str:
    """The meaning of a key of a JSON record. Raises KeyError where nothing is said of it."""
    for pattern, meaning in _MEANINGS:
        if re.fullmatch(pattern, path):
            return meaning
    raise KeyError(f"docs/said.py says nothing of the JSON key {path}")


PORTFOLIO: Final = """\
What `hedgerow plan --portfolio FILE` and `explain --portfolio FILE` read: coins, stablecoins and futures as they are now.

```toml
[portfolio]
quote = "USDT"

[spot.BTC]
amount = 10
unit_cost = 42000        # per coin, in quote; optional
protected = 2            # never sold
outside = 1.5            # held elsewhere: counted in weights, never traded

[spot.USDT]
amount = 150000

[futures."BTC/USDT:USDT"]
amount = -3              # coins; negative is short
entry = 61000
collateral = 180000
```

`quote` must be what the data is in: USDT, or a stablecoin whose own price the folder has (`stable_USDC_1d`). A second
stablecoin is counted as the quote: add its amount to that of the quote. Numbers stand without quotes, up to 1e15.
"""

PORTFOLIO_TARGETS: Final = """\
Optional: `BTC = 0.5`, `USDT = 0.5`, fractions of net asset value that add up to 1, the stablecoin included. `--targets`
on the command line wins over it, and it wins over the policy's.
"""

VIEWS: Final = """\
`--views FILE` of `backtest`, `plan` and `explain`: what people know and prices do not. Each item acts on days that close at
or after its date and before it expires. A policy reads views only with `hedge.views = true` (the default of the schema).

```toml
[[view]]
date = 2022-11-08
kind = "exchange_failure"
severity = 3
source = "withdrawals halted"
expires = 2022-11-22
assets = ["SOL"]
```
"""

VIEW_KEYS: Final = {
    "date": "when it was known: a day (its opening) or a moment, in UTC; needed",
    "kind": "`regulatory`, `macro`, `geopolitical`, `exchange_failure`, `external_analysis` or `catalyst`; needed",
    "severity": "1: a rung more; 2: a hedge of at least 50 %; 3: at least 75 %. Default 1",
    "source": "who said so",
    "expires": "default: 7 days after the date",
    "assets": "default: all",
    "hedge_ratio": 'at least this ratio, in place of what the severity asks, as `"80 %"`',
    "venue": "of an exchange failure. The failure of the venue that holds the hedge closes the hedge instead of adding to it",
}

DATA: Final = """\
One series is one file, `KIND_ASSET_STEP.parquet` or `.csv`: `spot_BTC_1d.parquet`, `funding_BTC_8h.parquet`. Steps that a
run can use: {steps}. `timestamp` is the opening time of the bar in UTC (of funding: the settlement). Prices are in quote
per coin, `volume` in coins, a funding `rate` is a fraction of notional for its own interval: positive means that longs
pay shorts. A dated contract carries its expiry, `dated_BTC-20230630_1d.parquet`, and settles at {hour:02d}:00 UTC of that day.
Other venues' series lie in `venues/` and end with the venue's name. A run needs a spot file of each asset; all else is
used where it is there, and what is missing is told under *coverage*.

[Import your data](../how-to/import-data.md) says how foreign files come into this form.
"""

KINDS: Final = {
    "spot": "spot market",
    "perp": "perpetual contract, last traded price",
    "mark": "mark price; checked, not yet used by a run",
    "dated": "futures with an expiry",
    "macro": "index that signals read: FNG (fear and greed), VIX, DXY, EFFR",
    "stable": "price of the stablecoin in US dollars",
    "fundamental": "a value that you supply for an asset, such as price over network value",
    "funding": "funding payments of the perpetual",
    "depth": "spread and depth of the order book by day; where it is there, costs use it instead of the policy's half-spread",
}

PLACES: Final = """\
## Where results lie

Whatever hedgerow keeps at run time lies in the folder that `HEDGEROW_HOME` names, by default the platform's folder for user
data: `history` (made markets of the demo), `reports` (its pages), `cache` (compiled code; may be deleted at any time).
`--report` and `--json` write where you say.

| variable | meaning |
| --- | --- |
| `HEDGEROW_HOME` | folder for everything that is kept |
| `HEDGEROW_JIT` | `0`: never compile, `1`: always; without it a short job on a cold cache is interpreted. The numbers are the same |
| `PYTHON` | interpreter that `./run` makes its environment with |
"""

ERRORS: Final = """\
An error that was foreseen is one sentence on standard error: where, what is wrong, and what would be accepted. Nothing was
done. Anything else is a defect and ends with a traceback; please report it.

```text
--policy: there is no policy or file "balancd". Did you mean balanced?
start: 2030-01-01 lies outside the data. Choose days from 2017-08-17 to 2023-12-31: what the data has of BTC.
```
"""

EXIT_CODES: Final = {
    0: "done",
    1: "something was found wanting: `data check` has errors",
    2: "an option, a file or the data must be corrected; nothing was done",
    3: "book and venue disagree (no command of this version ends so)",
    4: "a store or a file cannot be read or written",
    130: "interrupted",
}

ERROR_TREE: Final = """\
All are in `hedgerow.errors`; `hedgerow.Error` and `hedgerow.ConfigError` are public names. A `ConfigError` has `where`,
`message` and `fix`. The errors of venues are there for the versions that trade.
"""
