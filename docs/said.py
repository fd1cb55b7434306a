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
    ("carry", policy.Carry, "`[carry]`; without the table there is no carry sleeve. See [earn carry](../how-to/earn-carry.md).\n"),
    ("costs", policy.Costs, "`[costs]`. The plan's estimate and the simulated fill use the same numbers.\n"),
    ("guard", policy.Guard, "`[guard]`.\n"),
    ("margin", policy.Margin, "`[margin]`. Distance is liquidation price over mark price, less 1.\n"),
)  # fmt: skip

FIELDS: Final = {
    "Mandate.orders_minute": "most orders in a minute",
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
    "Policy.carry": "idle stablecoins in delta-neutral pairs; none: off",
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

`data check`, `data summary`, `data import`, `data simulate`, `journal verify`, `journal tail` and the `policy` commands take
`--json` too; their records hold what they print, under the same names.
"""

JSON_RECORDS: Final = {
    "backtest": "`hedgerow backtest`, and the first part of `hedgerow demo`.\n",
    "plan": "`hedgerow plan`.\n",
    "explain": "`hedgerow explain` writes all keys of `plan`, and beside them what every stage of the kernel found, by asset. "
    "The numbers are the kernel's own: fractions, coins, quote; 1 and 0 stand for yes and no.\n",
    "statement": "`hedgerow statement`. Money, amounts and prices are text, digits and a point, to 12 decimals: no reader rounds "
    "them. `null` is unknown, and is in no sum.\n",
    "tax": "`hedgerow tax`. Amounts as in a statement. Spot disposals and derivatives are separate record types.\n",
    "sweep": "`hedgerow sweep`. `NAME` stands for a varied cell of the policy, as `trim.drift.threshold`. Two runs of the same sweep "
    "differ in `timing` alone, whether one of them was stopped and resumed or not.\n",
    "plan --portfolios": "`hedgerow plan --portfolios`. What `plan` says of one portfolio, in brief, for each; where one could not be decided, its "
    "error.\n",
    "a leg or a refusal": "The entries of `legs` and `refusals`, in all records.\n",
}  # fmt: skip

# pattern of a path -> meaning; the first that matches the whole path wins
_MEANINGS: Final = (
    (r"portfolios", "every portfolio, in the order of the files' names or of the table"),
    (r"portfolios\[\]\.portfolio", "its name"),
    (r"portfolios\[\]\.(at|quote|value|regime|legs|refusals|before|after|transfers)", "as in `plan`; `regime`, `before` and `after` in brief"),
    (r"portfolios\[\]\.error", "why it could not be decided; then it has no other key but its name"),
    (r"portfolios\[\]\.error\.(message|where|fix)", "the parts of the error's sentence"),
    (r"summary", "all portfolios together"),
    (r"summary\.portfolios", "how many there are"),
    (r"summary\.portfolios\.asked", "in all"),
    (r"summary\.portfolios\.act", "whose plan has legs"),
    (r"summary\.portfolios\.stand", "whose plan has none"),
    (r"summary\.portfolios\.refused", "that could not be decided"),
    (r"summary\.at", "the daily bars at whose close they were decided; null: none was"),
    (r"summary\.at\.(first|last)", "the first and the last of them"),
    (r"summary\.value", "net asset value, by quote"),
    (r"summary\.legs", "all legs, by quote, kind and side"),
    (r"summary\.legs\[\]\.legs", "how many"),
    (r"summary\.legs\[\]\.portfolios", "of how many portfolios"),
    (r"summary\.refusals", "what was wanted and not traded, by why"),
    (r"summary\.refusals\[\]\.legs", "how many legs"),
    (r"summary\.refusals\[\]\.refused", "the refusal"),
    (r"summary\.largest", "the largest plans, by what they trade"),
    (r"summary\.largest\[\]\.portfolio", "name of the portfolio"),
    (r"summary\.largest\[\]\.legs", "how many legs"),
    (r"summary\..*\.notional", "what they trade; of margin legs, what they move"),
    (r"summary\..*\.cost", "its expected cost"),
    (r"summary\..*\.quote", "quote currency"),
    (r"summary\..*\.value", "net asset value"),
    (r"summary\.legs\[\]\.kind", "`spot`, `futures` or `margin`"),
    (r"summary\.legs\[\]\.side", "`buy`, `sell`, `in` or `out`"),
    (r"sweep", "id of the sweep, and name of its log: a hash of policy, keys, values, data, rules, search and seed"),
    (r"capital", "stablecoins at the start"),
    (r"search", "`grid`, `random`, `tpe` or `cmaes`"),
    (r"seed", "its seed"),
    (r"objective", "what the best is best in"),
    (r"objective\.name", "a key of `metrics`"),
    (r"objective\.better", "`higher` or `lower`"),
    (r"vary", "what was varied: the values of each key"),
    (r"vary\.NAME", "its values, as a policy file writes them"),
    (r"combinations", "combinations of all values"),
    (r"tried", "how many trials there were"),
    (r"tried\.trials", "settings tried by this sweep, failed ones included"),
    (r"tried\.failed", "settings that made no policy"),
    (r"tried\.policy", "trials of this policy, by its name, in all logs under `HEDGEROW_HOME`"),
    (r"tried\.keys", "of these, how many varied each key"),
    (r"tried\.keys\.NAME", "trials that varied it"),
    (r"base", "the policy as it is"),
    (r"(base|trials\[\])\.cells", "its varied cells"),
    (r"(base|trials\[\])\.cells\.NAME", "the value, as a policy file writes it"),
    (r"(base|trials\[\])\.metrics", "those of a backtest's `metrics` that need no comparison, and `value` at the last close, `legs` filled, `refusals`"),
    (r"best", "numbers of the best trials, the best first"),
    (r"tolerance", "how far below the best objective a plateau may lie, as a fraction of it"),
    (r"plateaus", "for each key, the values around the best that stay within the tolerance, the other keys at their best"),
    (r"plateaus\.NAME", "the plateau of a key"),
    (r"plateaus\.NAME\.values", "its values"),
    (r"plateaus\.NAME\.(low|high)_end", "why it ends there: `worse` beyond, the `edge` of what was asked for, or `unknown`: not tried"),
    (r"plateaus\.NAME\.tried", "values of the key that were tried with the others at their best"),
    (r"chance", "the best Sharpe ratio beside what luck makes of so many settings, a year"),
    (r"chance\.mean", "mean of all trials"),
    (r"chance\.best", "the highest"),
    (r"chance\.luck", "how far above the mean the best would lie if all were equally good and independent"),
    (r"chance\.chosen", "that of the best setting by the objective"),
    (r"chance\.trials", "trials of this policy in all logs, among which it was chosen"),
    (r"chance\.threshold", "what the best of so many would show if none had skill: their expected maximum, by the spread of this sweep's ratios"),
    (r"chance\.deflated", "deflated Sharpe ratio: the probability that the chosen one's true ratio exceeds the threshold"),
    (r"caveats", "what to think of before the best is believed, in words"),
    (r"trials", "every setting, in the order in which it was asked for"),
    (r"trials\[\]\.number", "its number, from 0"),
    (r"trials\[\]\.error", "why it made no policy"),
    (r"trials\[\]\.error\.(message|where|fix)", "the parts of the error's sentence"),
    (r"log", "the file of its trials"),
    (r"timing", "what may differ between two runs of the same sweep"),
    (r"timing\.seconds", "how long the runs took"),
    (r"timing\.workers", "runs at a time; with `--cluster`, threads of all workers at the end"),
    (r"timing\.read", "trials that were read from the log instead of run"),
    (r"hedgerow", "version that wrote the record"),
    (r"policy", "name of the policy"),
    (r"simulated", "whether the market was made instead of recorded"),
    (r"high_risk", "whether hedges may be leveraged above 1x"),
    (r"account", "what backs the shorts"),
    (r"account\.ladder", "what the margin ladder and the venue did in the run"),
    (r"account\.mode", "what backs the shorts: `isolated`, `cross` or `unified`"),
    (r"account\.convention", "the venue's way of counting maintenance margin"),
    (r"account\.leverage", "most that a hedge's short may be over its collateral; above 1 is high risk"),
    (r"account\.ladder\.warn_days", "days on which a short came as near to liquidation as the ladder's first rung"),
    (r"account\.ladder\.top_ups", "times that collateral was topped up"),
    (r"account\.ladder\.not_added", "additions to a short that were refused before its top-up was paid"),
    (r"account\.ladder\.sleeve_cuts", "carry pairs cut before a hedge was touched"),
    (r"account\.ladder\.pairs_given_up", "times that a short was covered and the spot behind it sold"),
    (r"account\.ladder\.flattened", "shorts closed as a whole, with the spot behind them"),
    (r"account\.ladder\.deleveraged", "shorts of which the venue closed a part (`--deleverage`)"),
    (r"account\.ladder\.repaid", "sales of coins for stablecoins that the account owed"),
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
    (r"attribution\.(by_(asset|regime)\.NAME\.)?spot", "price moves of the coins held"),
    (r"attribution\.(by_(asset|regime)\.NAME\.)?hedge", "price moves of the index under the shorts"),
    (r"attribution\.(by_(asset|regime)\.NAME\.)?basis", "moves of the futures price against the index"),
    (r"attribution\.(by_(asset|regime)\.NAME\.)?funding", "funding received"),
    (r"attribution\.(by_(asset|regime)\.NAME\.)?fees", "fees, and what a venue kept in liquidations; negative"),
    (r"attribution\.(by_(asset|regime)\.NAME\.)?slippage", "half-spreads and impact, negative"),
    (r"attribution\.change", "change of value over the run"),
    (r"attribution\.residual", "what the parts leave over: rounding"),
    (r"attribution\.(by_(asset|regime)\.NAME\.)?carry", "all of the carry sleeve: price moves, funding and costs of both its legs"),
    (r"attribution\.by_reason\.NAME\.fills", "fills of the reason; 0 for what is no fill: held, flows, funding"),
    (r"attribution\.by_reason\.NAME\.traded", "value traded"),
    (r"attribution\.by_reason\.NAME\.fees", "fees paid, above 0"),
    (r"attribution\.by_reason\.NAME\.slippage", "half-spreads and impact paid, above 0"),
    (r"attribution\.by_reason\.NAME\.realised", "profit realised at average cost, before fees; null where a cost is not known"),
    (r"attribution\.by_reason\.NAME\.effect", "units x (price at the end - price decided): what the trades did until the end"),
    (r"attribution\.by_reason\.NAME\.total", "effect less slippage and fees; the totals add up to the change"),
    (r"counterfactuals\.trims\.end_value", "end value of the run less that of the same rules without trims and rebalancing"),
    (r"counterfactuals\.hedge\.end_value", "end value of the run less that of the same rules without a hedge"),
    (r"counterfactuals\.timing\.end_value", "end value of the run less that of B4, the constant hedge of the same mean size"),
    (r"counterfactuals\.rules\.end_value", "end value of the run less that of B0, buying and holding"),
    (r"counterfactuals\.[a-z]+\.same", "the run has nothing of it to leave out"),
    (r"counterfactuals\.[a-z]+\.cagr", "difference in compound growth a year"),
    (r"counterfactuals\.[a-z]+\.sharpe", "difference in Sharpe ratio"),
    (r"counterfactuals\.[a-z]+\.max_drawdown", "difference in deepest fall; above 0: shallower"),
    (r"hedging\.effectiveness", "how much of the variance the hedge took away; null without one"),
    (r"hedging\.effectiveness\.reduced", "1 - variance of hedged over variance of unhedged daily returns"),
    (r"hedging\.effectiveness\.ratio", "mean achieved hedge ratio h, weighted by value"),
    (r"hedging\.effectiveness\.left", "share of the variance that was left"),
    (r"hedging\.effectiveness\.ideal", "what would be left at each day's achieved ratios without basis and late fills"),
    (r"hedging\.effectiveness\.constant", "(1 - h)^2"),
    (r"hedging\.(assets\.NAME\.)?h_intended", "mean intended hedge ratio, weighted by value"),
    (r"hedging\.(assets\.NAME\.)?h_achieved", "mean achieved hedge ratio, weighted by value"),
    (r"hedging\.(assets\.NAME\.)?gap", "mean distance of a day's achieved ratio to the one intended at the close before"),
    (r"hedging\.capped_share", "share of days on which a hedge was cut for want of collateral"),
    (r"hedging\.insurance", "what shorts cost and paid by month; null without a hedge or an unhedged book to judge by"),
    (r"hedging\.insurance\.months", "one entry a calendar month"),
    (r"hedging\.insurance\.months\[\]\.month", "year and month"),
    (r"hedging\.insurance\.months\[\]\.hedge", "what shorts made, basis, funding, fees and slippage included"),
    (r"hedging\.insurance\.months\[\]\.unhedged", "return of the unhedged book"),
    (r"hedging\.insurance\.cost", "what shorts lost in months in which the unhedged book gained; below 0: earned"),
    (r"hedging\.insurance\.paid", "what shorts brought in months in which it lost"),
    (r"hedging\.insurance\.(up|down)_months", "months in which the unhedged book gained (lost)"),
    (r"hedging\.trim_regret\.trims", "spot sales by a trim row or by a regime's own trims"),
    (r"hedging\.trim_regret\.proceeds", "value sold"),
    (r"hedging\.trim_regret\.gross", "units x (price at the end - price sold); above 0: given away"),
    (r"hedging\.trim_regret\.earned", "what later purchases made of the proceeds, first in, first out"),
    (r"hedging\.trim_regret\.regret", "gross less earned"),
    (r"hedging\.trim_regret\.after\.days_[0-9]+", "the gross figure so many days after each trim"),
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
    (r"before\.carry", "what the carry sleeve ties up: its coins, and as much collateral"),
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
    (r"before\.margin\.NAME\.tenor_days", "days to the contract's expiry; null: a perpetual has none"),
    (r"before\.margin\.NAME\.planned_days", "days for which the hedge is planned: the guard's horizon, or the time to its roll"),
    (r"before\.margin\.NAME\.duration", "tenor times planned days; null: a perpetual has none"),
    (r"before\.margin\.NAME\.maintenance_over_equity", "1 or more is a liquidation"),
    (r"before\.margin\.NAME\.rung", "rung of the margin ladder: `none`, `warn`, `top_up`, `stop_adding`, `reduce` or `flatten`"),
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
    (r"stages\.measure\.NAME\.tenor", "days to the expiry of the contract that hedges; null: none, or a perpetual"),
    (r"stages\.measure\.NAME\.carry_perpetual", "what a short of the perpetual is expected to receive, a year"),
    (r"stages\.measure\.NAME\.carry_dated", "the same of the dated contract that hedges, or else of the nearest"),
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
    (r"stages\.carry\.NAME\.gross", "carry of a pair's short, a year of its notional; null: no sleeve, or unknown"),
    (r"stages\.carry\.NAME\.net", "expected yield on what a new pair ties up, after four legs, above the stable yield"),
    (r"stages\.carry\.NAME\.pair_coins", "coins of the pair"),
    (r"stages\.carry\.NAME\.pair_wanted", "coins of the pair after the plan"),
    # statement, tax
    (r"method", "which lots of spot a sale takes"),
    (r"since", "mark (or first event) with which the period begins"),
    (r"until", "mark with which it ends"),
    (r"opening|closing", "net asset value at the start, at the end"),
    (r"deposits|withdrawals", "what came, what left, valued then; never profit or loss (of a tax year: lots that left unsold)"),
    (r"flows_net", "deposits less withdrawals"),
    (r"result", "closing less opening less flows"),
    (r"parts\.spot", "moves of spot prices"),
    (r"parts\.hedge_index", "hedge: moves of the spot price of what is short"),
    (r"parts\.hedge_basis", "hedge: moves of the contract against spot"),
    (r"parts\.funding", "funding received less paid"),
    (r"parts\.fees", "fees of spot and futures"),
    (r"parts\.slippage", "fills against the prices decided on, where those are told"),
    (r"parts\.liquidation", "what venues kept in liquidations"),
    (r"parts\.interest", "interest and rewards"),
    (r"parts\.tax", "tax paid"),
    (r"parts\.charges", "other charges"),
    (r"parts\.carry", "all that the carry sleeve did"),
    (r"difference", "what the ledger's change of value has over flows and parts; above 1e-9 of value no statement is made"),
    (r"by_asset\.NAME", "the same keys as `parts`, by the asset that was served"),
    (r"by_regime\.NAME", "the same keys as `parts`, by that asset's regime; an empty name for none"),
    (r"by_reason", "the result by what decided the fills; what is no fill under its own name"),
    (r"by_reason\[\]\.reason", "reason of the fills; held, flows, funding, interest, tax for what is no fill"),
    (r"by_reason\[\]\.fills", "how many"),
    (r"by_reason\[\]\.traded", "value traded"),
    (r"by_reason\[\]\.(fees|slippage)", "paid, above 0"),
    (r"by_reason\[\]\.realised", "profit realised at average cost, before fees"),
    (r"by_reason\[\]\.effect", "what the trades did until the end: amount times (price at the end less price decided)"),
    (r"by_reason\[\]\.total", "effect less slippage and fees; the totals add up to the result"),
    (r"returns\.time_weighted", "growth of one unit over the period, a fraction"),
    (r"returns\.time_weighted_per_year", "the same a year; `null` below a day"),
    (r"returns\.why", "why it is not known"),
    (r"returns\.approximate", "flows that met no mark: there the return is approximate (Modified Dietz)"),
    (r"returns\.money_weighted_per_year", "rate a year at which flows and values add up to nothing, a fraction"),
    (r"returns\.money_weighted_why", "why it is not known"),
    (r"holdings", "what is held at the end, over all accounts; collateral and realised profit of futures in the quote"),
    (r"holdings\[\]\.(price|value)", "at the last mark"),
    (r"holdings\[\]\.cost", "cost of the lots that are left"),
    (r"holdings\[\]\.average_cost", "the same a coin"),
    (r"holdings\[\]\.unrealised", "value less cost"),
    (r"holdings\[\]\.outstanding", "principal that no sale has brought back yet"),
    (r"holdings\[\]\.house_money", "nothing outstanding: a label of the accounts, at full market risk all the same"),
    (r"positions", "futures that are open at the end"),
    (r"positions\[\]\.size", "coins (inverse: quote of notional); short negative"),
    (r"positions\[\]\.entry", "average entry price"),
    (r"positions\[\]\.mark", "price at the last mark"),
    (r"positions\[\]\.notional", "value, above 0"),
    (r"positions\[\]\.unrealised", "profit if closed at the mark, before fees"),
    (r"positions\[\]\.funding", "received less paid since it was opened, in `settle`"),
    (r"positions\[\]\.settle", "currency of its profit"),
    (r"positions\[\]\.opened", "when it was opened"),
    (r"positions\[\]\.leverage", "of its account: notional of all positions over equity"),
    (r"positions\[\]\.risk", "`high risk` above 1x, else empty"),
    (r"realised", "gains by currency (spot) and contract (futures)"),
    (r"realised\[\]\.kind", "`spot` or `futures`"),
    (r"realised\[\]\.name", "currency or contract"),
    (r"realised\[\]\.records", "disposals or closes"),
    (r"realised\[\]\.proceeds", "of spot, gross"),
    (r"realised\[\]\.gain", "sum of the gains that are known"),
    (r"realised\[\]\.unknown", "how many are not"),
    (r"fees", "fees by the currency that paid them"),
    (r"fees\[\]\.amount", "paid, above 0"),
    (r"fees\[\]\.liquidation", "kept by venues in liquidations"),
    (r"funding", "funding by contract"),
    (r"funding\[\]\.payments", "how many are known"),
    (r"funding\[\]\.(received|paid)", "their sums, above 0"),
    (r"funding\[\]\.missing", "payments of unknown amount, in no sum"),
    (r"funding\[\]\.expected", "what rate, mark and position would give for those"),
    (r"missing_funding", "those payments one by one"),
    (r"missing_funding\[\]\.expected", "what rate, mark and position would give; stated, never booked"),
    (r"without_funding", "times in which a perpetual was open and the events tell no payment, known or not"),
    (r"without_funding\[\]\.(since|until)", "from the payment or fill before to the one after"),
    (r"income", "interest, rewards, taxes and other charges"),
    (r"income\[\]\.kind", "`interest`, `reward`, `tax` or `charge`"),
    (r"flows", "deposits (above 0) and withdrawals"),
    (r"dust", "balances worth less than 5 of quote"),
    (r"months", "the calendar months of the period, each up to its last mark"),
    (r"months\[\]\.(since|until|opening|closing|flows_net)", "as above, of the month"),
    (r"months\[\]\.time_weighted", "return of the month, a fraction"),
    (r"months\[\]\.parts", "the same keys as `parts`"),
    (r"notes", "what one must know to read the figures, in sentences"),
    (r"year", "calendar year, UTC"),
    (r"pool", "`universal`: lots of all accounts together; `account`: of each"),
    (r"advice", "that it is none"),
    (r"totals\.(short|long)\.amount", "gains of lots held up to `--long-days`, and longer; `null` while a gain is unknown"),
    (r"totals\.derivatives\.amount", "profit, funding and fees of futures; `null` while a payment is missing"),
    (r"totals\.income\.amount", "interest and rewards"),
    (r"totals\.\w+\.known", "sum of what is known"),
    (r"totals\.\w+\.unknown", "records that are not"),
    (r"disposals", "spot that left, a record a lot"),
    (r"(disposals|withdrawals)\[\]\.kind", "`sale`, `dust`, `fee` (paid in these coins), `loss`, `funding`, `charge` or `withdrawal`"),
    (r"(disposals|withdrawals|open_lots)\[\]\.lot", "id of the event that brought it"),
    (r"(disposals|withdrawals|open_lots)\[\]\.acquired", "when"),
    (r"(disposals|withdrawals)\[\]\.disposed", "when it left"),
    (r"disposals\[\]\.proceeds", "gross"),
    (r"disposals\[\]\.fees", "of the sale"),
    (r"(disposals|withdrawals)\[\]\.basis", "cost, buying fees in it; `null` where nobody told it"),
    (r"disposals\[\]\.gain", "proceeds less fees less basis; `null` where one of them is unknown"),
    (r"(disposals|withdrawals)\[\]\.days", "between the two dates"),
    (r"(disposals|withdrawals)\[\]\.term", "`short`, `long`, or empty where the day is unknown"),
    (r"derivatives", "what futures brought: closes, settlements, liquidations, funding, fees"),
    (r"derivatives\[\]\.kind", "`close`, `settlement`, `liquidation`, `deleveraged`, `funding` or `fee`"),
    (r"open_lots", "what is held at the end of the year"),
    (r"open_lots\[\]\.cost", "of all that is left of it"),
    (r"missing", "disposals without a basis or proceeds: the same keys as `disposals`"),
    (r"files", "names of the files that `--out` wrote"),
    (r"\w+\[\]\.currency", "currency of the amount"),
    (r"\w+\[\]\.amount", "amount of the currency"),
    (r"\w+\[\]\.value", "in quote"),
    (r"\w+\[\]\.account", "the owner's name of the account; empty in a universal pool"),
    (r"\w+\[\]\.instrument", "contract, in ccxt's symbols"),
    (r"\w+\[\]\.sleeve", "`carry`, or empty"),
    (r"\w+\[\]\.event", "id of the event"),
    (r"\w+\[\]\.at", "when, UTC"),
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
    (r"sleeve", "`carry`; only in legs of the carry sleeve"),
)  # fmt: skip


def json_meaning(path: str) -> str:
    """The meaning of a key of a JSON record. Raises KeyError where nothing is said of it."""
    for pattern, meaning in _MEANINGS:
        if re.fullmatch(pattern, path):
            return meaning
    raise KeyError(f"docs/said.py says nothing of the JSON key {path}")


PORTFOLIO: Final = """\
What `hedgerow plan --portfolio FILE` and `explain --portfolio FILE` read, and `plan --portfolios DIR` of each `*.toml`: coins, stablecoins and futures as they are now.

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

PORTFOLIO_TABLE: Final = """\
What `hedgerow plan --portfolios FILE.parquet` reads: a row a holding, a position or a target. An empty cell is not stated, as a key
that a portfolio file leaves out; a column that is not needed may be left out. What a column holds is judged as the key of a file
is; a row takes the columns of its kind. Numbers are floating-point or whole numbers. See [plan for many
portfolios](../how-to/plan-many.md).
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

EVENTS: Final = """\
What `hedgerow statement EVENTS`, `hedgerow tax EVENTS` and `hedgerow events` read, one event a line, in either of two forms
that hold the same:

- `.jsonl`: a JSON object a line. The first is the header `{"type":"events","version":1,"quote":"USDT"}`; `"simulated":true`
  in it marks a made market. Amounts are text, so that no program rounds them. A key at its default is left out.
- `.csv`: a row an event, for a spreadsheet. Columns may stand in any order, and those that are not needed be left out; cells
  stay empty. `type` = `events` in a row of its own names the quote in `currency` (else USDT). A mark is a row a price, with
  one `id`. A row without `id` gets one from its line.

```text
type,time,account,to,currency,instrument,amount,price,fee,fee_currency
flow,2022-01-03,spot,,USDT,,100000,,,
fill,2022-01-03 10:00,spot,,,BTC/USDT,1,46800,46.8,USDT
transfer,2022-01-10 09:00,spot,futures,USDT,,15000,,,
fill,2022-01-22,futures,,,BTC/USDT:USDT,-0.4,36400,5.8,USDT
funding,2022-01-22 08:00,futures,,,BTC/USDT:USDT,1.2,,,
```

Times are ISO 8601 in UTC. Numbers have a point and no thousands separator, at most 40 digits before and behind it.
Instruments are ccxt's symbols: `BTC/USDT`, `BTC/USDT:USDT` (perpetual), `BTC/USD:BTC-220325` (dated, settled in coins). Every
`id` is unique. Events are sorted by time when they are read; those of one moment keep their order.
"""

# (type or "", key) -> meaning; a type's own word first
_EVENT_KEYS: Final = {
    ("", "time"): "when, UTC; needed",
    ("", "id"): "unique name; needed, but in a `.csv`",
    ("", "account"): "any name of yours, such as `spot` or `futures`; needed",
    ("", "currency"): "coin or stablecoin; needed",
    ("", "instrument"): "market or contract; needed",
    ("", "asset"): "asset that it serves, where that is not the instrument's own",
    ("", "sleeve"): "`carry` keeps it apart as the carry sleeve's; else empty",
    ("flow", "amount"): "deposit above 0, withdrawal below; needed",
    ("flow", "price"): "value of one unit in quote; default: the last mark",
    ("flow", "cost"): "what all of it cost, in quote; left out: unknown, never zero",
    ("flow", "acquired"): "when the coins were bought; default: the day of the deposit",
    ("transfer", "account"): "from; needed",
    ("transfer", "to"): "to; needed",
    ("transfer", "amount"): "that arrives, above 0; needed",
    ("transfer", "fee"): "beside it, same currency; default 0",
    ("fill", "amount"): "bought above 0, sold below; coins (inverse contracts: quote of notional); needed",
    ("fill", "price"): "of the fill; needed",
    ("fill", "fee"): "paid above 0, rebate below; default 0",
    ("fill", "fee_currency"): "needed with a fee",
    ("fill", "fee_price"): "value of one unit of it in quote; default: the last mark",
    ("fill", "kind"): "`trade` (default), `liquidation`, `settlement`, `deleveraged` or `dust`",
    ("fill", "decided"): "price when it was decided: slippage is the difference; left out: none is stated",
    ("fill", "index"): "spot price then; default: from the last mark",
    ("fill", "reason"): "why, as results are grouped by it",
    ("fill", "row"): "policy row behind it",
    ("fill", "regime"): "regime of the asset then",
    (
        "fill",
        "lots",
    ): "ids of the purchases that a sale takes, for `--method SPECIFIC`; in a `.csv` with a semicolon between",
    (
        "funding",
        "amount",
    ): "received above 0, paid below, in the contract's settle currency; `null` or an empty cell: not known, "
    "and listed as missing",
    ("funding", "rate"): "of the payment, a fraction",
    ("funding", "mark"): "mark price then",
    ("income", "amount"): "received above 0, charged below; needed",
    ("income", "kind"): "`interest`, `reward`, `tax` or `charge`; needed",
    ("income", "price"): "value of one unit in quote, which is the cost of coins received; default: the last mark",
    ("mark", "prices"): "table of instrument and price; in a `.csv` columns `instrument` and `price`, a row each",
    ("mark", "regimes"): "table of asset and regime; in a `.csv` columns `asset` and `regime`",
}


def event_meaning(kind: str, key: str) -> str:
    """The meaning of a key of an event. Raises KeyError where nothing is said of it."""
    return _EVENT_KEYS.get((kind, key)) or _EVENT_KEYS["", key]


EXPORTS: Final = """\
`hedgerow events import` knows a download by its columns. No file of a real account was at hand when this was written: the last
column says what each row rests on. Compare the balances of a statement with those of the exchange. Coin-margined contracts are
refused, since their files count contracts of a size that they do not name.
"""

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

MANDATE: Final = """\
The table `[mandate]` of a TOML file, for `hedgerow run --mandate` and `hedgerow mandate`: what the engine may do by itself. It begins with
the portfolio and stays its own; `hedgerow mandate FILE` gives it another one. Autonomy has four levels. `observe`: decide and write down.
`advise`: say it, too. `approve`: act after a person approved. `auto`: act, within the limits. A leg has the lowest level of the mandate, its
rule and its coin; a plan the lowest of its legs.

```toml
[mandate]
autonomy = "auto"
by_reason = { entry = "approve", flatten = "approve" }
by_asset = { DOGE = "advise" }
auto_plan = "5000"
auto_day = "20000"
```
"""

VENUE: Final = """\
The table `[venue]` of a TOML file, for `hedgerow run --venue`: the terms of the simulated venue. A portfolio keeps the terms that
it began with. Without a file they are the defaults below, those of a large exchange with wallets of its own for spot and futures.
`--venue whole` is the venue of a backtest: no latency, no filters, and every order is filled at once, all of it, at the price of its
size. How it fills: [from a decision to orders](../explanation/orders.md#the-simulated-venue).

```
[venue]
latency_ms = 400
quotes_s = 1.0
position_mode = "hedge"
```

With `filters` an instrument has the lot and the tick of its data; where they state none, the lot is the power of ten that is worth 1 quote
at most, and the tick the power of ten that is a hundredth of a percent of the price at most, both at the first prices.
"""

PLACES: Final = """\
## Where results lie

Whatever hedgerow keeps at run time lies in the folder that `HEDGEROW_HOME` names, by default the platform's folder for user
data: `history` (made markets of the demo), `reports` (its pages), `trials` (a log for each sweep, a line for each setting that was
ever tried), `cache` (compiled code; may be deleted at any time), `journal` (the journal and its anchors), `secrets` (the key that
seals it; only you may read it), `inbox` (what operators tell a running engine).
`--report` and `--json` write where you say.

| variable | meaning |
| --- | --- |
| `HEDGEROW_HOME` | folder for everything that is kept |
| `HEDGEROW_JOURNAL` | database of the journal: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`; without it SQLite in `journal` |
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
    1: "something was found wanting: `data check` has errors, `journal verify` has findings",
    2: "an option, a file or the data must be corrected; nothing was done",
    3: "two reckonings disagree: a venue closed more than was held, or a statement does not add up",
    4: "a store or a file cannot be read or written",
    130: "interrupted",
}

ERROR_TREE: Final = """\
All are in `hedgerow.errors`; `hedgerow.Error` and `hedgerow.ConfigError` are public names. A `ConfigError` has `where`,
`message` and `fix`. The errors of venues are there for the versions that trade.
"""
