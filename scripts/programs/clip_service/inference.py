"""From the items of a request to their vectors, off the event loop and in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image

from scripts.programs.clip_service import pictures, uris
from scripts.programs.clip_service.contract import Item
from scripts.programs.clip_service.encoder import THREADS, Encoder, TextEncoder, TextsRefusedError, Vectors

# Larger runs gain nothing, and between two runs a waiting search gets its turn.
TEXTS_PER_RUN, IMAGES_PER_RUN = 64, 8
DECIMALS = 7  # what a 32-bit float of a unit vector holds

# Decoding releases the interpreter lock and uses one core a picture. The model uses every core by itself,
# so its runs take turns while the next request's pictures are being decoded.
_DECODERS = ThreadPoolExecutor(THREADS, thread_name_prefix="decode")
_MODEL = ThreadPoolExecutor(1, thread_name_prefix="model")


async def embed(encoder: Encoder, items: Sequence[Item]) -> list[list[float] | None]:
    """Return each item's vector, None for an empty item.

    Of items that share an id only the last gets a vector, as on the real server. Raises OSError or
    Image.DecompressionBombError if any picture cannot be had or decoded, and TextsRefusedError if any item is a text
    and the model embeds images only.
    """
    last = {item.id: position for position, item in enumerate(items)}
    texts = [i for i in last.values() if items[i].is_text]
    images = [i for i in last.values() if items[i].is_image]
    if texts and not isinstance(encoder, TextEncoder):
        raise TextsRefusedError(
            f"the model {encoder.card.model} embeds images only, and item {texts[0] + 1} of {len(items)} is a text; "
            "send texts to a service that runs clip or starter"
        )
    loop = asyncio.get_running_loop()
    decoding = [loop.run_in_executor(_DECODERS, _picture, items[i], encoder.image_size) for i in images]
    # All are awaited even if one fails, so that no decoding outlives its request.
    decoded = await asyncio.gather(*decoding, return_exceptions=True)
    pictures_in_order: list[Image.Image] = []
    for outcome in decoded:
        if isinstance(outcome, BaseException):
            raise outcome
        pictures_in_order.append(outcome)
    vectors: list[list[float] | None] = [None] * len(items)

    async def run(encode: Callable[[list[Any]], Vectors], positions: list[int], inputs: list[Any], size: int) -> None:
        for start in range(0, len(inputs), size):
            encoded = await loop.run_in_executor(_MODEL, _as_lists, encode, inputs[start : start + size])
            for position, vector in zip(positions[start : start + size], encoded, strict=True):
                vectors[position] = vector

    if isinstance(encoder, TextEncoder):
        await run(encoder.encode_texts, texts, [items[i].text for i in texts], TEXTS_PER_RUN)
    await run(encoder.encode_images, images, pictures_in_order, IMAGES_PER_RUN)
    return vectors


def _picture(item: Item, shorter_side: int) -> Image.Image:
    return pictures.decode(item.image or uris.fetch(item.uri or ""), shorter_side)


def _as_lists(encode: Callable[[list[Any]], Vectors], inputs: list[Any]) -> list[list[float]]:
    # Rounded as 64-bit floats, so that they print short.
    rounded: list[list[float]] = encode(inputs).astype(np.float64).round(DECIMALS).tolist()
    return rounded
