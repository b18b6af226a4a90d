"""Dynamics of copying: where a copier pulls a picture, how fast and how surely, as numbers with intervals."""

from simulacra.copying.dynamics.basin import Basin, EndStates, basin, end_states, run_on
from simulacra.copying.dynamics.direction import Agreement, agreement, agreement_over_pictures
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval
from simulacra.copying.dynamics.forecast import Forecast, forecast
from simulacra.copying.dynamics.growth import Growth, contraction, contraction_ratios, growth, idempotence, regime
from simulacra.copying.dynamics.jacobian import Eigenpair, jacobian_of_copier, leading_eigenpair
from simulacra.copying.dynamics.leadlag import LeadLag, lead_lag
from simulacra.copying.dynamics.lyapunov import Lyapunov, lyapunov, lyapunov_of_chains
from simulacra.copying.dynamics.regression import Autoregression, autoregression
from simulacra.copying.dynamics.variance import Decomposition, bias_and_variance, by_frame

__all__ = [
    "LEVEL",
    "Agreement",
    "Autoregression",
    "Basin",
    "Decomposition",
    "Eigenpair",
    "EndStates",
    "Estimate",
    "Forecast",
    "Growth",
    "Interval",
    "LeadLag",
    "Lyapunov",
    "agreement",
    "agreement_over_pictures",
    "autoregression",
    "basin",
    "bias_and_variance",
    "by_frame",
    "contraction",
    "contraction_ratios",
    "end_states",
    "forecast",
    "growth",
    "idempotence",
    "jacobian_of_copier",
    "lead_lag",
    "leading_eigenpair",
    "lyapunov",
    "lyapunov_of_chains",
    "regime",
    "run_on",
]
