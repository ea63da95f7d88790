"""From a run to a bundle: serving graph, SavedModel, ONNX, parity gate, atomic publishing."""
