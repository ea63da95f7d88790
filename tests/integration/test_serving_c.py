"""Bundles in C, on TensorFlow's C API, and in C++, on ONNX Runtime's: compiled here, run without Python."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.full

HERE = Path(__file__).parent


def package(name):
    """Where a package is installed; it is not imported."""
    return Path(importlib.util.find_spec(name).origin).parent


def compiler(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def c_client(tmp_path_factory):
    """The program ``client.c``, linked with the library in TensorFlow's wheel."""
    folder, made = package("tensorflow"), tmp_path_factory.mktemp("c") / "client"
    libraries = [*folder.glob("libtensorflow_cc.so.*"), *folder.glob("libtensorflow_framework.so.*")]
    if len(libraries) != 2:
        pytest.skip("TensorFlow's wheel has no libtensorflow_cc and libtensorflow_framework here")
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-isystem", folder / "include"]
    command = [compiler("gcc"), *flags, HERE / "client.c", *libraries, f"-Wl,-rpath,{folder}", "-o", made]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made


def signature(folder):
    """The operations behind ``serving_default``, by the names of input and outputs."""
    from tensorflow.core.protobuf import saved_model_pb2

    graph = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0]
    found = graph.signature_def["serving_default"]
    return {name: tensor.name for side in (found.inputs, found.outputs) for name, tensor in side.items()}


def test_c_on_the_saved_model(c_client, bundle):
    golden, names = bundle.golden, signature(bundle.folder)
    for size in (1, 7, 64):
        window = golden["window"][:size]
        operations = [names["window"], *(names[name] for name in bundle.outputs)]
        arguments = [bundle.folder, window.dtype.name, *window.shape, *operations]
        bare = {"PATH": os.defpath, "TF_CPP_MIN_LOG_LEVEL": "2"}
        command = [c_client, *map(str, arguments)]
        done = subprocess.run(command, input=window.tobytes(), env=bare, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        found, rest = {}, done.stdout
        for name in bundle.outputs:
            expected = golden[name][:size]
            found[name] = np.frombuffer(rest[: expected.nbytes], expected.dtype)
            rest = rest[expected.nbytes :]
        assert not rest
        assert bundle.difference(found) <= 1e-5


def headers():
    """Where ONNX Runtime's C++ headers are, by $ONNXRUNTIME_INCLUDE or as a system package has them."""
    places = (os.environ.get("ONNXRUNTIME_INCLUDE", ""), "/usr/include/onnxruntime", "/usr/local/include/onnxruntime")
    return next((place for place in places if (Path(place) / "onnxruntime_cxx_api.h").is_file()), None)


def test_the_cpp_client_of_the_card(bundle, tmp_path):
    """Run where the headers are, with the library in ONNX Runtime's wheel."""
    if (include := headers()) is None:
        pytest.skip("onnxruntime_cxx_api.h is not here; set ONNXRUNTIME_INCLUDE to its folder")
    (tmp_path / "client.cpp").write_text(bundle.client("C++, with ONNX Runtime"))
    libraries = sorted((package("onnxruntime") / "capi").glob("libonnxruntime.so*"))
    if not libraries:
        pytest.skip("ONNX Runtime's wheel has no libonnxruntime.so here")
    link = [libraries[0], f"-Wl,-rpath,{libraries[0].parent}"]
    command = [compiler("g++"), "-std=c++17", "-I", include, tmp_path / "client.cpp", *link, "-o", tmp_path / "client"]
    subprocess.run(command, check=True, capture_output=True)
    (tmp_path / libraries[0].name).symlink_to(libraries[0])
    done = subprocess.run([tmp_path / "client"], cwd=bundle.folder, capture_output=True, text=True, check=True)
    numbers = [float(number) for number in done.stdout.split()]
    main, *flags = bundle.outputs
    count = bundle.golden[main][0].size
    found = {main: numbers[:count], **dict.fromkeys(flags, numbers[count:])}
    assert bundle.difference(found) <= 1e-5


def test_the_cpp_client_of_the_card_compiles(bundle, tmp_path):
    """Against declarations of the part of the API that it calls, for where the headers are not."""
    client = bundle.client("C++, with ONNX Runtime")
    assert len(client.splitlines()) <= 10
    (tmp_path / "client.cpp").write_text(client)
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wno-sign-compare", "-Werror", "-fsyntax-only"]
    command = [compiler("g++"), *flags, "-I", HERE / "declarations", tmp_path / "client.cpp"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"GetTensorData<(float|double)>", client)
