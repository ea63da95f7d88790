"""The model card: what a bundle is, how good it is, and how to call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo.bundle.manifest import Manifest
from zoo.evaluation.headline import ANOMALY_MEASURES, CLASS_MEASURES
from zoo.export.clients import Call, cpp_client, node_client, python_client, tf_serving_client, triton_client
from zoo.outputs import FORECAST, IS_ANOMALY, PROBABILITIES, QUANTILES, SCORE
from zoo.texts import printable
from zoo_registry import Problem

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

- architecture: {architecture} ({distribution} {version})
- input `window`: {dtype} (batch, {window}, {n_features}), columns in this order: {features}
{outputs}
- units: {units}
- trained on {first} to {last} of {source}; SHA-256 of the data {fingerprint}

## Accuracy on the untouched test split

{verdict}

{table}

## Clients

Each prints what this bundle says of the first window in `golden.npz`.

Python, with ONNX Runtime alone (`pip install onnxruntime`):

```python
{python}
```

Node, with ONNX Runtime (`npm install onnxruntime-node`; in a browser `onnxruntime-web` is called in the same way):

```javascript
{node}
```

C++, with ONNX Runtime (`g++ -std=c++17 client.cpp -lonnxruntime`):

```cpp
{cpp}
```

TensorFlow Serving, started as `tensorflow_model_server --rest_api_port=8501 --model_name={model}
--model_base_path=/absolute/path/of/exported/{model}`:

```sh
{tf_serving}
```

Triton, started as `tritonserver --model-repository=exported`, the folder of all models:

```sh
{triton}
```

`scalers.joblib` is a pickle: load it only if you trust who made this bundle. Everything in it stands in
`preprocessing.json` as plain numbers, with each column's formula. `zoo verify` checks every file's
hash and replays `golden.npz`.
"""


def model_card(manifest: Manifest, summary: str, row: Sequence[str]) -> str:
    """Render the card; ``row`` is each row of the clients' sample window, as numbers are written."""
    problem, data = manifest.problem, manifest.data
    outputs, table, wanted = _OF_TASK[problem.task]
    call = Call(manifest.model, problem, row, wanted)
    fields = {
        "model": manifest.model,
        "units": (_UNITS if wanted == (FORECAST,) else _UNITS_OF_INPUT)[problem.units],
        "summary": _text(summary),
        "architecture": _code(manifest.architecture.name),
        "distribution": _text(manifest.architecture.distribution),
        "version": _text(manifest.architecture.version),
        "dtype": problem.dtype,
        "window": problem.window,
        "n_features": len(problem.features),
        "features": _listed(problem.features),
        "outputs": outputs(manifest),
        "first": _text(str(data.split["train"].first)),
        "last": _text(str(data.split["train"].last)),
        "source": _code(data.source),
        "fingerprint": data.fingerprint,
        "verdict": _text(manifest.metrics["verdict"]),
        "table": table(manifest),
        "python": python_client(call),
        "node": node_client(call),
        "cpp": cpp_client(call),
        "tf_serving": tf_serving_client(call),
        "triton": triton_client(call),
    }
    return _CARD.format(**fields)


def _forecasts(manifest: Manifest) -> str:
    """The lines on the output ``forecast``, and on ``quantiles`` where there is one."""
    problem = manifest.problem
    told = f"- output {_tensor(problem, FORECAST)}, columns: {_listed(problem.targets)}"
    if not problem.quantiles:
        return told
    levels = ", ".join(f"{level:g}" for level in problem.quantiles)
    return f"{told}\n- output {_tensor(problem, QUANTILES)}, the quantiles {levels} along the last axis"


def _classes(manifest: Manifest) -> str:
    problem = manifest.problem
    return (
        f"- output {_tensor(problem, PROBABILITIES)}, of the classes of {_listed(problem.targets)} in this order:"
        f" {_listed(problem.classes)}; they are those of the window's last row, and sum to 1"
    )


def _anomalies(manifest: Manifest) -> str:
    problem, quantile = manifest.problem, manifest.metrics.get("quantile")
    of = "a quantile" if quantile is None else f"the {quantile:.2%} quantile"
    return (
        f"- output {_tensor(problem, SCORE)}, how unusual the window's last row is, by its columns"
        f" {_listed(problem.targets)}: the root of the mean square of the scaled differences from what the network"
        " expected\n"
        f"- output {_tensor(problem, IS_ANOMALY)}, whether the score is above the threshold {manifest.threshold:.6g},"
        f" which is {of} of the scores of the validation split; where another one suits, compare `{SCORE}` with it"
    )


def _tensor(problem: Problem, name: str) -> str:
    """An output's name, dtype and shape."""
    (tensor,) = (tensor for tensor in problem.outputs if tensor.name == name)
    return f"`{name}`: {tensor.dtype} ({', '.join(('batch', *map(str, tensor.shape)))})"


def _forecast_table(manifest: Manifest) -> str:
    targets = manifest.problem.targets
    heads = [f"{error} {target}" for target in targets for error in ("MAE", "RMSE")]
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
    return "\n".join(f"| {' | '.join(map(_text, line))} |" for line in lines)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(_code, names))


def _text(text: str) -> str:
    """A text that Markdown shows as it is, on one line: no HTML, no link and no end of a table's cell stands in it."""
    return re.sub(r"[\\`*\[\]<>&|]", r"\\\g<0>", printable(" ".join(text.split())))


def _code(text: str) -> str:
    """A name as code, fenced by more backticks than it has in a row."""
    name = printable(" ".join(text.split()))
    longest = max(map(len, re.findall("`+", name)), default=0)
    fence, space = "`" * (longest + 1), " " if name[:1] == "`" or name[-1:] == "`" else ""
    return f"{fence}{space}{name}{space}{fence}"


# For each task the lines on its outputs, the table of its measures, and the outputs that the clients ask for
_OF_TASK: dict[str, tuple[Callable[[Manifest], str], Callable[[Manifest], str], tuple[str, ...]]] = {
    "forecast": (_forecasts, _forecast_table, (FORECAST,)),
    "regress": (_forecasts, _forecast_table, (FORECAST,)),
    "classify": (_classes, _class_table, (PROBABILITIES,)),
    "anomaly": (_anomalies, _anomaly_table, (SCORE, IS_ANOMALY)),
}
