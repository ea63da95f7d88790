"""Signatures of bundles: made with a private key, checked against public keys that the user names, never the bundle.

The library model-signing does both, in its key mode (ECDSA on P-256, P-384 or P-521). Its file ``model.sig`` lies in
the bundle beside the manifest, which does not list it; it covers every other file.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.bundle.integrity import CheckedFiles
from zoo.bundle.manifest import SIGNATURE_FILE
from zoo.bundle.regular_files import read_regular
from zoo_registry.errors import BundleError, ConfigError

MAX_SIGNATURE_BYTES = 4 * 2**20
KEYS_VARIABLE = "ZOO_REQUIRE_SIGNATURE"
PASSWORD_VARIABLE = "ZOO_SIGN_PASSWORD"


def required_keys(given: Sequence[str | Path] | None = None) -> list[Path]:
    """The public keys, one of which must have signed a bundle; none where no signature is demanded.

    None means those of the environment variable ZOO_REQUIRE_SIGNATURE, separated by colons. Raises ConfigError where
    one is no public key, the library is missing, or what was given names no key at all: only an empty list, and a
    variable that is not set or empty, demand none.
    """
    variable = os.environ.get(KEYS_VARIABLE, "")
    named = variable.split(os.pathsep) if given is None else given
    keys = [Path(key) for key in named if str(key).strip()]
    if not keys and (variable if given is None else given):
        where = f"{KEYS_VARIABLE}={variable}" if given is None else "the required signature"
        raise ConfigError(f"{where}: expected files of public keys, found none; name one, or take it away")
    for key in keys:
        verifying = _library()[1]
        try:
            verifying.Config().use_elliptic_key_verifier(public_key=key)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{key}: expected a public key on P-256, P-384 or P-521 in PEM, to check with; found: {error}"
            ) from error
    return keys


def signer(key: str | Path) -> Any:
    """A signer with a private key in PEM, whose password, if any, is the environment variable ZOO_SIGN_PASSWORD.

    Raises ConfigError where the key cannot be used, or the library is missing.
    """
    signing = _library()[0]
    password = os.environ.get(PASSWORD_VARIABLE)
    try:
        # the library hands the password on to cryptography, which takes bytes
        return signing.Config().use_elliptic_key_signer(private_key=key, password=password and password.encode())
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{key}: expected a private key on P-256, P-384 or P-521 in PEM, with its password in {PASSWORD_VARIABLE}"
            f" where it has one; found: {error}"
        ) from error


def sign_bundle(folder: Path, key: str | Path) -> None:
    """Write the signature into a complete bundle; raises ConfigError as :func:`signer` does."""
    path = folder / SIGNATURE_FILE
    signer(key).set_hashing_config(_hashing()).sign(folder, path)
    path.write_bytes(_spelled(json.loads(path.read_bytes())))


def verify_signature(checked: CheckedFiles, keys: Sequence[Path]) -> Path:
    """Return the key by which the bundle is signed; raises BundleError where it is none of ``keys``.

    What is signed must be the hashes that were checked: of every file, and of no other.
    """
    path = checked.folder / SIGNATURE_FILE
    if path.is_symlink() or not path.is_file():
        raise BundleError(
            f"{path}: a signature is required, found none; get a signed bundle, or sign it with zoo export --sign"
        )
    content = read_regular(path, MAX_SIGNATURE_BYTES)
    reasons = []
    for key in keys:
        try:
            _verify(checked, content, key)
        except Exception as error:  # the library's, cryptography's, pydantic's: all mean that it is not signed
            reasons.append(f"{key}: {' '.join(str(error).split())[:200] or type(error).__name__}")
        else:
            return key
    raise BundleError(
        f"{path}: the signature does not hold for any required key ({'; '.join(reasons)}); the bundle was changed, or"
        " somebody else signed it"
    )


def _verify(checked: CheckedFiles, content: bytes, key: Path) -> None:
    verifying = _library()[1]
    with tempfile.TemporaryDirectory() as private, contextlib.redirect_stdout(io.StringIO()):
        copy = Path(private) / SIGNATURE_FILE  # what the library reads is what is read below
        copy.write_bytes(content)
        config = verifying.Config().use_elliptic_key_verifier(public_key=key)
        config.set_hashing_config(_hashing()).verify(checked.folder, copy)
    envelope = json.loads(content)["dsseEnvelope"]
    coded = [envelope["payload"], *(one["sig"] for one in envelope["signatures"])]
    if _spelled(json.loads(content)) != content or any(_recoded(text) != text for text in coded):
        raise ValueError("it is spelled in another way than when it was made")
    statement = json.loads(base64.b64decode(envelope["payload"]))
    signed = {
        resource["name"]: resource["digest"]
        for resource in statement["predicate"]["resources"]
        if resource["algorithm"] == "sha256"
    }
    if signed != checked.hashes:
        raise ValueError("it does not cover all files of this bundle")


def _spelled(values: Any) -> bytes:
    """The one spelling of a signature that passes, so that no changed byte does."""
    return json.dumps(values, separators=(",", ":")).encode()


def _recoded(text: str) -> str:
    """Base64 with its unused bits at zero."""
    return base64.b64encode(base64.b64decode(text)).decode()


def _hashing() -> Any:
    """SHA-256 of each file but the signature."""
    from model_signing import hashing

    return hashing.Config().set_ignored_paths(paths=[SIGNATURE_FILE], ignore_git_paths=False)


def _library() -> tuple[Any, Any]:
    try:
        from model_signing import signing, verifying
    except ImportError as error:
        raise ConfigError(
            "signatures need model-signing, which is not installed; run: pip install 'lstm-zoo[sign]'"
        ) from error
    return signing, verifying
