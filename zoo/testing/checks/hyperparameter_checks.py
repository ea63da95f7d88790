"""The hyperparameters' declaration."""

from __future__ import annotations

from typing import Any

from zoo.testing.bench import Bench
from zoo.testing.findings import Findings


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
