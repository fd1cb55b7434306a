"""The table of events that the reference shows is one that the program reads."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from hedgerow.ledger.ledger import Ledger
from hedgerow.store.events import read_events

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "files.md"


def test_the_table_of_the_reference_is_read(tmp_path: Path) -> None:
    shown = re.search(r"```text\n(type,time.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    path = tmp_path / "events.csv"
    path.write_text(shown[1], encoding="utf-8")
    ledger = Ledger()
    ledger.fold(read_events(path).events)
    assert ledger.balances["spot", "BTC"] == 1
    assert ledger.balances["futures", "USDT"] == Decimal("14995.4")
