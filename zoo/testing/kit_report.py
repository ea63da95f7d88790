"""What the kit says of one architecture, as plain data."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from zoo.capabilities import Capabilities, TaskCapabilities

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class Verdict(BaseModel):
    """What one check found.

    ``reason`` says in one sentence why it failed or was skipped; ``warnings`` are what an author should know though it
    passed. ``facts`` are what it learned: ``{"tasks": {"forecast": {…}}}`` adds to what the architecture can do.
    """

    model_config = ConfigDict(frozen=True)

    check: str
    status: str
    seconds: float
    reason: str = ""
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = {}


class Report(BaseModel):
    """The verdicts on an architecture, or on a plugin that could not be loaded (then ``architecture`` is None).

    ``complete``: every check was asked for, so that what it found may be kept.
    """

    model_config = ConfigDict(frozen=True)

    architecture: str | None = None
    plugin: str
    distribution: str
    version: str
    complete: bool = False
    verdicts: tuple[Verdict, ...]

    @property
    def name(self) -> str:
        """What is shown: the architecture, else the plugin."""
        return self.architecture or f"plugin {self.plugin}"

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The checks that failed."""
        return tuple(verdict for verdict in self.verdicts if verdict.status == FAILED)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an author should know though it passed."""
        return tuple(text for verdict in self.verdicts for text in verdict.warnings)

    @property
    def capabilities(self) -> Capabilities:
        """What the checks found that it can do."""
        tasks: dict[str, dict[str, Any]] = {}
        for verdict in self.verdicts:
            for task, found in verdict.facts.get("tasks", {}).items():
                tasks.setdefault(task, {}).update(found)
        return Capabilities(
            architecture=self.architecture or "",
            distribution=self.distribution,
            version=self.version,
            tasks={task: TaskCapabilities.model_validate(found) for task, found in sorted(tasks.items())},
            parameters=next((v.facts["parameters"] for v in self.verdicts if "parameters" in v.facts), None),
        )

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON knows it, ``passed`` and the capabilities with it."""
        capabilities = self.capabilities
        return {
            **self.model_dump(mode="json"),
            "passed": self.passed,
            "capabilities": capabilities.model_dump(mode="json") | {"exports": list(capabilities.exported)},
        }
