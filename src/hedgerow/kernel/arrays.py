"""The packed blocks that the kernel computes on, with named rows; every row's comment gives its unit.

Three axes: assets (A), instruments (I; the first A are the spot markets, in order), wallets (W). A stage takes only the
blocks that it needs. NamedTuples are the Python face of the blocks.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from hedgerow.model.market import Bytes, Floats, Ints

# ---- rules.scalar[K]: cells of the policy ---------------------------------------------------------------------------
(
    K_STABLE,  # fraction of nav
    K_BASE_INITIAL,  # 1: target values are counted on the initial nav
    K_RISK_ONLY,  # 1: weights are counted over risk assets
    K_REBALANCE,  # |drift| in fraction of nav that rebalances everything; inf: off
    K_H_CONSTANT,  # hedge ratio; nan: off
    K_H_VOL,  # volatility target per year; nan: off
    K_H_MEDIAN,  # 1: the target is at least the asset's 2-year median
    K_H_TREND,  # ratio; nan: off
    K_TREND_ENTER,  # vote
    K_TREND_LEAVE,  # vote
    K_BY_REGIME,  # 1: the regime row's range
    K_EXTERNAL,  # 1: the measure external_hedge
    K_VIEWS,  # 1: views count
    K_CAP,  # hedge ratio
    K_ROUND,  # 1: to the nearest rung
    K_MAX_EXTRA,  # rungs
    K_MIN_STEP,  # hedge ratio
    K_DOWN_EVERY,  # days; 0: no limit
    K_FLOOR,  # hedge ratio of the ladder below the 200-day mean
    K_LEVERAGE,  # short notional over collateral
    K_RESERVE,  # of short notional, outside the venue
    K_OUTSIDE,  # 1: coins held elsewhere are hedged
    K_CROSS_RHO2,  # least rho^2 of a cross hedge
    K_TRANCHE,  # of stables above reserve
    K_TRANCHES,  # number
    K_TRANCHE_EVERY,  # days
    K_DEPLOY_GATE,  # gate
    K_UNDERWEIGHTS,  # 1: proceeds buy underweights
    K_IMPACT,  # Y of the square-root law
    K_FEE_IN,  # what pays spot fees: FEE_QUOTE, FEE_BASE, or an asset's index
    K_KAPPA,  # benefit over cost
    K_GAMMA,  # risk aversion
    K_HORIZON,  # days
    K_SOFT,  # turnover, nav a year
    K_HARD,  # turnover, nav a year
    K_MIN_LEG,  # fraction of nav
    K_PARTICIPATION,  # of mean daily turnover
    K_SLIPPAGE_CAP,  # fraction
    K_ALLOW_ILLIQUID,  # 1: unknown turnover does not refuse
    K_ALLOW_UNFUNDED,  # 1: unknown funding does not refuse
    K_MAX_CARRY,  # a year
    K_CARRY_GATE,  # gate that lifts the carry veto; -1: none
    K_DEPEG,  # price of the quote in USD
    K_DWELL,  # days
    K_OVERRIDE,  # gate of the dwell override; -1: none
    K_LEAST_BARS,  # days
    K_MARKET,  # index of the market asset
    K_TOP_MARKET,  # liquidation distance
    K_TOP,  # liquidation distance
    K_REDUCE,  # liquidation distance
    K_WARN,  # liquidation distance
    K_STOP,  # liquidation distance
    K_FLATTEN,  # liquidation distance
    K_WARN_RATIO,  # maintenance over equity, as the three below
    K_TOP_RATIO,
    K_REDUCE_RATIO,
    K_FLATTEN_RATIO,
    K_MODE,  # ISOLATED, CROSS, UNIFIED: what backs linear shorts
    K_PAID_CAP,  # hedge ratio while shorts pay more than K_PAID
    K_PAID,  # a year
    K_PAID_GATE,  # gate that lifts the cap; -1: none
    K_INSTRUMENT,  # HEDGE_*: contract that hedges
    K_STAYS,  # 1: a hedge may stay on a contract that is not the day's first choice
    K_LENGTHEN,  # days wanted after which a hedge is lengthened; 0: never
    K_ROLL,  # days before expiry on which a roll begins
    K_SLICES,  # days that a roll takes
    K_RUNGS,  # number of rungs; they follow
) = range(67)
RUNGS: Final = 67  # rules.scalar[RUNGS + i]: hedge ratios, rising
MAX_RUNGS: Final = 14
FEE_QUOTE, FEE_BASE = -1.0, -2.0
ISOLATED, CROSS, UNIFIED = 0.0, 1.0, 2.0
NEAR_NONE, NEAR_WARN, NEAR_TOP, NEAR_STOP, NEAR_REDUCE, NEAR_FLATTEN = range(6)  # rungs of the margin ladder
SCALARS: Final = RUNGS + MAX_RUNGS

# ---- rules.vote[V, :] -----------------------------------------------------------------------------------------------
V_MEASURE, V_BELOW, V_THRESHOLD, V_FOR, V_WITHIN, V_GATE = range(6)  # V_GATE >= 0: composite
# ---- rules.gate[G, :] (int64 bit masks over votes) ------------------------------------------------------------------
G_LEAST, G_OF, G_ALL, G_ANY, G_NONE = range(5)
# ---- rules.regime[R, :] ---------------------------------------------------------------------------------------------
(
    R_LOW,  # hedge ratio
    R_HIGH,
    R_TRIM,  # TRIM_* mode
    R_DEPLOY,
    R_FROM,  # bit mask of the rows from which this one is entered at once (exact in float64)
    R_AFTER,  # bit mask of the rows after whose end this one may follow
    R_ENTER,  # gate; -1: fallback
    R_LEAVE,  # gate; -1: only when another row takes over
    R_SHOCK,  # gate whose ANY mask holds the shock votes; -1: none
    R_LEAVE_SHOCK,  # gate; -1: none
    R_QUIET,  # days; 0: off
    R_REENTER,  # days
    R_START,  # hedge ratio; nan: none
    R_LADDER,  # 1: ladder rows act
    R_FAILED,  # gate whose ANY mask makes the end of a visit a failure; -1: every end upwards is one
) = range(15)
TRIM_THRESHOLD, TRIM_AGGRESSIVE, TRIM_MINIMAL, TRIM_NONE = range(4)
# ---- rules.trim[N, :] -----------------------------------------------------------------------------------------------
T_MEASURE, T_BELOW, T_THRESHOLD, T_GATE, T_TO, T_SIZE, T_GROUP, T_COOLDOWN, T_REARM, T_ONCE, T_HOW = range(11)
TO_TARGET, TO_OVERSHOOT, TO_BAND, TO_HALFWAY, TO_FRACTION, TO_POSITION, TO_PRINCIPAL = range(7)
GROUP_DRIFT, GROUP_TECHNICAL, GROUP_MILESTONE = range(3)
HOW_TRIM, HOW_HEDGE, HOW_CHEAPER = range(3)
# ---- rules.reinforce[M, :], rules.ladder[L, :] ----------------------------------------------------------------------
F_GATE, F_RUNGS, F_LEAST, F_LASTS, F_LENGTHENS = range(5)  # 1: lengthens the hedge instead of adding rungs
L_VOTE, L_RUNGS, L_GATE = range(3)
# ---- rules.asset[:, A] ----------------------------------------------------------------------------------------------
# weight of nav; 1: whitelisted; fraction, of coins that are collateral; 1: the carry sleeve may use it
A_TARGET, A_SOUND, A_HAIRCUT, A_CARRY = range(4)
# ---- rules.carry[:]: a year, a year, nav, nav, Kind, days, days, days, a year, days; no cap: no sleeve ------------------
C_ENTER, C_LEAVE, C_CAP, C_EACH, C_KIND, C_HOLD, C_COOLDOWN, C_HORIZON, C_YIELD, C_ROLL = range(10)
# ---- rules.inst[:, I] -----------------------------------------------------------------------------------------------
(
    I_ASSET,  # index of the asset
    I_KIND,  # model.instrument.Kind
    I_INVERSE,  # 1: collateral, profit and funding in coins
    I_LOT,  # coins; 0: none
    I_MIN_NOTIONAL,  # quote
    I_FEE,  # fraction
    I_HALF_SPREAD,  # fraction
    I_WALLET,  # index of the wallet that pays in quote
    I_EXPIRY,  # ns since the epoch; inf: none
    I_TIER,  # first row of its tier table
    I_TIERS,  # number of its rows
    I_AT_ENTRY,  # 1: maintenance is of the value at entry
    I_CLOSING,  # CLOSING_*: the taker fee that maintenance holds back
    I_WHOLE,  # 1: one tier holds for the whole position, by its value at entry
    I_DOWN,  # tiers that one step of a liquidation goes down; 0: all at once
    I_LEFT,  # 1: what a liquidation leaves over is the holder's, else the venue's
    I_TAKEN,  # fee of a liquidation, fraction of what is taken
    I_NEXT,  # of an asset's spot market: its first contract; of a contract: the next one of its asset; -1: none
) = range(18)
CLOSING_NONE, CLOSING_MARK, CLOSING_BANKRUPTCY = range(3)

# ---- book.asset[:, A] -----------------------------------------------------------------------------------------------
(
    B_HELD,  # coins in the spot wallet
    B_PROTECTED,  # coins never sold
    B_OUTSIDE,  # coins held elsewhere
    B_SOLD,  # coins sold in place of a short, to be bought back
    B_EXCESS,  # coins of excess that are shorted instead of trimmed
    B_CROSS,  # coins of the cross-hedge instrument that are short for this asset
    B_COST,  # quote per coin; nan: unknown
    B_PRINCIPAL,  # quote outstanding; nan: unknown
    B_ENTERED,  # 1: the first purchase was made (or is not wanted); between 0 and 1: made in part
    B_STATE,  # regime row
    B_AGE,  # decisions in this row
    B_SHOCK,  # 1: entered by a shock
    B_QUIET,  # decisions without a vote of the row's `of`
    B_ENTRY_H,  # hedge ratio at the row's entry
    B_STEPS,  # rungs the ladder moved since entry (down: negative)
    B_LADDER_SEEN,  # bit mask: ladder votes seen false since entry
    B_LADDER_USED,  # bit mask: ladder rows used
    B_H,  # intended hedge ratio
    B_RUNG,  # rung of the ratio before reinforcement
    B_DOWN_DAY,  # day on which the present window of rungs down began
    B_DOWN_H,  # hedge ratio at its start
    B_TREND,  # 1: the trend hedge is on
    B_PEAK_DONE,  # 1: the aggressive trim of this visit was made
    B_HEDGE,  # instrument that hedges the asset; -1: none
    B_CROSS_BY,  # instrument of B_CROSS
    B_WANTED,  # decisions in a row on which a hedge was intended
    B_CARRY,  # coins of B_HELD that are the long leg of the carry sleeve
    B_CARRY_DAY,  # day on which its pair was opened
    B_CARRY_LEFT,  # day on which it was last left; -inf: never
    B_MARK,  # spot price of the last settlement, quote
    B_PNL_SPOT,  # quote, cumulative, as all below
    B_PNL_HEDGE,
    B_PNL_BASIS,
    B_FUNDING,
    B_FEE_SPOT,
    B_FEE_FUTURES,
    B_SLIP_SPOT,
    B_SLIP_FUTURES,
    B_PNL_CARRY,  # all of the carry sleeve
) = range(39)
BOOK_ASSET: Final = 39
FIRST_PART: Final = B_PNL_SPOT  # they follow in the order of model.report.PARTS
PARTS: Final = 9
# ---- book.inst[:, I] (futures) --------------------------------------------------------------------------------------
(
    P_UNITS,  # coins, short negative
    P_ENTRY,  # average entry, quote
    P_COLLATERAL,  # settle currency
    P_MARK,  # futures price of the last settlement
    P_INDEX,  # spot price of the last settlement
    P_LIQUIDATION,  # price; inf: none
    P_ALARM,  # price up to which it stands on no rung of the margin ladder
    P_TOP,  # highest mark of the day since anything changed there
    P_SEEN,  # ns since the epoch of its last fresh price; 0: none yet; -1: gone
    P_CARRY,  # coins of the short that are the short leg of the carry sleeve
    P_STEEP,  # maintenance over the mark at the liquidation price: at a lower mark it is no more; inf: not so
) = range(11)
BOOK_INST: Final = 11
# ---- book.wallet[:, W] ----------------------------------------------------------------------------------------------
W_CASH, W_MARGIN = 0, 1  # quote; the balance that backs linear shorts under cross margin, quote
# ---- book.scalar[:] -------------------------------------------------------------------------------------------------
(
    S_DAY,  # decisions made
    S_NAV0,  # quote at the start
    S_HIGH,  # highest nav at a decision
    S_TRANCHES,  # used in this episode; a part where the stables did not pay a whole one
    S_TRANCHE_BASE,  # quote
    S_TRANCHE_DAY,  # day of the last tranche
    S_DEPLOY_DAY,  # last day on which an asset was in a deploying row
    S_LIQUIDATIONS,
    S_UNKNOWN_FUNDING,  # stamps passed with a position and no rate
    S_SPOT_TRADED,  # quote, cumulative
    S_FUTURES_TRADED,
    S_BUCKET,  # index of the running turnover bucket
    S_CAPPED_DAY,  # last decision whose hedge was cut for want of collateral
    S_NAV,  # nav of the last decision
    S_NOW,  # ns since the epoch: opening time of the present bar
) = range(15)
TURNOVER: Final = 15  # book.scalar[TURNOVER + i]: traded value over nav in each of 12 slots of a year
SLOTS: Final = 12
SLOT_DAYS: Final = 365.0 / 12.0
BOOK_SCALAR: Final = TURNOVER + SLOTS
# ---- book.votes[:, V, A], book.trims[:, N, A] -----------------------------------------------------------------------
VOTE_RUN, VOTE_AGE = range(2)  # consecutive closes true; closes since last true (inf: never)
TRIM_ARMED, TRIM_DAY, TRIM_DONE = range(3)  # 1: armed; day of the last fill; 1: done for ever

# ---- work.asset[:, A]: what the stages of one decision found, kept for `explain` ------------------------------------
(
    X_PRICE,  # quote
    X_ALIVE,  # 1: listed, and fresh at this close
    X_UNITS,  # coins held in all (wallet, inverse collateral, outside)
    X_VALUE,  # quote
    X_WEIGHT,  # fraction
    X_TARGET,  # fraction of nav
    X_SHORT,  # coins short for this asset (cross hedges in the asset's own coins, beta-adjusted)
    X_OWN,  # instrument index that hedges (own or cross); -1: none
    X_CROSS,  # coins of the hedge instrument per coin of the asset (1: own)
    X_FROZEN,  # 1: too many inputs missing, the state stands still
    X_BORROWED,  # 1: takes the market's regime
    X_H_VOL,  # hedge ratios from here
    X_H_TREND,
    X_H_REGIME,
    X_RISK,  # s, mean risk percentile
    X_H_BASE,
    X_EXTRA,  # rungs added
    X_H_WANTED,  # before the limits on moving down
    X_H,  # intended
    X_H_NOW,  # achieved before the plan
    X_REASON_H,  # refusal that limited the hedge; 0: none
    X_TRIM,  # coins to sell
    X_TRIM_ROW,  # row; -1: none (N: aggressive, N+1: top performer)
    X_MEASURED,
    X_THRESHOLD,
    X_IDEAL,  # coins wanted if the trim went all the way
    X_BUY,  # coins to buy
    X_BUY_REASON,
    X_MOVE,  # 1: the hedge or the holding of this asset is to be solved anew
    X_FREE,  # 1: exempt from the cost-benefit test
    X_SPOT_NEW,  # coins held after the plan
    X_SHORT_NEW,  # coins short after the plan
    X_SOLD_NEW,  # coins sold in place of a short after the plan
    X_ERROR_OLD,  # net exposure less its target, fraction of nav
    X_ERROR_NEW,
    X_BENEFIT,  # fraction of nav, marginal
    X_COST,  # fraction of nav
    X_NOTIONAL,  # of the asset's whole move, fraction of nav
    X_BETA,  # short notional per value of the asset at a ratio of 1 (own contract: 1)
    X_KEEP,  # 1: no coin of it may be sold at this close
    X_CROSSED,  # coins of the asset that one coin of its cross hedge stands for; 0: none
    X_SHARE,  # target, fraction of nav whatever weights are counted over
    X_SOUND,  # 1: held sound by the user
    X_NO_ADD,  # refusal for which no short may be added; 0: none
    X_EXCESS,  # coins of excess that are shorted instead of sold after the plan
    X_CARRY,  # 7-day funding of the perpetual that hedges, a year; nan: dated, or none
    X_FIRED,  # trim row that fired, whatever else is trimmed with it; -1: none
    X_UNBOUGHT,  # coins that the stablecoins do not pay
    X_HAIRCUT,  # fraction, of coins that are collateral
    X_LENGTHEN,  # reinforcement row, counted from 1, that lengthens the hedge today; 0: none
    X_CARRY_PERPETUAL,  # expected by a short of the perpetual, a year; nan: unknown
    X_CARRY_DATED,  # expected by a short of the nearest dated contract, a year; nan: unknown
    X_TENOR,  # days to the expiry of the contract that hedges; inf: perpetual; nan: none
    X_PAIR,  # coins of the carry sleeve before the plan
    X_PAIR_NEW,  # and after it
    X_PAIR_GROSS,  # carry a year of its short's notional; nan: unknown
    X_PAIR_NET,  # a year of what the pair ties up, less the cost of four legs and the stable yield; nan: unknown
    X_NEED,  # stablecoins per value of the asset that is hedged
) = range(58)
WORK_ASSET: Final = 58

# ---- legs[n, :] -----------------------------------------------------------------------------------------------------
(
    L_INST,  # instrument
    L_FOR,  # asset that the leg serves
    L_KIND,  # LEG_*
    L_UNITS,  # coins, + buys; margin: quote (or coins if inverse), + in
    L_WANTED,  # coins wanted before guards
    L_PRICE,  # price of the decision
    L_SPOT,  # spot price of the decision
    L_REASON,
    L_ROW,  # policy row of the reason; -1: none
    L_MEASURED,
    L_LIMIT,  # threshold of the row, or of the refusal
    L_COST,  # expected, quote
    L_STATUS,  # LEG status
    L_REFUSAL,
    L_DAY,  # decision
    L_AT,  # bar of the fill; -1: none
    L_FILL,  # price
    L_DONE,  # coins filled
    L_FEE,  # quote
    L_SLIPPAGE,  # quote
    L_SOLD,  # spot: coins that become sold in place of a short (negative: no longer) when all of L_WANTED is filled;
    # futures: coins of excess that become shorted instead of sold
    L_FIRED,  # trim row whose episode and cooldown begin with the fill; -1: none
    L_MOVED,  # collateral that went into the contract with the fill (negative: came back), settle currency
    L_SIZE,  # what filled, as model.contract counts it: coins, or quote of notional for an inverse contract
    L_CHARGE,  # fee in the currency that paid it
    L_PAID_IN,  # asset whose coins paid the fee; -1: quote
    L_SLEEVE,  # 1: a leg of the carry sleeve
    L_PLAN,  # number of the engine's plan that it is in; 0: none yet
) = range(28)
LEG: Final = 28
LEG_SPOT, LEG_FUTURES, LEG_MARGIN = 0.0, 1.0, 2.0
LEG_FUNDING = 3.0  # in the log alone: L_DONE received (settle currency; nan: unknown), L_FILL mark, L_MEASURED rate
PENDING, FILLED, REFUSED, SUPERSEDED, WORKING = range(5)  # working: an order of it is at the venue
# what a bar asks for beside a look at its prices: a payment or an expiry; contracts without a bar of their own, or the
# venue's own deeds
BAR_PAYS, BAR_GAPS, BAR_ALL = 1, 2, 3


class Bars(NamedTuple):
    """The market of a run (``model.market``), and what ``research.bars`` made of it: T bars, I instruments, C contracts."""

    open_ns: Ints  # [T]
    open: Floats  # [T, I]
    high: Floats  # [T, I] that liquidation is judged by
    close: Floats  # [T, I]
    fresh: Bytes  # [T, I]
    funding: Floats  # [T, I]
    day: Ints  # [T] -1: no day completes
    deleveraged: Floats  # [T] share of every short in profit that the venue closes at the open
    asks: Bytes  # [T] BAR_*; BAR_ALL is always right, if the stretches are made of it
    # S stretches of bars that ask for nothing, the first of them perhaps for a payment; what a run reads of one lies together
    stretch: Ints  # [T] the stretch that begins with this bar; -1: none does
    until: Ints  # [S] its last bar
    tops: Floats  # [S, 2, C] its highest high or close, its highest close
    paid: Floats  # [S, 2, I] funding of its first bar, and the closes before


class Rules(NamedTuple):
    """A packed policy over a universe. V votes, G gates, R regimes, N trims, M reinforcements, L ladder steps."""

    scalar: Floats  # [SCALARS]
    vote: Floats  # [V, 6]
    gate: Ints  # [G, 5]
    regime: Floats  # [R, 15]
    trim: Floats  # [N, 11]
    trim_asset: Floats  # [N, A] 1: the row acts on the asset
    reinforce: Floats  # [M, 5]
    ladder: Floats  # [L, 3]
    asset: Floats  # [4, A]
    inst: Floats  # [18, I]
    tier: Floats  # [T, 3] tier tables: floor, rate, deduction (kernel.liquidation)
    carry: Floats  # [10]


class Book(NamedTuple):
    """Everything that a decision remembers."""

    asset: Floats  # [BOOK_ASSET, A]
    inst: Floats  # [BOOK_INST, I]
    wallet: Floats  # [2, W]
    scalar: Floats  # [BOOK_SCALAR]
    votes: Floats  # [2, V, A]
    left: Floats  # [R, A] day on which the row was last left downwards; -inf: never
    trims: Floats  # [3, N + 2, A]
    until: Floats  # [M, A] day up to which a reinforcement lasts


class Work(NamedTuple):
    """Scratch of one decision, allocated once; the legs are the plan."""

    measure: Floats  # [M, A]
    asset: Floats  # [WORK_ASSET, A]
    bits: Ints  # [2, A]: votes true, votes known
    legs: Floats  # [N A + 32 A + 8 I + 8, LEG]
    counts: Ints  # [2]: legs, moves wanted
