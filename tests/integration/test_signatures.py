"""Signatures through the real command: what they refuse, with which exit code, and what they need."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import zoo
from zoo.bundle.integrity import describe_files
from zoo.bundle.manifest import Manifest
from zoo.bundle.signatures import required_keys
from zoo_registry.errors import ConfigError

INSTALL = "signatures need model-signing, which is not installed; run: pip install 'lstm-zoo[sign]'"
KEYS = """
from pathlib import Path
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec

kinds = {"ours": (ec.SECP256R1(), b""), "theirs": (ec.SECP384R1(), b"secret"), "koblitz": (ec.SECP256K1(), b"")}
for name, (curve, password) in kinds.items():
    key = ec.generate_private_key(curve)
    lock = s.BestAvailableEncryption(password) if password else s.NoEncryption()
    Path(name + ".pem").write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, lock))
    Path(name + ".pub").write_bytes(key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
"""


@pytest.fixture
def without(monkeypatch):
    """The library is not installed."""
    monkeypatch.setitem(sys.modules, "model_signing", None)


def test_without_the_library(without, refused, exported, tmp_path):
    (tmp_path / "key.pub").write_text("a key")
    assert refused(f"verify {exported.folder} --require-signature key.pub") == f"error: {INSTALL}"
    assert refused(f"verify {exported.folder} --quick --require-signature key.pub") == f"error: {INSTALL}"
    assert refused(f"predict {exported.folder} --data x.csv --require-signature key.pub") == f"error: {INSTALL}"
    assert refused(f"backtest {exported.folder} --data x.csv --require-signature key.pub") == f"error: {INSTALL}"
    assert refused("train basic --export --sign key.pub") == f"error: {INSTALL}"
    with pytest.raises(ConfigError, match="signatures need model-signing"):
        zoo.load_bundle(exported.folder, require_signature=[tmp_path / "key.pub"])


def test_signing_belongs_to_the_export(refused):
    refused("train basic --sign key.pem", "--sign is for an export, but --export was not given")


def test_the_environment_demands_it_once(without, refused, exported, monkeypatch):
    monkeypatch.setenv("ZOO_REQUIRE_SIGNATURE", "one.pub:two.pub")
    for command in ("verify", "verify --quick", "predict --data x.csv", "backtest --data x.csv"):
        assert refused(f"{command} {exported.folder}") == f"error: {INSTALL}"
    with pytest.raises(ConfigError, match="signatures need model-signing"):
        zoo.load_bundle(exported.folder)
    with pytest.raises(ConfigError, match="signatures need model-signing"):
        zoo.verify_bundle(exported.folder)
    monkeypatch.setenv("ZOO_REQUIRE_SIGNATURE", "")
    assert required_keys() == []


@pytest.mark.parametrize("value", [":", "::", " ", " : "])
def test_repair_23_a_variable_that_names_no_key(refused, exported, monkeypatch, value):
    monkeypatch.setenv("ZOO_REQUIRE_SIGNATURE", value)
    for command in ("verify", "verify --quick", "predict --data x.csv"):
        refused(f"{command} {exported.folder}", "ZOO_REQUIRE_SIGNATURE=", "expected files of public keys, found none")
    with pytest.raises(ConfigError, match="expected files of public keys, found none"):
        zoo.load_bundle(exported.folder)
    with pytest.raises(ConfigError, match="expected files of public keys, found none"):
        zoo.load_bundle(exported.folder, require_signature=[""])
    assert zoo.load_bundle(exported.folder, require_signature=[]).folder == exported.folder


def test_an_export_is_not_held_to_what_is_demanded_of_others(without, trained, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_REQUIRE_SIGNATURE", "one.pub")
    assert trained.export(tmp_path / "exported", name="tiny").folder.is_dir()


def test_checks_where_there_is_only_what_serving_needs(exported, environment, wheels, request, series_file, tmp_path):
    """The README's short list, and what these packages need themselves."""
    readme = (request.config.rootpath / "README.md").read_text(encoding="utf-8")
    listed = readme.split("and then `pip install ")[1].split("`")[0].split()
    assert "onnx" in listed
    needed = "pluggy pydantic google protobuf flatbuffers packaging ml_dtypes typing_extensions pydantic_core"
    needed += (
        " annotated_types typing_inspection click shellingham pygments markdown_it mdurl dateutil six annotated_doc"
    )
    needed += " numpy pandas"
    elsewhere = environment([*listed, *needed.split(), "numpy.libs", "pandas.libs"])
    elsewhere.run("-m", "pip", "install", "--no-index", "--no-deps", *wheels, cwd=tmp_path)
    for arguments in (f"verify {exported.folder}", f"predict {exported.folder} --data {series_file}"):
        done = elsewhere.run("-m", "zoo", *shlex.split(arguments), cwd=tmp_path)
        assert [line for line in done.stderr.splitlines() if not line.startswith("outside the training's")] == []
    assert elsewhere.run("-c", "import tensorflow", cwd=tmp_path, check=False).returncode != 0


@pytest.fixture(scope="module")
def library(request, tmp_path_factory):
    """A folder with the extra [sign], without what is installed here anyway."""
    root = request.config.rootpath
    wanted = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]["sign"]
    folder = tmp_path_factory.mktemp("sign")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    report = folder / "report.json"
    found = subprocess.run(
        [*pip, "--dry-run", "--report", report, *wanted], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip(f"model-signing cannot be had here: {found.stderr.strip().splitlines()[-1]}")
    missing = [part["metadata"] for part in json.loads(report.read_text())["install"]]
    exact = [f"{part['name']}=={part['version']}" for part in missing]
    if exact:
        subprocess.run([*pip, "--no-deps", "--target", folder / "site", *exact], check=True)
    return folder / "site"


class Shop:
    """A folder with keys and bundles, where ``zoo`` runs with the library."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.folder = folder
        path = os.pathsep.join(filter(None, (str(library), os.environ.get("PYTHONPATH"))))
        self.environment = os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"}
        self.python("-c", KEYS)

    def python(self, *arguments: object, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def zoo(self, command: str, code: int = 0, **variables: str) -> str:
        """Run a command; returns what it wrote, of a refusal the sentence."""
        done = self.python("-m", "zoo", *shlex.split(command), code=code, **variables)
        if code == 2:
            assert done.stdout == ""
            (sentence,) = done.stderr.splitlines()
            return sentence
        return done.stdout


@pytest.fixture(scope="module")
def shop(library, trained, tmp_path_factory):
    """``exported/tiny/1`` is signed by ours, 2 by theirs, and 3 by nobody."""
    folder = tmp_path_factory.mktemp("shop")
    made = Shop(folder, library)
    shutil.copytree(trained.folder, folder / "runs" / trained.folder.name)
    made.zoo("export latest --name tiny --sign ours.pem")
    made.zoo("export latest --name tiny --sign theirs.pem", ZOO_SIGN_PASSWORD="secret")
    made.zoo("export latest --name tiny")
    return made


@pytest.fixture
def signed(shop):
    """A copy of the bundle that ours signed, to change."""
    place = shop.folder / "copies" / "tiny" / "1"
    shutil.rmtree(place.parent, ignore_errors=True)
    return Path(shutil.copytree(shop.folder / "exported" / "tiny" / "1", place))


@pytest.mark.full
def test_who_signed(shop):
    said = shop.zoo("verify exported/tiny/1 --require-signature ours.pub")
    assert said.splitlines()[-1] == "exported/tiny/1: hashes and signature hold, all runtimes agree"
    assert json.loads(shop.zoo("verify exported/tiny/1 --quick --json --require-signature ours.pub"))["signed"]
    shop.zoo("verify exported/tiny/2 --quick --require-signature ours.pub --require-signature theirs.pub")
    sentence = shop.zoo("verify exported/tiny/2 --quick --require-signature ours.pub", code=2)
    assert "exported/tiny/2/model.sig: the signature does not hold for any required key (ours.pub: " in sentence
    sentence = shop.zoo("verify exported/tiny/3 --require-signature ours.pub", code=2)
    assert "exported/tiny/3/model.sig: a signature is required, found none" in sentence
    for number in (1, 2, 3):
        assert "hashes hold" in shop.zoo(f"verify exported/tiny/{number} --quick"), "nobody asked for one"


@pytest.mark.full
def test_every_way_in(shop, series_file):
    program = (
        "import sys, zoo\n"
        "keys = sys.argv[2:] or None\n"
        "try:\n    zoo.load_bundle(sys.argv[1], require_signature=keys)\n"
        "    zoo.verify_bundle(sys.argv[1], require_signature=keys)\n"
        "except zoo.ZooError as error:\n    sys.exit(error.exit_code)\n"
    )
    shop.python("-c", program, "exported/tiny/1", "ours.pub")
    shop.python("-c", program, "exported/tiny/1", "theirs.pub", code=2)
    shop.python("-c", program, "exported/tiny/3", "ours.pub", code=2)
    shop.python("-c", program, "exported/tiny/1", ZOO_REQUIRE_SIGNATURE="theirs.pub:ours.pub")
    shop.python("-c", program, "exported/tiny/3", ZOO_REQUIRE_SIGNATURE="theirs.pub:ours.pub", code=2)
    for bundle, code in ((1, 0), (2, 2), (3, 2)):
        shop.zoo(f"predict exported/tiny/{bundle} --data {series_file} --require-signature ours.pub", code=code)
        shop.zoo(f"predict exported/tiny/{bundle} --data {series_file}", code=code, ZOO_REQUIRE_SIGNATURE="ours.pub")
        shop.zoo(f"backtest exported/tiny/{bundle} --data {series_file} --require-signature ours.pub", code=code)
        shop.zoo(f"verify exported/tiny/{bundle}", code=code, ZOO_REQUIRE_SIGNATURE="ours.pub")
    shop.zoo("verify exported/tiny/2 --require-signature theirs.pub", ZOO_REQUIRE_SIGNATURE="ours.pub")


@pytest.mark.full
def test_repair_20_a_signed_bundle_in_another_place(shop, signed):
    elsewhere = shop.folder / "elsewhere"
    for place in ("tiny/99", "other/1"):
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.copytree(signed, elsewhere / place)
        sentence = shop.zoo(f"verify elsewhere/{place} --quick --require-signature ours.pub", code=2)
        assert sentence.endswith(f": the signature is that of tiny/1, found it as {place}; put it back there")
        assert "hashes hold" in shop.zoo(f"verify elsewhere/{place} --quick"), "nobody asked for one"
    config = shop.folder / "exported" / "tiny" / "config.pbtxt"
    shutil.copyfile(config, signed.parent / "config.pbtxt")
    check = "verify copies/tiny/1 --quick --require-signature ours.pub"
    shop.zoo(check)
    (signed.parent / "config.pbtxt").write_text(config.read_text().replace("onnxruntime", "python"))
    assert "config.pbtxt: its SHA-256 is not the manifest's" in shop.zoo(check, code=2)


@pytest.mark.full
def test_a_manifest_that_was_sealed_anew(shop, signed):
    (signed / "README.md").write_text("Made by somebody else.")
    manifest = Manifest.read(signed)
    manifest.model_copy(update={"run": "another", "files": describe_files(signed)}).write(signed)
    assert "hashes hold" in shop.zoo("verify copies/tiny/1 --quick")
    sentence = shop.zoo("verify copies/tiny/1 --quick --require-signature ours.pub", code=2)
    assert "the signature does not hold for any required key" in sentence


@pytest.mark.full
def test_a_signature_of_something_else(shop, signed):
    """By the right key, but of another bundle, of a part of this one, or of none."""
    shutil.copyfile(shop.folder / "exported" / "tiny" / "1" / "README.md", signed / "README.md")
    sign = (
        "from model_signing import hashing, signing\n"
        "import sys\n"
        "config = hashing.Config().set_ignored_paths(paths=['model.sig', *sys.argv[2:]], ignore_git_paths=False)\n"
        "signer = signing.Config().use_elliptic_key_signer(private_key='ours.pem')\n"
        "signer.set_hashing_config(config).sign(sys.argv[1], 'copies/tiny/1/model.sig')\n"
    )
    check = "verify copies/tiny/1 --quick --require-signature ours.pub"
    shop.python("-c", sign, "copies/tiny/1")
    shop.zoo(check)
    shop.python("-c", sign, "exported/tiny/2")
    assert "the signature does not hold" in shop.zoo(check, code=2)
    shop.python("-c", sign, "copies/tiny/1", "manifest.json", "README.md")
    assert "it does not cover all files of this bundle" in shop.zoo(check, code=2)
    for content in (b"", b"{}", b"[" * 100_000, b"\xff", b"x" * (5 * 2**20)):
        (signed / "model.sig").write_bytes(content)
        sentence = shop.zoo(check, code=2)
        assert "the signature does not hold" in sentence or "expected at most 4194304 bytes" in sentence


@pytest.mark.full
def test_the_librarys_own_command_agrees(shop):
    for key, code in (("ours.pub", 0), ("theirs.pub", 1)):
        arguments = (
            "verify",
            "key",
            "exported/tiny/1",
            "--signature",
            "exported/tiny/1/model.sig",
            "--public_key",
            key,
        )
        shop.python("-m", "model_signing", *arguments, code=code)


@pytest.mark.full
def test_keys_that_are_none(shop):
    before = sorted((shop.folder / "exported" / "tiny").iterdir())
    for key in ("ours.pub", "koblitz.pem", "nowhere.pem", "theirs.pem", "runs"):
        sentence = shop.zoo(f"export latest --name tiny --sign {key}", code=2)
        assert sentence.startswith(f"error: {key}: expected a private key on P-256, P-384 or P-521 in PEM")
    for key in ("koblitz.pub", "nowhere.pub", "ours.pem", "runs"):
        sentence = shop.zoo(f"verify exported/tiny/1 --require-signature {key}", code=2)
        assert sentence.startswith(f"error: {key}: expected a public key on P-256, P-384 or P-521 in PEM")
    assert sorted((shop.folder / "exported" / "tiny").iterdir()) == before


@pytest.mark.full
def test_a_training_that_signs(shop):
    options = "--epochs 1 --set units=2 --export --name co2 --sign ours.pem"
    shop.zoo(f"train basic {options}")
    shop.zoo("verify exported/co2 --require-signature ours.pub")
    listed = json.loads((shop.folder / "exported" / "co2" / "1" / "manifest.json").read_text())["files"]
    assert "model.sig" not in listed
