"""What an evaluation measures, and what of it decides between network and baselines; needs no array library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

BEATS, EQUALS, LOSES = "beats", "equals", "loses to"
OF_NETWORK = "network_mase"  # what the network has on the series that a baseline is for


def _as_recorded(measured: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Mapping[str, Any]:
    return measured


@dataclass(frozen=True)
class Measures:
    """What a task measures: ``heads`` are names -> in words, of which the first decides.

    ``of`` makes them of what was measured of the network or a baseline, and of the evaluation that it stands in.
    ``greatest`` says that of the first the greater is better, ``decides`` that it tells a better network from a worse
    one, and ``scaled`` that it is in the evaluation's ``unit`` of each target. ``same`` names what of an evaluation is
    alike where these measures can be compared, and ``instead`` are those that compare with evaluations without these.
    """

    heads: Mapping[str, str]
    of: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]] = _as_recorded
    greatest: bool = False
    decides: bool = True
    scaled: bool = False
    same: tuple[str, ...] = ()
    instead: Measures | None = None

    @property
    def by(self) -> str:
        """The name of the one that decides."""
        return next(iter(self.heads))

    @property
    def name(self) -> str:
        """The one that decides, in words."""
        return self.heads[self.by]

    def value(self, measured: Mapping[str, Any], evaluation: Mapping[str, Any]) -> float:
        """The one that decides of what was measured."""
        return float(self.of(measured, evaluation)[self.by])

    def rivals(self, evaluation: Mapping[str, Any], scale: Mapping[str, Any] | None = None) -> dict[str, Rival]:
        """For each baseline that it is known of the value that decides, and the network's on the same windows.

        ``scale`` is where units are taken from, the evaluation itself unless given.
        """
        scale = evaluation if scale is None else scale
        whole, found = self.of(evaluation["network"], scale)[self.by], {}
        for name, measured in evaluation["baselines"].items():
            values = self.of(measured, scale)
            own, other = values.get(OF_NETWORK, whole), values[self.by]
            if own is not None and other is not None:
                found[name] = Rival(float(own), float(other))
        return found

    def best(self, rivals: Mapping[str, Rival]) -> str:
        """The baseline that is the farthest ahead of the network, or the least behind it."""
        sign = -1.0 if self.greatest else 1.0
        return min(rivals, key=lambda name: sign * (rivals[name].other - rivals[name].own))


class Rival(NamedTuple):
    """The measure that decides, of the network and of a baseline on the same windows."""

    own: float
    other: float


def _forecast_measures(measured: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Scaled MAE and MSE and MASE, which are means over the targets, and the MASE of each.

    Without units, as in old records, the scaled MAE is as it was written; MASE is so without ``naive``, its
    denominators.
    """
    targets, unit = measured["targets"], evaluation.get("unit")
    if unit is None:
        return {"scaled_mae": measured["scaled"]["mae"]}
    mase = {target: errors["mase"] for target, errors in targets.items()}
    if naive := evaluation.get("naive"):
        mase = {target: errors["mae"] / naive[target] if naive[target] else None for target, errors in targets.items()}
    return {
        "scaled_mae": sum(errors["mae"] / unit[target] for target, errors in targets.items()) / len(targets),
        "scaled_mse": sum((errors["rmse"] / unit[target]) ** 2 for target, errors in targets.items()) / len(targets),
        "mase": None if None in mase.values() else sum(mase.values()) / len(mase),
        "mase_by_target": mase,
    }


def _series_measures(measured: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Means over the series, and the scaled MAE over all windows."""
    return dict(measured["series"]) | {"scaled_mae": _forecast_measures(measured, evaluation)["scaled_mae"]}


FORECAST_MEASURES = Measures(
    {"scaled_mae": "scaled MAE", "scaled_mse": "scaled MSE", "mase": "MASE"}, _forecast_measures, scaled=True
)
SERIES_MEASURES = Measures(
    {"mase": "mean MASE", "smape": "mean sMAPE", "scaled_mae": "scaled MAE"},
    _series_measures,
    same=("season",),
    instead=FORECAST_MEASURES,
)


def forecast_measures(evaluation: Mapping[str, Any]) -> Measures:
    """The measures of forecasts: of several series their means, unless none has a MASE."""
    series = evaluation["network"].get("series")
    return FORECAST_MEASURES if series is None or series["mase"] is None else SERIES_MEASURES


CLASS_MEASURES = Measures(
    {
        "log_loss": "log loss",
        "accuracy": "accuracy",
        "balanced_accuracy": "balanced accuracy",
        "f1": "F1",
        "roc_auc": "ROC AUC",
    }
)
ANOMALY_MEASURES = Measures(
    {"average_precision": "average precision", "precision": "precision", "recall": "recall", "f1": "F1"}, greatest=True
)
FLAGGED = Measures(  # where no label says what is right, nothing decides
    {"share": "share flagged"},
    lambda measured, evaluation: {"share": measured["flagged"] / evaluation["windows"]},
    decides=False,
)


class Headline(NamedTuple):
    """An evaluation in one line: the deciding measure, the network's value, and the best baseline's name and value."""

    measure: str
    network: float
    baseline: str
    other: float


def headline(evaluation: Mapping[str, Any], measures: Measures) -> Headline:
    """What decides of an evaluation, as a run's record has it, by the measures of its task."""
    rivals = measures.rivals(evaluation)
    best = measures.best(rivals)
    return Headline(measures.name, measures.value(evaluation["network"], evaluation), best, rivals[best].other)


def everybody(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured of the network and then of each baseline, by name."""
    return {"network": evaluation["network"], **evaluation["baselines"]}


def against(own: float, other: float, *, greatest: bool = False) -> tuple[str, str]:
    """Say whether one beats, equals or loses to another, and how far they are apart in words that follow its name.

    Both are errors, or, with ``greatest``, shares of which the greater is better. Apart by nothing in the digits that
    are told, they are equal.
    """
    better = own > other if greatest else own < other
    if own == other:
        how = ""
    elif greatest:
        how = f"by {abs(own - other):.3f}"
    elif other == 0:
        how = "(which makes no error)"
    elif own < 2 * other:
        how = f"by {abs(own / other - 1):.1%}"
    else:
        how = f"({own / other:.1f} times its error)"
    if how in ("", "by 0.000", "by 0.0%"):
        return EQUALS, ""
    return BEATS if better else LOSES, how


def outcomes(evaluation: Mapping[str, Any], measures: Measures) -> dict[str, tuple[str, str]]:
    """The network :func:`against` each baseline, by its name; empty where nothing decides."""
    if not measures.decides:
        return {}
    rivals = measures.rivals(evaluation)
    return {name: against(own, other, greatest=measures.greatest) for name, (own, other) in rivals.items()}


def told(found: Mapping[str, tuple[str, str]]) -> str:
    """Outcomes in words: ``beats a by 3.0%, b by 9.1% but loses to c by 1.0%``."""
    names = {
        verb: [f"{name} {how}".rstrip() for name, (outcome, how) in found.items() if outcome == verb]
        for verb in (BEATS, EQUALS, LOSES)
    }
    parts = [f"{verb} {', '.join(those)}" for verb, those in names.items() if those]
    return " but ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
