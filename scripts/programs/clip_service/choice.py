"""Which model to run: the one asked for, or under ``auto`` the best one that can be had now."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from scripts.programs.clip_service.encoder import Encoder, ModelUnavailableError

ModelName = Literal["auto", "clip", "starter", "resnet", "efficientnet"]
MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)

# The models that do the same work, though not as well, if the model hub is out of reach.
NEEDS_NO_DOWNLOAD = {"clip": "starter", "resnet": "efficientnet"}


def load(name: ModelName, cache: Path) -> tuple[Encoder, str]:
    """Return the encoder and, in one sentence, why it is this one.

    Raises ModelUnavailableError if the model asked for cannot be loaded; ``auto`` always falls back.
    """
    try:
        if name != "auto":
            return _load(name, cache), "as asked for"
        from scripts.programs.clip_service.hub import CLIP

        at_hand = CLIP.is_at_hand(cache)
        encoder = _load("clip", cache)
        return encoder, f"CLIP's weights {'are on this machine' if at_hand else 'could be downloaded'}"
    except ModelUnavailableError as error:
        if name == "auto":
            return _load("starter", cache), str(error)
        if name not in NEEDS_NO_DOWNLOAD:
            raise
        raise ModelUnavailableError(
            f"{error}. Use --model {NEEDS_NO_DOWNLOAD[name]}, which needs no download, or try again with a connection."
        ) from error


def _load(name: ModelName, cache: Path) -> Encoder:
    # The models' libraries are heavy, so each is imported only where it is chosen.
    if name in ("clip", "resnet"):
        from scripts.programs.clip_service import hub

        return hub.HubEncoder(hub.CLIP, cache) if name == "clip" else hub.ImageHubEncoder(hub.RESNET, cache)
    if name == "efficientnet":
        from scripts.programs.clip_service.efficientnet import EfficientNetEncoder

        return EfficientNetEncoder(cache)
    from scripts.programs.clip_service.starter import StarterEncoder

    return StarterEncoder(cache)
