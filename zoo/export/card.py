"""The model card: what a bundle is, how good it is, and how to call it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zoo.bundle.golden import kinds_of
from zoo.bundle.manifest import Manifest
from zoo.export.clients import Call, cpp_client, node_client, python_client, tf_serving_client, triton_client
from zoo.tasks import find_task
from zoo.tasks.base import SequenceTask, TextTable
from zoo.texts import printable

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
    task, kinds = find_task(problem.task), kinds_of(problem)
    wanted = {kind: name for name, kind in reversed(kinds.items())}  # the first output of each kind
    call = Call(manifest.model, problem, row, [name for name in kinds if name in wanted.values()])
    told = task.card_table(manifest.metrics, problem.targets)
    fields = {
        "model": manifest.model,
        "units": (_UNITS if task.in_units else _UNITS_OF_INPUT)[problem.units],
        "summary": _text(summary),
        "architecture": _code(manifest.architecture.name),
        "distribution": _text(manifest.architecture.distribution),
        "version": _text(manifest.architecture.version),
        "dtype": problem.dtype,
        "window": problem.window,
        "n_features": len(problem.features),
        "features": _listed(problem.features),
        "outputs": _outputs(manifest, task),
        "first": _text(str(data.split["train"].first)),
        "last": _text(str(data.split["train"].last)),
        "source": _code(data.source),
        "fingerprint": data.fingerprint,
        "verdict": _text(manifest.metrics["verdict"]),
        "table": _table(told),
        "python": python_client(call),
        "node": node_client(call),
        "cpp": cpp_client(call),
        "tf_serving": tf_serving_client(call),
        "triton": triton_client(call),
    }
    return _CARD.format(**fields)


def _outputs(manifest: Manifest, task: SequenceTask) -> str:
    """A line for each output: its name, dtype and shape, and what it means."""
    meanings = task.meanings(manifest.problem, manifest.metrics, manifest.threshold, _listed)
    return "\n".join(
        f"- output `{end.name}`: {end.dtype} ({', '.join(('batch', *map(str, end.shape)))}){meanings.get(end.name, '')}"
        for end in manifest.problem.outputs
    )


def _table(told: TextTable) -> str:
    """A table of Markdown."""
    lines = [told.heads, ["---"] * len(told.heads), *told.rows]
    return "\n".join(f"| {' | '.join(map(_text, line))} |" for line in lines)


def _listed(names: Sequence[str]) -> str:
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
