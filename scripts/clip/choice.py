"""Which model to run: the one asked for, or under ``auto`` the best one that can be had now."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal, get_args

from scripts.clip.encoder import Encoder, ModelUnavailableError

ModelName = Literal["auto", "clip", "starter"]
log = logging.getLogger("polarlens.clip")

MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)


def load(name: ModelName, cache: Path) -> tuple[Encoder, str]:
    """Return the encoder and, in one sentence, why it is this one.

    Raises ModelUnavailableError if the model asked for cannot be loaded; ``auto`` always falls back.
    """
    # The models' libraries are heavy, so each is imported only where it is chosen.
    if name == "starter":
        return _starter(cache), "as asked for"
    from scripts.clip import vit

    at_hand = vit.is_at_hand(cache)
    reachable = at_hand or vit.hub_answers()
    if reachable and not at_hand:
        log.info("Downloading CLIP's weights (0.6 GB) to %s", vit.cache_folder(cache))
    if name == "clip":
        if not reachable:
            raise ModelUnavailableError(
                "CLIP's weights are not on this machine and the model hub does not answer. "
                "Use --model starter, which needs no download, or try again with a connection."
            )
        return vit.VitEncoder(cache), "as asked for"
    if not reachable:
        return _starter(cache), "CLIP's weights are not on this machine and the model hub does not answer"
    try:
        return vit.VitEncoder(cache), f"CLIP's weights {'are on this machine' if at_hand else 'could be downloaded'}"
    except ModelUnavailableError as error:
        return _starter(cache), str(error)


def _starter(cache: Path) -> Encoder:
    from scripts.clip.starter import StarterEncoder

    return StarterEncoder(cache)
