"""Load a bundle and predict with it, by default on ONNX Runtime; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from zoo.bundle.integrity import check_integrity
from zoo.bundle.manifest import MANIFEST_FILE, Manifest
from zoo.data.windows import check_windows, is_windows
from zoo.outputs import MAIN_OUTPUT
from zoo.runtimes import Session, find_runtime
from zoo_registry.errors import BundleError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from zoo.data.reading import Source
    from zoo.options import Missing


def find_bundle(path: str | Path) -> Path:
    """Return the bundle's folder: ``path`` itself, or the highest version below a model's folder.

    Raises BundleError where there is none.
    """
    folder = Path(path)
    if (folder / MANIFEST_FILE).is_file():
        return folder
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise BundleError(f"{folder}: expected a folder, found {found}; give a bundle such as exported/NAME/1")
    if numbers := versions(folder):
        return folder / str(max(numbers))
    raise BundleError(f"{folder}: expected a bundle or a model folder with versions, found neither; see exported/")


def versions(model: Path) -> list[int]:
    """The version numbers of a model's folder: positive integers without leading zeros."""
    names = [path.name for path in model.iterdir() if path.is_dir()] if model.is_dir() else []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and not name.startswith("0"))


class Bundle:
    """A bundle whose hashes were checked, and its one session on a runtime."""

    def __init__(self, folder: Path, manifest: Manifest, session: Session) -> None:
        self.folder, self.manifest, self._session = folder, manifest, session

    def predict(self, data: Any, *, missing: Missing | None = None, **reading: Any) -> Any:
        """Forecast in the interface's units, which are the original ones but where a scaler cannot be exported.

        An array of shape (batch, window, n_features), or of one window (window, n_features), gives an array of shape
        (batch, horizon, n_targets), of probabilities (batch, classes) or of scores (batch, 1). A DataFrame, a file,
        arrays or an example give a DataFrame with the forecast after the last row of each series, or, where the task
        is another, with what is said of that row itself. ``reading`` says how a table is
        read where not as in the training: time, csv, sort, gaps and the other fields of
        :class:`zoo.data.reading.Reading`. Raises DataError for other shapes, values that are not finite, and tables
        that do not fit.
        """
        if is_windows(data):
            return self.outputs(data)[MAIN_OUTPUT[self.manifest.interface.task]]
        return self._predict_table(data, missing, reading)

    def outputs(self, windows: Any) -> dict[str, NDArray[Any]]:
        """All outputs of an array of windows by name.

        ``forecast`` (batch, horizon, n_targets) and, where there are some, ``quantiles`` (batch, horizon, n_targets,
        n_quantiles); ``probabilities`` (batch, classes); or ``score`` and ``is_anomaly`` (batch, 1). Raises DataError
        as :meth:`predict` does.
        """
        interface = self.manifest.interface
        checked = check_windows(windows, interface.window, interface.features, interface.inputs[0].dtype)
        return self._session.run(checked)

    def _predict_table(self, source: Source, missing: Missing | None, reading: dict[str, Any]) -> pd.DataFrame:
        from zoo.data.last_window import read_last_windows

        interface = self.manifest.interface
        if interface.units == "scaled":
            raise DataError(
                f"{self.folder}: this bundle takes scaled values, expected an array of scaled windows, found a table;"
                " scale it first, or predict with the run"
            )
        last = read_last_windows(
            source,
            features=interface.features,
            window=interface.window,
            trained=self.manifest.data,
            missing=missing,
            **reading,
        )
        return last.answer_frame(
            self.outputs(last.values),
            targets=interface.targets,
            quantiles=interface.quantiles,
            classes=interface.classes,
            gap=interface.gap,
            task=interface.task,
        )


def load_bundle(path: str | Path, *, runtime: str = "onnxruntime") -> Bundle:
    """Check a bundle's hashes and load it; ``path`` is a bundle or a model's folder (then its highest version).

    Raises BundleError where it is incomplete or changed, or the runtime is unknown.
    """
    chosen, folder = find_runtime(runtime), find_bundle(path)
    manifest = check_integrity(folder)
    return Bundle(folder, manifest, chosen.load(folder))
