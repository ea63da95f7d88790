"""What importing a plugin costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.testing.outcomes import Findings, NotApplicableError
from zoo.testing.probe import measure_import
from zoo_registry.plugin import SLOW

if TYPE_CHECKING:
    from zoo.testing.bench import Bench

ATTEMPTS = 3  # a busy machine is no fault of the plugin


def check_import(bench: Bench) -> Findings:
    """A fresh process that imports the plugin loads no TensorFlow, Keras, pandas or scikit-learn, and is quick."""
    subject = bench.subject
    if not subject.module or subject.module == "__main__":
        raise NotApplicableError("the architecture is of no module that another process could import")
    return Findings(judge_import(subject.plugin, subject.module, subject.distribution))


def judge_import(name: str, value: str, distribution: str) -> dict[str, Any]:
    """Raise AssertionError where importing ``module`` or ``module:attribute`` fails, loads too much or is slow."""
    for _ in range(ATTEMPTS):
        cost = measure_import(name, value, distribution=distribution)
        if cost.seconds <= SLOW or cost.error:
            break
    assert not cost.error, f"importing {value} failed: {cost.error}"
    assert not cost.heavy, (
        f"importing {value} loads {', '.join(cost.heavy)}, for which every command would wait; import such modules"
        " inside its functions"
    )
    assert cost.seconds <= SLOW, (
        f"importing {value} takes {cost.seconds:.1f} s, expected at most {SLOW:g} s, as every command waits for it"
    )
    return {"import_seconds": round(cost.seconds, 4)}
