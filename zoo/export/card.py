"""The model card: what a bundle is, how good it is, and how to call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zoo.bundle.manifest import Interface, Manifest
from zoo.evaluation.headline import ANOMALY_MEASURES, CLASS_MEASURES
from zoo.outputs import FORECAST, IS_ANOMALY, PROBABILITIES, QUANTILES, SCORE
from zoo.runtimes.onnxruntime_session import ONNX_FILE

_UNITS = {
    "raw": "raw in, raw out; scaling and its inverse are inside the graph",
    "scaled": "**scaled in, scaled out**: a scaler cannot stand inside the graph, so scale every window and bring every"
    " forecast back yourself, with what made this bundle (`preprocessing.json` names each column's scaler)",
}
_UNITS_OF_INPUT = {
    "raw": "raw in; scaling is inside the graph",
    "scaled": "**scaled in**: a scaler cannot stand inside the graph, so scale every window yourself, with what made"
    " this bundle (`preprocessing.json` names each column's scaler)",
}

_CARD = """\
# {model}

{summary}

- architecture: `{architecture}` ({distribution} {version})
- input `window`: {dtype} (batch, {window}, {n_features}), columns in this order: {features}
{outputs}
- units: {units}
- trained on {first} to {last} of `{source}`; SHA-256 of the data {fingerprint}

## Accuracy on the untouched test split

{verdict}

{table}

## Python, with ONNX Runtime alone

```python
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("{onnx}")
window = np.load("golden.npz")["window"][:1]  # yours: {dtype} (batch, {window}, {n_features}), {kind} units
print(*session.run([{python_outputs}], {{"window": window}}))
```

## JavaScript, with onnxruntime-node

```javascript
const ort = require("onnxruntime-node");
(async () => {{
  const session = await ort.InferenceSession.create("{onnx}");
  const values = {array}.from({{ length: {size} }}, () => {example});  // yours: a window in {kind} units, row by row
  const window = new ort.Tensor("{dtype}", values, [1, {window}, {n_features}]);
  const {{ {js_outputs} }} = await session.run({{ window }});
  console.log({js_shown});
}})();
```

`scalers.joblib` is a pickle: load it only if you trust who made this bundle. Everything in it stands in
`preprocessing.json` as plain numbers, with each column's formula. `zoo verify` checks every file's
hash and replays `golden.npz`.
"""


def model_card(manifest: Manifest, summary: str, example: float) -> str:
    """Render the card; ``example`` is a value of the input for the JavaScript client's sample window."""
    interface, data = manifest.interface, manifest.data
    dtype = interface.inputs[0].dtype
    outputs, table, wanted = _OF_TASK[interface.task]
    fields = {
        "model": manifest.model,
        "units": (_UNITS if wanted == (FORECAST,) else _UNITS_OF_INPUT)[interface.units],
        "kind": interface.units,
        "summary": summary,
        "architecture": manifest.architecture["name"],
        "distribution": manifest.architecture["distribution"],
        "version": manifest.architecture["version"],
        "dtype": dtype,
        "window": interface.window,
        "n_features": len(interface.features),
        "features": _listed(interface.features),
        "outputs": outputs(manifest),
        "first": data["train_first"],
        "last": data["train_last"],
        "source": data["source"],
        "fingerprint": data["fingerprint"],
        "verdict": manifest.metrics["verdict"],
        "table": table(manifest),
        "python_outputs": ", ".join(f'"{name}"' for name in wanted),
        "js_outputs": ", ".join(wanted),
        "js_shown": ", ".join(f"{name}.{part}" for name in wanted for part in ("dims", "data")),
        "onnx": ONNX_FILE,
        "array": "Float64Array" if dtype == "float64" else "Float32Array",
        "size": interface.window * len(interface.features),
        "example": f"{example:g}",
    }
    return _CARD.format(**fields)


def _forecasts(manifest: Manifest) -> str:
    """The lines on the output ``forecast``, and on ``quantiles`` where there is one."""
    interface = manifest.interface
    told = f"- output {_tensor(interface, FORECAST)}, columns: {_listed(interface.targets)}"
    if not interface.quantiles:
        return told
    levels = ", ".join(f"{level:g}" for level in interface.quantiles)
    return f"{told}\n- output {_tensor(interface, QUANTILES)}, the quantiles {levels} along the last axis"


def _classes(manifest: Manifest) -> str:
    interface = manifest.interface
    return (
        f"- output {_tensor(interface, PROBABILITIES)}, of the classes of {_listed(interface.targets)} in this order:"
        f" {_listed(interface.classes)}; they are those of the window's last row, and sum to 1"
    )


def _anomalies(manifest: Manifest) -> str:
    interface, quantile = manifest.interface, manifest.metrics.get("quantile")
    of = "a quantile" if quantile is None else f"the {quantile:.2%} quantile"
    return (
        f"- output {_tensor(interface, SCORE)}, how unusual the window's last row is, by its columns"
        f" {_listed(interface.targets)}: the root of the mean square of the scaled differences from what the network"
        " expected\n"
        f"- output {_tensor(interface, IS_ANOMALY)}, whether the score is above the threshold {manifest.threshold:.6g},"
        f" which is {of} of the scores of the validation split; where another one suits, compare `{SCORE}` with it"
    )


def _tensor(interface: Interface, name: str) -> str:
    """An output's name, dtype and shape."""
    (tensor,) = (tensor for tensor in interface.outputs if tensor.name == name)
    return f"`{name}`: {tensor.dtype} ({', '.join(('batch', *map(str, tensor.shape)))})"


def _forecast_table(manifest: Manifest) -> str:
    targets = manifest.interface.targets
    heads = [f"{error} {_cell(target)}" for target in targets for error in ("MAE", "RMSE")]
    rows = {
        name: [f"{measured['targets'][target][error]:.4g}" for target in targets for error in ("mae", "rmse")]
        for name, measured in _everybody(manifest).items()
    }
    return _table("forecast", heads, rows)


def _class_table(manifest: Manifest) -> str:
    return _measures("told by", CLASS_MEASURES, manifest)


def _anomaly_table(manifest: Manifest) -> str:
    known = manifest.metrics["network"]  # without labels it is flagged rows alone
    heads = {**ANOMALY_MEASURES, "flagged": "rows flagged"}
    return _measures("scores of", {key: head for key, head in heads.items() if key in known}, manifest)


def _measures(corner: str, heads: Mapping[str, str], manifest: Manifest) -> str:
    rows = {
        name: ["" if measured[key] is None else f"{measured[key]:.4g}" for key in heads]
        for name, measured in _everybody(manifest).items()
    }
    return _table(corner, list(heads.values()), rows)


def _everybody(manifest: Manifest) -> dict[str, Any]:
    return {"network": manifest.metrics["network"], **manifest.metrics["baselines"]}


def _table(corner: str, heads: list[str], rows: Mapping[str, list[str]]) -> str:
    """A Markdown table with a row for the network and for each baseline."""
    lines = [[corner, *heads], ["---"] * (1 + len(heads)), *([name, *cells] for name, cells in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    """Keep a column's name inside its cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


# For each task the lines on its outputs, the table of its measures, and the outputs that the clients ask for
_OF_TASK: dict[str, tuple[Callable[[Manifest], str], Callable[[Manifest], str], tuple[str, ...]]] = {
    "forecast": (_forecasts, _forecast_table, (FORECAST,)),
    "regress": (_forecasts, _forecast_table, (FORECAST,)),
    "classify": (_classes, _class_table, (PROBABILITIES,)),
    "anomaly": (_anomalies, _anomaly_table, (SCORE, IS_ANOMALY)),
}
