"""The built-in scalers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo_registry import Reference, Scaler, TensorForm, hookimpl

AFFINE_FORMULA = "scaled = (raw - offset) / scale; raw = scaled * scale + offset"
LOG_FORMULA = "scaled = sign(raw) * log(1 + abs(raw)); raw = sign(scaled) * (exp(abs(scaled)) - 1)"
NONE_FORMULA = "scaled = raw; raw = scaled"


def affine(offset: str, scale: str) -> TensorForm:
    """The form of a scaler that keeps its numbers in these attributes; an empty ``offset`` stands for 0."""

    def parameters(fitted: Any) -> Mapping[str, Any]:
        numbers = getattr(fitted, scale)
        return {"offset": getattr(fitted, offset) if offset else 0 * numbers, "scale": numbers}

    return TensorForm(
        formula=AFFINE_FORMULA,
        parameters=parameters,
        forward=lambda ops, raw, p: (raw - p["offset"]) / p["scale"],
        inverse=lambda ops, scaled, p: scaled * p["scale"] + p["offset"],
    )


def ours(name: str) -> Reference:
    """What is called so in the module with the transformers, which needs scikit-learn."""
    return Reference(f"zoo_plugins.scalers.transformers:{name}")


@hookimpl
def zoo_scalers() -> list[Scaler]:
    return [
        Scaler(
            name="minmax",
            summary="Smallest and largest value become 0 and 1.",
            make=Reference("sklearn.preprocessing:MinMaxScaler"),
            check=ours("check_minmax"),
            form=affine("data_min_", "data_range_"),
        ),
        Scaler(
            name="standard",
            summary="Mean 0, standard deviation 1.",
            make=Reference("sklearn.preprocessing:StandardScaler"),
            check=ours("check_standard"),
            form=affine("mean_", "scale_"),
        ),
        Scaler(
            name="robust",
            summary="Median 0, interquartile range 1.",
            make=Reference("sklearn.preprocessing:RobustScaler"),
            check=ours("check_robust"),
            form=affine("center_", "scale_"),
        ),
        Scaler(
            name="huber",
            summary="Huber's location 0 and scale 1, hardly moved by outliers.",
            make=ours("HuberScaler"),
            form=affine("mean_", "scale_"),
            portable=ours("standard_of_huber"),
        ),
        Scaler(
            name="maxabs",
            summary="Largest absolute value 1; 0 stays 0.",
            make=Reference("sklearn.preprocessing:MaxAbsScaler"),
            check=ours("check_maxabs"),
            form=affine("", "scale_"),
        ),
        Scaler(
            name="log",
            summary="Signed logarithm, sign(x) log(1 + |x|), not standardized after it.",
            make=ours("LogScaler"),
            check=ours("check_log"),
            form=TensorForm(
                formula=LOG_FORMULA,
                parameters=lambda fitted: {},
                # log(1 + x), not log1p: tf2onnx knows neither log1p nor expm1
                forward=lambda ops, raw, p: ops.sign(raw) * ops.log(1 + ops.abs(raw)),
                inverse=lambda ops, scaled, p: ops.sign(scaled) * (ops.exp(ops.abs(scaled)) - 1),
            ),
        ),
        Scaler(
            name="none",
            summary="Values as they are.",
            make=ours("none"),
            form=TensorForm(
                formula=NONE_FORMULA,
                parameters=lambda fitted: {},
                forward=lambda ops, raw, p: raw,
                inverse=lambda ops, scaled, p: scaled,
            ),
        ),
    ]
