"""Load a bundle and predict with it, by default on ONNX Runtime; nothing is unpickled unless its caller trusts it."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.golden import kinds_of
from zoo.bundle.integrity import CheckedFiles
from zoo.bundle.onnx_checks import check_onnx
from zoo.bundle.opening import open_bundle
from zoo.bundle.signatures import required_keys
from zoo.inference.predictor import Predictor
from zoo.inference.ranges import PARAMETERS_FILE, Outside, TrainRange
from zoo.preprocessing.series_scaling import SeriesScaling, parse_series_scaling
from zoo.runtimes import find_runtime, load_session
from zoo.texts import printable
from zoo_registry import Runtime, Session
from zoo_registry.errors import BundleError, DataError, ZooError
from zoo_registry.runtime import ONNX_FILE

SCALERS_FILE = "scalers.joblib"


@dataclass(frozen=True)
class GuardedSession:
    """A session whose errors are BundleErrors: each runtime has some of its own."""

    session: Session
    folder: Path
    runtime: str

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map windows of shape (batch, window, n_features) to outputs by name; raises BundleError."""
        try:
            found = self.session.run(window)
            if not isinstance(found, dict):
                raise TypeError(f"expected outputs by name, found {type(found).__name__}")
            return {name: np.asarray(values) for name, values in found.items()}
        except ZooError:
            raise
        except Exception as error:
            raise BundleError(
                f"{self.folder}: its graph cannot be run on {self.runtime} ({_reason(error)}); export again"
            ) from error


def guarded_session(
    runtime: Runtime, folder: Path, read: Callable[[str], bytes], operators: Collection[str] | None = None
) -> GuardedSession:
    """Look at ``model.onnx`` and load a folder on a runtime; ``read`` gives a file's content by its name.

    ``operators`` are those that the manifest lists, None where there is none yet.

    Raises BundleError where a check refuses the model, the runtime is missing or it cannot load it.
    """
    onnx = read(ONNX_FILE)
    check_onnx(onnx, folder / ONNX_FILE, operators)
    try:
        return GuardedSession(load_session(runtime, folder, onnx), folder, runtime.name)
    except ZooError:
        raise
    except Exception as error:
        raise BundleError(
            f"{folder}: {runtime.name} cannot load this bundle ({_reason(error)}); export again"
        ) from error


class Bundle(Predictor):
    """A bundle in a ``folder``, whose files were checked, and its one session on a runtime.

    ``manifest`` is what it says of itself; ``manifest_sha256``, the manifest's SHA-256, tells it from every other
    bundle, as the manifest has those of all its files. ``problem`` has the ``dtype`` and the ``units`` of its graph.
    A copy or a pickle is by path: it is loaded, and all is checked, again, on the same runtime and with the same keys.
    """

    def __init__(
        self,
        checked: CheckedFiles,
        session: Session,
        runtime: str = "onnxruntime",
        keys: tuple[Path, ...] | None = None,
    ) -> None:
        self._checked, self._session = checked, session
        self._runtime, self._keys = runtime, keys
        self.folder, self.manifest, self.manifest_sha256 = checked.folder, checked.manifest, checked.manifest_sha256
        self.problem, self.trained_on = self.manifest.problem, self.manifest.data
        self.windows_dtype = self.problem.dtype
        parameters = checked.read(PARAMETERS_FILE), self.folder / PARAMETERS_FILE
        self.train_range = TrainRange.parse(*parameters, self.problem, self.trained_on.calendar)
        self._by_series = parse_series_scaling(*parameters, self.problem)
        if self._by_series is not None:  # by which raw windows of tables are scaled, in float64
            self.windows_dtype = "float64"

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_again, (self.folder.absolute(), self._runtime, self._keys, self.manifest_sha256)

    def load_scalers(self, *, trusted: bool = False) -> dict[str, Any]:
        """Unpickle ``scalers.joblib``: by ``features`` and ``targets`` the fitted scikit-learn scalers.

        Where each series has scalers of its own they are found by its name.
        A pickle is a program: loading it runs whatever its maker wrote. Say ``trusted=True`` where you know who made
        this bundle; its hash is checked once more, on the bytes that are unpickled. ``preprocessing.json`` holds the
        same as plain numbers. Raises BundleError without trust, for changed bytes, and where scikit-learn or joblib is
        missing.
        """
        path = self.folder / SCALERS_FILE
        if trusted is not True:
            raise BundleError(
                f"{path}: a pickle runs whatever its maker wrote, expected load_scalers(trusted=True) from somebody who"
                " trusts them; preprocessing.json holds the same as plain numbers"
            )
        content = self._checked.read(SCALERS_FILE)
        try:
            import joblib
            import sklearn  # noqa: F401 - told here, where it is one sentence
        except ImportError as error:
            raise BundleError(f"{path}: needs scikit-learn and joblib; run: pip install scikit-learn") from error
        scalers: dict[str, Any] = joblib.load(io.BytesIO(content))
        return scalers

    def outside(self, windows: Any) -> list[Outside]:
        """The columns of windows with values outside the training's range: how far, and in how many windows.

        Columns of the calendar are left out, and a bundle that takes scaled values has none. Raises DataError as
        :meth:`predict` does.
        """
        return self._outside(self.check(windows))

    @property
    def by_series(self) -> SeriesScaling | None:
        """The scalers of each series, where each has some of its own."""
        return self._by_series

    def run(self, checked: NDArray[np.floating], series: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """All outputs of windows that :meth:`check` returned; warns of nothing.

        Where each series has scalers of its own, windows of named ``series`` are raw and answered in original units,
        and others are scaled as the graph takes them. Raises BundleError where the graph gives others than the manifest
        says, and DataError for a series that is refused.
        """
        to_units = None
        if self._by_series is not None and series is not None:
            checked, to_units = self._by_series.scale_windows(checked, series, self.problem.dtype)
        outputs = self._session.run(checked.astype(self.problem.dtype, copy=False))
        for tensor in self.problem.outputs:
            expected = (len(checked), *tensor.shape)
            found = outputs[tensor.name].shape if tensor.name in outputs else "none"
            if found != expected:
                raise BundleError(
                    f"{self.folder}: expected the output '{tensor.name}' of shape {expected}, as the manifest says,"
                    f" found {found}; the bundle was changed, export again"
                )
        if to_units is not None:
            kinds = kinds_of(self.problem)
            outputs |= {name: to_units(outputs[name]) for name, kind in kinds.items() if kind == "value"}
        return outputs

    def refuse_table(self, source: Any) -> None:
        """Raise DataError where the graph takes scaled values, and for windows."""
        if self.problem.units == "scaled" and self._by_series is None:
            raise DataError(
                f"{self.folder}: this bundle takes scaled values, expected an array of scaled windows, found a table;"
                " scale it first, or predict with the run"
            )
        super().refuse_table(source)


def load_bundle(
    path: str | Path, *, runtime: str = "onnxruntime", require_signature: Sequence[str | Path] | None = None
) -> Bundle:
    """Check a bundle and load it; ``path`` is a bundle or a model's folder (then its highest version).

    ``runtime="tensorflow"`` runs the SavedModel, which is a program that can read and write files: ask for it where you
    trust who made the bundle. ``require_signature`` as for :func:`open_bundle`. Raises BundleError where the bundle is
    incomplete, changed or not signed by a required key, or the runtime is unknown.
    """
    chosen = find_runtime(runtime)
    keys = required_keys(require_signature)
    checked = open_bundle(path, keys)
    chosen.check(checked.folder, checked.manifest.problem.dtype)
    session = guarded_session(chosen, checked.folder, checked.read, checked.manifest.onnx.operators)
    # without keys, those of the environment hold where a pickle is loaded, unless none at all were asked for here
    kept = None if require_signature is None and not keys else tuple(key.absolute() for key in keys)
    return Bundle(checked, session, runtime, kept)


def _load_again(folder: Path, runtime: str, keys: tuple[Path, ...] | None, manifest_sha256: str) -> Bundle:
    """Load what a pickle or a copy names; raises BundleError where another bundle lies there now."""
    bundle = load_bundle(folder, runtime=runtime, require_signature=keys)
    if bundle.manifest_sha256 != manifest_sha256:
        raise BundleError(
            f"{folder}: expected the bundle that was pickled, whose manifest has the SHA-256 {manifest_sha256[:12]}…,"
            f" found another one, with {bundle.manifest_sha256[:12]}…; put that one back, or load this one anew"
        )
    return bundle


def _reason(error: Exception) -> str:
    """What a runtime says, on one line."""
    return printable(" ".join(str(error).split())[:200])
