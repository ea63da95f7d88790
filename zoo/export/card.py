"""The model card: what a bundle is, how good it is, and how to call it."""

from __future__ import annotations

from zoo.bundle.manifest import Interface, Manifest
from zoo.runtimes.onnxruntime_session import ONNX_FILE

_UNITS = {
    "raw": "raw in, raw out; scaling and its inverse are inside the graph",
    "scaled": "**scaled in, scaled out**: a scaler cannot stand inside the graph, so scale every window and bring every"
    " forecast back yourself, with what made this bundle (`preprocessing.json` names each column's scaler)",
}

_CARD = """\
# {model}

{summary}

- architecture: `{architecture}` ({distribution} {version})
- input `window`: {dtype} (batch, {window}, {n_features}), columns in this order: {features}
- output `forecast`: {dtype} (batch, {horizon}, {n_targets}), columns: {targets}{quantiles}
- units: {units}
- trained on {first} to {last} of `{source}`; SHA-256 of the data {fingerprint}

## Accuracy on the untouched test split

{verdict}

| forecast | {mae_heads} |
|---|{rules}|
{rows}

## Python, with ONNX Runtime alone

```python
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("{onnx}")
window = np.load("golden.npz")["window"][:1]  # yours: {dtype} (batch, {window}, {n_features}), {kind} units
print(session.run(["forecast"], {{"window": window}})[0])
```

## JavaScript, with onnxruntime-node

```javascript
const ort = require("onnxruntime-node");
(async () => {{
  const session = await ort.InferenceSession.create("{onnx}");
  const values = {array}.from({{ length: {size} }}, () => {example});  // yours: a window in {kind} units, row by row
  const window = new ort.Tensor("{dtype}", values, [1, {window}, {n_features}]);
  const {{ forecast }} = await session.run({{ window }});
  console.log(forecast.dims, forecast.data);
}})();
```

`scalers.joblib` is a pickle: load it only if you trust who made this bundle. Everything in it stands in
`preprocessing.json` as plain numbers, with each column's formula. `zoo verify` checks every file's
hash and replays `golden.npz`.
"""


def model_card(manifest: Manifest, summary: str, example: float) -> str:
    """Render the card; ``example`` is a value of the input for the JavaScript client's sample window."""
    interface, data = manifest.interface, manifest.data
    table = {"network": manifest.metrics["network"]} | manifest.metrics["baselines"]
    dtype = interface.inputs[0].dtype
    size = interface.window * len(interface.features)
    fields = {
        "model": manifest.model,
        "units": _UNITS[interface.units],
        "kind": interface.units,
        "summary": summary,
        "architecture": manifest.architecture["name"],
        "distribution": manifest.architecture["distribution"],
        "version": manifest.architecture["version"],
        "dtype": dtype,
        "window": interface.window,
        "horizon": interface.horizon,
        "n_features": len(interface.features),
        "n_targets": len(interface.targets),
        "features": ", ".join(f"`{name}`" for name in interface.features),
        "targets": ", ".join(f"`{name}`" for name in interface.targets),
        "quantiles": _quantiles(interface),
        "first": data["train_first"],
        "last": data["train_last"],
        "source": data["source"],
        "fingerprint": data["fingerprint"],
        "verdict": manifest.metrics["verdict"],
        "mae_heads": " | ".join(f"MAE {name} | RMSE {name}" for name in map(_cell, interface.targets)),
        "rules": "|".join("---|---" for _ in interface.targets),
        "rows": "\n".join(
            f"| {name} | "
            + " | ".join(
                f"{measured['targets'][t]['mae']:.4g} | {measured['targets'][t]['rmse']:.4g}" for t in interface.targets
            )
            + " |"
            for name, measured in table.items()
        ),
        "onnx": ONNX_FILE,
        "array": "Float64Array" if dtype == "float64" else "Float32Array",
        "size": size,
        "example": f"{example:g}",
    }
    return _CARD.format(**fields)


def _quantiles(interface: Interface) -> str:
    """The line on the output ``quantiles``, where there is one."""
    if not interface.quantiles:
        return ""
    levels = ", ".join(f"{level:g}" for level in interface.quantiles)
    output = interface.outputs[-1]
    shape = ", ".join(("batch", *map(str, output.shape)))
    return f"\n- output `{output.name}`: {output.dtype} ({shape}), the quantiles {levels} along the last axis"


def _cell(text: str) -> str:
    """Keep a column's name inside its cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
