"""Opening ONNX networks, and the files that they are made from."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]

from scripts.programs.clip_service.encoder import THREADS, ModelUnavailableError


def session(path: Path) -> onnxruntime.InferenceSession:
    """Open an ONNX model on the CPU with as many threads as there are cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    # Idle threads must sleep: the database and the image decoding want the same cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def package_file(package: str, name: str) -> Path:
    """Return the path of a data file of an installed package, without importing the package."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / name).is_file():
            return path
    raise ModelUnavailableError(
        f"The model needs {name} of the package {package.replace('_', '-')}, which is not installed. "
        "Run scripts/quickstart, or: pip install -e '.[local]'"
    )
