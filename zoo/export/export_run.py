"""Export: serving graph, both formats, golden windows, parity gate, manifest, publishing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.atomic import full_disk
from zoo.bundle.golden import Golden, Ruler, allowed_roundings, kinds_of
from zoo.bundle.integrity import check_integrity, describe_files
from zoo.bundle.manifest import Manifest, OnnxRecord, Parity
from zoo.bundle.place import CONFIG_FILE
from zoo.bundle.replay import Verdict, replay
from zoo.bundle.signatures import sign_bundle, signer
from zoo.bundle.synthetic_windows import SyntheticWindows
from zoo.export.card import model_card
from zoo.export.extra import choose_exporters, write_extra
from zoo.export.formats import SCALED_SIGNATURE, write_onnx, write_saved_model
from zoo.export.graph import Served
from zoo.export.inference import inference_network
from zoo.export.naming import (
    check_interface,
    check_model_name,
    choose_dtype,
    default_name,
    newest_problem,
)
from zoo.export.publishing import publish, staging
from zoo.export.triton import triton_config
from zoo.export.warmup import write_warmup
from zoo.inference.answers import Answers, answer_windows, answers_of
from zoo.models.layer_errors import layers_told
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.runs.record import RunRecord
from zoo.runs.resumption import not_finite
from zoo.runtimes import find_runtime, load_session, runtimes
from zoo.versions import library_versions
from zoo_registry import Problem
from zoo_registry.errors import ExportError, ParityError

GATE = ("onnxruntime", "tensorflow")


@dataclass(frozen=True)
class Trained:
    """What is exported: a trained network, its fitted preprocessing and the record of the run."""

    network: keras.Model
    preprocessor: Preprocessor
    record: RunRecord


def export(
    trained: Trained,
    exported: Path,
    name: str | None = None,
    summary: str = "",
    dtype: str = "auto",
    sign: str | Path | None = None,
    formats: Sequence[str] = (),
    batch: int | None = None,
    warmup: bool = False,
) -> Path:
    """Publish a run as the next version of a model below ``exported`` and return the bundle's folder.

    Both formats take raw windows and give raw forecasts; they must agree with Keras + scikit-learn on the golden
    windows within 1e-5 train-target deviations, and in float32 four roundings at a value's size. Where a scaler cannot
    give itself as tensor operations they take and give scaled values. ``dtype`` is that of input and output,
    ``"auto"``: that of the model's newest version where it holds the columns, else what they need. ``sign`` is a
    private key to sign the bundle with, as for :func:`zoo.bundle.signatures.signer`. ``formats`` names exporters whose
    files go into ``extra/``, and ``batch`` the number of windows of those with a fixed one; each that a runtime here
    can run passes the same gate. ``warmup`` adds TensorFlow Serving's warm-up requests. Raises ConfigError for a bad
    name, dtype or key, ExportError where the name belongs to another interface, ParityError over the limit; nothing is
    published then.
    """
    if sign is not None:
        signer(sign)  # told before the work
    record, preprocessor = trained.record, trained.preprocessor
    name = default_name(record.config) if name is None else name
    check_model_name(name)
    model = exported / name
    dtype, units = choose_dtype(preprocessor, dtype, newest_problem(model)), preprocessor.units
    problem = record.problem.served(dtype, units)
    check_interface(model, problem)
    exporters = choose_exporters(formats, batch, problem)
    _refuse_non_finite(trained)
    answers = answers_of(record)
    shape = (problem.window, len(problem.features))
    with layers_told(trained.network, "exported", ExportError):
        served = Served(inference_network(trained.network), preprocessor, answers, shape)
    with _room_told(model), staging(model) as folder, layers_told(served.network, "exported", ExportError):
        write_saved_model(served, dtype, folder)
        onnx = write_onnx(served, dtype, folder)
        extra = write_extra(served, exporters, folder, problem, batch)
        preprocessor.save_portable(folder)
        golden = _golden(trained, answers, problem, dtype)
        golden.write(folder)
        if warmup:
            write_warmup(folder, name, golden.window)
        targets = preprocessor.targets_
        unit = targets.deviation if units == "raw" else targets.scaled_deviation
        ruler = Ruler(
            unit, kinds_of(problem), answers.threshold, allowed_roundings(problem), masked=bool(problem.masked)
        )
        of_extra = [r.name for r in runtimes().values() if r.exporter in extra and r.version and r.applies_to(folder)]
        verdicts = replay(folder, [*GATE, *of_extra], ruler, golden=golden)
        _gate([*verdicts, _replay_scaled(folder, golden, preprocessor, ruler)], preprocessor, dtype)
        manifest = Manifest(
            model=name,
            version=None,
            config_sha256=None,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            run=record.id,
            architecture=record.plugin.model_copy(update={"name": record.config.architecture}),
            hyperparameters=record.config.hyperparameters,
            training=record.config.training.model_dump(mode="json"),
            network=record.config.network.model_dump(mode="json"),
            problem=problem,
            # without the place of the data on this machine
            data=record.data.model_copy(update={"source": Path(record.data.source).name}),
            metrics=record.evaluation,
            retrained_from=record.retrained_from,
            parity_unit=dict(zip(problem.targets, map(float, unit), strict=True)) if answers.task.in_units else {},
            parity_roundings=allowed_roundings(problem) if answers.task.in_units else 0,
            threshold=answers.threshold,
            parity={v.runtime: Parity(version=v.version, difference=v.difference) for v in verdicts},
            onnx=OnnxRecord.model_validate(onnx),
            extra=extra,
            versions=library_versions(),
            files={},
            checksum="",
        )
        row = [str(value) for value in golden.window[0, 0]]
        by_series = preprocessor.by_series
        unknown = None if by_series is None else by_series.unknown
        card = model_card(manifest, summary, row, whole=golden.whole, unknown_series=unknown)
        (folder / "README.md").write_text(card, encoding="utf-8")
        config = triton_config(name, problem)

        def seal(number: int, written: bytes) -> None:
            if sign is not None and written != config.encode():
                raise ExportError(
                    f"{model / CONFIG_FILE}: expected what the export writes, found another configuration, which a"
                    " signature would vouch for; remove it, and it is written anew"
                )
            place = {"version": number, "config_sha256": hashlib.sha256(written).hexdigest()}
            manifest.model_copy(update={**place, "files": describe_files(folder)}).write(folder)
            if sign is not None:
                sign_bundle(folder, sign)
            check_integrity(folder)

        return publish(folder, model, config, seal, check=partial(check_interface, model, problem))


@contextmanager
def _room_told(model: Path) -> Iterator[None]:
    """Raise ExportError where there was no room for a bundle, whichever library found that, in whatever words."""
    try:
        yield
    except Exception as error:
        if (full := full_disk(error)) is None:
            raise
        raise ExportError(
            f"{model}: {full}; nothing was published, and nothing half-written is left; make room, then export again"
        ) from error


def _refuse_non_finite(trained: Trained) -> None:
    """Raise ExportError for weights that are no numbers: no replay would tell them from others."""
    if (name := not_finite(trained.network)) is not None:
        raise ExportError(
            f"run {trained.record.id}: the weights '{name}' are not finite, so that it cannot be exported; train again"
            " with a smaller `learning_rate` or another `scaler`"
        )


def _golden(trained: Trained, answers: Answers, problem: Problem, dtype: str) -> Golden:
    """Synthetic windows, and what the trained Keras network and the scikit-learn scalers make of them."""
    preprocessor = trained.preprocessor
    features = preprocessor.features_
    ends: NDArray[np.floating] = np.stack([features.minimum, features.maximum])
    if preprocessor.units == "scaled":
        ends = preprocessor.scaled_range
    made_of = SyntheticWindows.spanning(ends[0], ends[1], problem.window, dtype, masked=problem.shape.masked)
    window = made_of.values
    if preprocessor.units == "scaled":
        output = np.asarray(trained.network.predict(answers.network_input(window), batch_size=len(window), verbose=0))
        outputs = answers.decode(np, window, output)
    else:
        outputs = answer_windows(trained.network, preprocessor, answers, window)
    outputs = {name: values if values.dtype == bool else values.astype(dtype) for name, values in outputs.items()}
    return Golden(window, outputs, made_of)


def _replay_scaled(folder: Path, golden: Golden, preprocessor: Preprocessor, ruler: Ruler) -> Verdict:
    """Run the signature ``scaled`` between the scikit-learn scalers, as its callers do."""
    session = load_session(find_runtime("tensorflow"), folder, signature=SCALED_SIGNATURE)
    if preprocessor.units == "scaled":
        found = session.run(golden.window)
    else:
        found = session.run(preprocessor.transform(golden.window))
        to_units = preprocessor.targets_.inverse_transform
        for name, values in found.items():
            found[name] = to_units(values, axis=2) if ruler.kinds[name] == "value" else values
    return Verdict("signature 'scaled'", "", ruler.farthest(found, golden.outputs), 0.0)


def _gate(verdicts: list[Verdict], preprocessor: Preprocessor, dtype: str) -> None:
    if failed := [verdict for verdict in verdicts if not verdict.passed]:
        found = ", ".join(f"{verdict.runtime} by {verdict.difference:.2g}" for verdict in failed)
        advice = "report the architecture's author, or try another `scaler` or `normalize_window`"
        if dtype != preprocessor.serving_dtype == "float64":
            advice = (
                f"these columns take float64, so leave `serving_dtype` {dtype} out, and give another `name` where"
                f" {dtype} is published"
            )
        raise ParityError(
            f"the exported graph differs from the trained model by more than 1e-5 ({found}; forecasts in deviations of"
            f" the train targets, less what float32 rounds); nothing was published: {advice}"
        )
