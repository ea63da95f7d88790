"""mypy for each other Python that the project names, against what the lock gives that one: 15 seconds each.

NumPy's stubs differ between the releases that the lock gives Python 3.11 and later ones. Nothing of the other Pythons
has to be installed: their wheels are unpacked beside what ``.venv`` has for all.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "types"
CLASSIFIER = "Programming Language :: Python :: 3."


def pythons() -> list[str]:
    """The Pythons that the project names, as ``3.12``, without the one that runs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if line.startswith(CLASSIFIER)]
    return [python for python in named if python != f"3.{sys.version_info.minor}"]


def differing(lock: str, python: str) -> list[str]:
    """The lock's requirements that this Python has and the running one has not, with their hashes, for pip."""
    other = {"python_version": python, "python_full_version": f"{python}.0"}
    found = []
    for entry in lock.replace("\\\n", " ").splitlines():
        if not entry or entry[0] in " #":
            continue
        wanted, *hashes = entry.split(" --hash=")
        requirement = Requirement(wanted)
        if (marker := requirement.marker) and marker.evaluate(other) and not marker.evaluate():
            requirement.marker = None  # pip would ask it of the running Python
            found.append(" --hash=".join([str(requirement), *map(str.strip, hashes)]))
    return found


def environment(folder: Path, python: str, requirements: list[str]) -> Path:
    """Make an environment that looks to mypy like one of this Python, and return its interpreter."""
    venv.create(folder, clear=True, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (own,) = Path(sys.prefix).glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(f"{own}\n", encoding="utf-8")
    if requirements:
        listed = folder / "requirements.txt"
        listed.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        wheels = ["--no-deps", "--only-binary", ":all:", "--python-version", python, "--ignore-requires-python"]
        into = ["--target", str(packages), "--require-hashes", "--requirement", str(listed)]
        subprocess.run([*pip, *wheels, *into], check=True)
    return folder / "bin" / "python"


def main() -> int:
    """Check each, whatever another finds; those that the lock gives the same share an environment."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    made: dict[str, Path] = {}
    failed = 0
    for python in pythons():
        requirements = differing(lock, python)
        if (key := "\n".join(requirements)) not in made:
            made[key] = environment(BUILD / python, python, requirements)
        print(f"mypy for Python {python}:", flush=True)
        mypy = [sys.executable, "-m", "mypy", "--python-version", python, "--python-executable", str(made[key])]
        failed |= subprocess.run(mypy, cwd=ROOT).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
