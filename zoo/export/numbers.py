"""The version numbers of a model that were given, and the marks of what exports wrote around the versions."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from zoo.atomic import write_text
from zoo_registry.errors import ExportError

MARK_FILE = ".zoo"  # in a model's folder that the zoo made, until it has a version


@dataclass(frozen=True)
class Numbers:
    """What is kept of a model beside its folder, in ``.NAME.versions.json``: a plain file, which no server minds.

    So the numbers outlive their versions, and the model's folder itself. ``highest`` is the highest number that was
    ever given, 0 where none was; ``config`` the SHA-256 of the ``config.pbtxt`` that an export wrote.
    """

    highest: int = 0
    config: str = ""

    @classmethod
    def read(cls, model: Path) -> Self:
        """Read them; raises ExportError where the file is not what was written."""
        file = _file_of(model)
        try:
            found: Self = TypeAdapter(cls).validate_json(file.read_bytes(), strict=True)
        except FileNotFoundError:
            return cls()
        except (ValidationError, IsADirectoryError) as error:
            raise ExportError(
                f'{file}: expected {{"highest": N, "config": ""}}, N the highest version number that the model was ever'
                " given, found something else; write that into it"
            ) from error
        return found

    def write(self, model: Path) -> None:
        """Write them whole; as before there were any where no number was given."""
        if self == type(self)():
            _file_of(model).unlink(missing_ok=True)
        else:
            write_text(_file_of(model), dumps(asdict(self)) + "\n")

    def wrote(self, config: Path) -> bool:
        """Whether an export wrote this ``config.pbtxt`` as it is."""
        return config.is_file() and self.hash_of(config.read_bytes()) == self.config

    @staticmethod
    def hash_of(config: bytes) -> str:
        """The SHA-256 of a ``config.pbtxt``."""
        return hashlib.sha256(config).hexdigest()


def _file_of(model: Path) -> Path:
    model = model.resolve()  # by whatever link it is named, it has one file
    return model.parent / f".{model.name}.versions.json"
