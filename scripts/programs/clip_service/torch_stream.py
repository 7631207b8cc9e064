"""Read a state dict from torch's old (before 1.6) stream format, without torch and without trusting it.

The format is four pickles (magic number, protocol, writer's type sizes, the object itself), a pickled
list of storage keys, and then each storage: its length as an int64 followed by its raw numbers.
A pickle can name any callable for the reader to run, so only the four that a state dict needs are known here.
"""

from __future__ import annotations

import collections
import os
import pickle
import struct
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

StateDict = dict[str, np.ndarray[Any, Any]]


class UnsafeWeightsError(Exception):
    """The file is not a plain torch state dict, or asks the reader to run something else."""


class _StorageType(NamedTuple):
    dtype: str


class _Tensor(NamedTuple):
    """A view into a storage whose numbers come later in the file. Offsets and strides count elements."""

    storage_key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(
    storage_key: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(storage_key, offset, shape, strides)


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): _StorageType("<f4"),
    ("torch", "LongStorage"): _StorageType("<i8"),
}


class _RestrictedUnpickler(pickle.Unpickler):
    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self.storage_types: dict[str, _StorageType] = {}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise UnsafeWeightsError(f"it names {module}.{name}, which no state dict needs") from None

    def persistent_load(self, pid: Any) -> str:
        kind, storage_type, key, *_ = pid
        if kind != "storage" or not isinstance(storage_type, _StorageType):
            raise UnsafeWeightsError("it refers to something that is not a tensor's storage")
        self.storage_types[key] = storage_type
        return str(key)


def read_state_dict(path: Path) -> StateDict:
    """Return the tensors of the state dict at ``path`` by name, as float32 or int64 arrays.

    Raises UnsafeWeightsError if the file is anything but a plain state dict; nothing in it is ever run.
    """
    try:
        with path.open("rb") as stream:
            return _read(stream)
    except UnsafeWeightsError as error:
        raise UnsafeWeightsError(f"Refused to read the weights in {path}: {error}.") from None
    except (pickle.UnpicklingError, EOFError, struct.error, ValueError, TypeError, KeyError) as error:
        raise UnsafeWeightsError(f"Cannot read the weights in {path}: {error}.") from None


def _read(stream: IO[bytes]) -> StateDict:
    if _RestrictedUnpickler(stream).load() != MAGIC_NUMBER:
        raise UnsafeWeightsError("it does not begin with torch's magic number")
    if _RestrictedUnpickler(stream).load() != PROTOCOL_VERSION:
        raise UnsafeWeightsError("its protocol version is unknown")
    if not _RestrictedUnpickler(stream).load()["little_endian"]:
        raise UnsafeWeightsError("it was written on a big-endian machine")
    unpickler = _RestrictedUnpickler(stream)
    described = unpickler.load()
    if not isinstance(described, dict) or not all(isinstance(tensor, _Tensor) for tensor in described.values()):
        raise UnsafeWeightsError("it holds something other than named tensors")
    size = os.fstat(stream.fileno()).st_size
    storages: dict[str, np.ndarray[Any, Any]] = {}
    for key in _RestrictedUnpickler(stream).load():
        (count,) = struct.unpack("<q", stream.read(8))
        dtype = np.dtype(unpickler.storage_types[key].dtype)
        if not 0 <= count * dtype.itemsize <= size:
            raise UnsafeWeightsError("a storage is larger than the file")
        storages[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype, count)
    return {name: _view(storages[tensor.storage_key], tensor) for name, tensor in described.items()}


def _view(storage: np.ndarray[Any, Any], tensor: _Tensor) -> np.ndarray[Any, Any]:
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if min(tensor.offset, *tensor.strides, 0) < 0 or last >= max(storage.size, 1):
        raise UnsafeWeightsError("a tensor reaches outside its storage")
    strides = [s * storage.itemsize for s in tensor.strides]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides)
    return np.ascontiguousarray(view).reshape(tensor.shape)
