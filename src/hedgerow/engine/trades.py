"""What an order traded or moved, as the ledger's records."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from hedgerow.engine.fold import Fold, exact
from hedgerow.engine.orders import Live, Step
from hedgerow.kernel import arrays as k
from hedgerow.model.event import Fill, Transfer
from hedgerow.model.instrument import SPOT_ACCOUNT, margin_account
from hedgerow.model.plan import Reason
from hedgerow.model.why import row_name

ZERO: Final = Decimal(0)


def moved(live: Live, step: Step, margin: str, now_ns: int) -> Transfer | None:
    """Collateral that an order moved; None where the account is one."""
    instrument = live.context.instrument
    account = margin_account(instrument, margin)
    if account == SPOT_ACCOUNT:
        return None
    ends = (SPOT_ACCOUNT, account) if step.amount > ZERO else (account, SPOT_ACCOUNT)
    return Transfer(now_ns, f"{live.order.id}-{live.filled}", *ends, instrument.settle, abs(step.amount))


def filled(fold: Fold, live: Live, step: Step, n: int, margin: str, now_ns: int) -> Fill:
    """What an order of leg ``n`` traded."""
    order, row, instrument = live.order, fold.legs[n], live.context.instrument
    reason = Reason(int(row[k.L_REASON]))
    return Fill(
        now_ns,
        f"{order.id}-{live.filled}",
        SPOT_ACCOUNT if order.kind == "spot" else margin_account(instrument, margin),
        order.instrument,
        exact(row[k.L_SIZE]) if instrument.inverse else step.amount,
        step.price,
        step.fee,
        live.currency or fold.universe.quote,
        decided=exact(row[k.L_PRICE]),
        index=exact(row[k.L_SPOT]),
        reason=reason.name.lower(),
        row=row_name(fold.policy, int(row[k.L_ROW]), reason),
        asset=fold.universe.assets[int(row[k.L_FOR])],
        sleeve="carry" if row[k.L_SLEEVE] == 1.0 else "",
    )
