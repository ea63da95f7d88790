"""Export: serving graph, both formats, golden windows, parity gate, manifest, publishing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.bundle.golden import Golden, golden_windows
from zoo.bundle.integrity import check_integrity, describe_files
from zoo.bundle.manifest import Interface, Manifest
from zoo.bundle.verification import Verdict, replay
from zoo.export.card import model_card
from zoo.export.formats import SCALED_SIGNATURE, write_onnx, write_saved_model
from zoo.export.inference import inference_network
from zoo.export.naming import check_interface, check_model_name, choose_dtype, default_name, interface_of
from zoo.export.publishing import publish, staging
from zoo.export.triton import triton_config
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.runtimes.tensorflow_session import TensorFlowSession
from zoo.training.layers import middle_quantile
from zoo.training.run_record import RunRecord
from zoo.versions import library_versions
from zoo_registry.errors import ParityError

GATE = ("onnxruntime", "tensorflow")


@dataclass(frozen=True)
class Trained:
    """What is exported: a trained network, its fitted preprocessing and the record of the run."""

    network: keras.Model
    preprocessor: Preprocessor
    record: RunRecord


def export(trained: Trained, exported: Path, name: str | None = None, summary: str = "", dtype: str = "auto") -> Path:
    """Publish a run as the next version of a model below ``exported`` and return the bundle's folder.

    Both formats take raw windows and give raw forecasts; they must agree with Keras + scikit-learn on the golden
    windows within 1e-5 train-target deviations. Where a scaler cannot give itself as tensor operations they take and
    give scaled values. ``dtype`` is that of input and output, ``"auto"``: what the columns need. Raises ConfigError
    for a bad name or dtype, ExportError where the name belongs to another interface, ParityError over the limit;
    nothing is published then.
    """
    record, preprocessor = trained.record, trained.preprocessor
    name = default_name(record.config) if name is None else name
    check_model_name(name)
    dtype, units = choose_dtype(preprocessor, dtype), preprocessor.units
    interface = interface_of(record.config, record.data["features"], record.data["targets"], dtype, units)
    model = exported / name
    check_interface(model, interface)
    network = inference_network(trained.network)
    with staging(model) as folder:
        write_saved_model(network, preprocessor, dtype, folder)
        onnx = write_onnx(network, preprocessor, dtype, folder)
        preprocessor.save_portable(folder)
        golden = _golden(trained, interface, dtype)
        golden.write(folder)
        targets = preprocessor.targets_
        unit = targets.deviation if units == "raw" else targets.scaled_deviation
        verdicts = replay(folder, GATE, unit)
        _gate([*verdicts, _replay_scaled(folder, golden, preprocessor, unit)])
        manifest = Manifest(
            model=name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            run=record.id,
            architecture={
                "name": record.config.architecture,
                **{k: record.plugin[k] for k in ("distribution", "version")},
            },
            hyperparameters=record.config.hyperparameters,
            training=record.config.training.model_dump(mode="json"),
            interface=interface,
            data=_data(record),
            metrics={
                key: record.evaluation[key] for key in ("network", "baselines", "skipped", "quantiles", "verdict")
            },
            parity_unit=dict(zip(interface.targets, map(float, unit), strict=True)),
            parity={v.runtime: {"version": v.version, "difference": v.difference} for v in verdicts},
            onnx=onnx,
            versions=library_versions(),
            files={},
            checksum="",
        )
        example = float(golden.window[0, 0, 0])
        (folder / "README.md").write_text(model_card(manifest, summary, example), encoding="utf-8")
        manifest.model_copy(update={"files": describe_files(folder)}).write(folder)
        check_integrity(folder)
        return publish(folder, model, interface, triton_config(name, interface))


def _golden(trained: Trained, interface: Interface, dtype: str) -> Golden:
    """Synthetic windows, and what the trained Keras network and the scikit-learn scalers make of them."""
    preprocessor = trained.preprocessor
    features = preprocessor.features_
    window = golden_windows(features.minimum, features.maximum, interface.window, dtype)
    scaled = preprocessor.transform(window)
    output = np.asarray(trained.network.predict(scaled, batch_size=len(window), verbose=0))
    if preprocessor.units == "raw":
        output = preprocessor.targets_.inverse_transform(output, axis=2).astype(dtype)
    made_of = window if preprocessor.units == "raw" else scaled
    middle = middle_quantile(trained.network)
    return Golden(made_of, output) if middle is None else Golden(made_of, output[..., middle], output)


def _replay_scaled(folder: Path, golden: Golden, preprocessor: Preprocessor, unit: NDArray[np.float64]) -> Verdict:
    """Run the signature ``scaled`` between the scikit-learn scalers, as its callers do."""
    session = TensorFlowSession(folder, SCALED_SIGNATURE)
    if preprocessor.units == "scaled":
        found = session.run(golden.window)
    else:
        scaled = session.run(preprocessor.transform(golden.window))
        found = {name: preprocessor.targets_.inverse_transform(values, axis=2) for name, values in scaled.items()}
    return Verdict("signature 'scaled'", "", golden.distance(found, slice(None), unit), 0.0)


def _gate(verdicts: list[Verdict]) -> None:
    if failed := [verdict for verdict in verdicts if not verdict.passed]:
        found = ", ".join(f"{verdict.runtime} by {verdict.difference:.2g}" for verdict in failed)
        raise ParityError(
            f"the exported graph differs from the trained model by more than 1e-5 train-target deviations ({found});"
            " nothing was published: report the architecture's author, or try another --scaler"
        )


def _data(record: RunRecord) -> dict[str, object]:
    """The run's data without its place on this machine and without any row of it."""
    data = record.data
    train = data["split"]["train"]
    return {
        "source": Path(data["source"]).name,
        "fingerprint": data["fingerprint"],
        "rows": data["rows"],
        **{key: data[key] for key in ("time_column", "series_column", "zone", "step", "gaps", "calendar")},
        "train_first": train["first"],
        "train_last": train["last"],
        "split": {name: part["rows"] for name, part in data["split"].items()},
        "repairs": data["repairs"],
    }
