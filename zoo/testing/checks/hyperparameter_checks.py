"""The hyperparameters' declaration."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from zoo.testing.bench import Bench
from zoo.testing.outcomes import Findings


def check_hyperparameters(bench: Bench) -> Findings:
    """Every field has a description, numbers have bounds, defaults and ``tiny`` are valid and survive JSON."""
    architecture, warnings = bench.architecture, []
    properties: dict[str, Any] = architecture.hyperparameters.model_json_schema().get("properties", {})
    for name, field in properties.items():
        assert field.get("description"), f"hyperparameter '{name}' has no description"
        for form in field.get("anyOf", [field]):
            if form.get("type") in ("integer", "number"):
                assert form.keys() & {"minimum", "exclusiveMinimum"}, f"hyperparameter '{name}' has no lower bound"
    for values in ({}, architecture.tiny):
        hp = architecture.configure(values)
        again = architecture.hyperparameters.model_validate_json(hp.model_dump_json())
        assert again == hp, f"{hp!r} comes back from JSON as {again!r}"
    if properties and not architecture.tiny:
        warnings.append("'tiny' is empty, so that tests run with the default sizes; give it small hyperparameters")
    return Findings(warnings=tuple(warnings))


def check_kept(bench: Bench) -> None:
    """Building a network, its loss and what it decodes leaves the hyperparameters and ``tiny`` as they were."""
    architecture = bench.architecture

    def values() -> list[Any]:
        return deepcopy([hp.model_dump(), dict(architecture.tiny), architecture.configure({}).model_dump()])

    hp = architecture.configure(architecture.tiny)
    before = values()
    bench.fresh(seed=0, hp=hp)
    for what, old, new in zip(("the hyperparameters", "'tiny'", "the defaults"), before, values(), strict=True):
        assert new == old, f"building the network changes {what} from {old} to {new}; work on a copy"
