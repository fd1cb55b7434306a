"""hedgerow: trim the winners, reinforce the hedge.

A crypto portfolio held spot for the long term and protected by short futures, managed by rules fixed in advance, the
same way in a backtest, on paper and live.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
