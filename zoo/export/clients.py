"""The clients of a model card: at most ten lines each, which print what the bundle says of its first golden window.

All rows of that window are equal, so that each client has it in one line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.outputs import INPUT
from zoo_registry import Problem
from zoo_registry.runtime import ONNX_FILE

MAX_LINES = 10


@dataclass(frozen=True)
class Call:
    """What a client asks: ``row`` is each row of the window, as numbers are written; ``outputs`` are wanted."""

    model: str
    problem: Problem
    row: Sequence[str]
    outputs: Sequence[str]

    @property
    def dtype(self) -> str:
        """Float32 or float64."""
        return self.problem.dtype

    @property
    def bits(self) -> str:
        """32 or 64."""
        return self.dtype.removeprefix("float")

    @property
    def shape(self) -> str:
        """The shape of one window, written as all these languages do."""
        return f"1, {self.problem.window}, {len(self.row)}"

    @property
    def rows(self) -> str:
        """The numbers of one row."""
        return ", ".join(self.row)


def python_client(call: Call) -> str:
    """Python with ONNX Runtime and NumPy."""
    names = ", ".join(f'"{name}"' for name in call.outputs)
    return f"""\
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("{ONNX_FILE}")
window = np.load("golden.npz")["{INPUT}"][:1]  # yours: {call.dtype}, shape ({call.shape}), {call.problem.units} units
print(*session.run([{names}], {{"{INPUT}": window}}))"""


def node_client(call: Call) -> str:
    """Node with onnxruntime-node."""
    shown = ", ".join(f"{name}.{part}" for name in call.outputs for part in ("dims", "data"))
    return f"""\
const ort = require("onnxruntime-node");
(async () => {{
  const session = await ort.InferenceSession.create("{ONNX_FILE}");
  // yours: a window in {call.problem.units} units, row by row; this one is a row {call.problem.window} times
  const rows = Array.from({{ length: {call.problem.window} }}, () => [{call.rows}]);
  const {INPUT} = new ort.Tensor("{call.dtype}", Float{call.bits}Array.from(rows.flat()), [{call.shape}]);
  const {{ {", ".join(call.outputs)} }} = await session.run({{ {INPUT} }});
  console.log({shown});
}})();"""


def cpp_client(call: Call) -> str:
    """C++17 with ONNX Runtime's API."""
    kind, window = {"32": "float", "64": "double"}[call.bits], call.problem.window
    names = ", ".join(f'"{name}"' for name in call.outputs)
    main = f"found[0].GetTensorData<{kind}>()"
    flag = (
        ' << found[1].GetTensorData<bool>()[0] << "\\n"'
        if any(end.dtype == "bool" for end in call.problem.outputs)
        else ""
    )
    return f"""\
#include <iostream>
#include <vector>
#include <onnxruntime_cxx_api.h>
int main() {{  // yours: a window in {call.problem.units} units, row by row; this one is a row {window} times
  Ort::Env env; Ort::Session session(env, "{ONNX_FILE}", Ort::SessionOptions{{}}); std::vector<{kind}> window;
  for (int row = 0; row < {window}; ++row) window.insert(window.end(), {{{call.rows}}});
  std::vector<int64_t> shape{{{call.shape}}}; const char *input = "{INPUT}", *outputs[] = {{{names}}};
  auto value = Ort::Value::CreateTensor<{kind}>(Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault), \
window.data(), window.size(), shape.data(), shape.size());
  auto found = session.Run(Ort::RunOptions{{}}, &input, &value, 1, outputs, {len(call.outputs)}); \
std::cout.precision(17);
  for (size_t i = 0; i < found[0].GetTensorTypeAndShapeInfo().GetElementCount(); ++i) std::cout << {main}[i] << "\\n"\
{flag}; }}"""


def tf_serving_client(call: Call) -> str:
    """A shell with curl; the server has the model's folder, or that of all models, and its REST API on port 8501."""
    body = _spliced({"instances": [["@"]]})
    return f"""\
# yours: a window in {call.problem.units} units, row by row; this one is a row {call.problem.window} times
window=$(yes '[{call.rows}]' | head -n {call.problem.window} | paste -sd, -)
curl -s "${{TF_SERVING:-localhost:8501}}/v1/models/{call.model}:predict" -d {body}"""


def triton_client(call: Call) -> str:
    """A shell with curl; the server has the folder of all models, as it is, and HTTP on port 8000.

    Other servers of the Open Inference Protocol take the same, but not without its content type.
    """
    shape = [1, call.problem.window, len(call.row)]
    asked = {"name": INPUT, "datatype": f"FP{call.bits}", "shape": shape, "data": ["@"]}
    body = _spliced({"inputs": [asked], "outputs": [{"name": name} for name in call.outputs]})
    return f"""\
# yours: a window in {call.problem.units} units, row by row; this one is a row {call.problem.window} times
window=$(yes ' {call.rows}' | head -n {call.problem.window} | paste -sd, -)
curl -s -H 'Content-Type: application/json' "${{TRITON:-localhost:8000}}/v2/models/{call.model}/infer" -d {body}"""


def _spliced(body: object) -> str:
    """A JSON text as a shell's word, with the variable ``window`` where ``"@"`` is."""
    return "'" + json.dumps(body).replace('"@"', "'\"$window\"'") + "'"
