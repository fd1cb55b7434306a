from hedgerow.errors import ConfigError as ConfigError
from hedgerow.errors import Error as Error
from hedgerow.faces.plan_many import plan_many as plan_many
from hedgerow.faces.report import write as write_report
from hedgerow.ledger.ledger import Ledger as Ledger
from hedgerow.ledger.returns import money_weighted as money_weighted
from hedgerow.ledger.returns import time_weighted as time_weighted
from hedgerow.ledger.statistics import metrics as metrics
from hedgerow.ledger.tax import tax_year as tax_year
from hedgerow.model.measure import MEASURES as MEASURES
from hedgerow.model.policy import Policy as Policy
from hedgerow.model.report import Comparison as Comparison
from hedgerow.model.report import Run as Run
from hedgerow.policies import load as load_policy
from hedgerow.policies import names as policy_names
from hedgerow.research.backtest import Stage as Stage
from hedgerow.research.backtest import backtest as backtest
from hedgerow.research.compare import compare as compare
from hedgerow.research.simulate import simulate as simulate
from hedgerow.research.simulate import write as write_market
from hedgerow.store.check import check as check_data
from hedgerow.store.intake import ingest as import_data
from hedgerow.wire import Recorded as Recorded
from hedgerow.wire import prepare as prepare
from hedgerow.wire import recorded as recorded
from hedgerow.wire import stage_of as stage_of

__all__ = [
    "MEASURES",
    "Comparison",
    "ConfigError",
    "Error",
    "Ledger",
    "Policy",
    "Recorded",
    "Run",
    "Stage",
    "__version__",
    "backtest",
    "check_data",
    "compare",
    "import_data",
    "load_policy",
    "metrics",
    "money_weighted",
    "plan_many",
    "policy_names",
    "prepare",
    "recorded",
    "simulate",
    "stage_of",
    "tax_year",
    "time_weighted",
    "write_market",
    "write_report",
]

__version__: str
