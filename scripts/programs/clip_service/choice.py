"""Which model to run: the one asked for, or under ``auto`` the best one that can be had now."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from scripts.programs.clip_service.encoder import Encoder, ModelUnavailableError

ModelName = Literal["auto", "clip", "starter", "resnet", "efficientnet"]
MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)

# What does the same work, though not as well, where the model hub is out of reach.
NEEDS_NO_DOWNLOAD = {"clip": "starter", "resnet": "efficientnet"}


def load(name: ModelName, cache: Path) -> tuple[Encoder, str]:
    """Return the encoder and, in one sentence, why it is this one.

    Raises ModelUnavailableError if the model asked for cannot be loaded; ``auto`` always falls back.
    """
    if name == "auto":
        return _best(cache)
    try:
        return _load(name, cache), "as asked for"
    except ModelUnavailableError as error:
        if name not in NEEDS_NO_DOWNLOAD:
            raise
        raise ModelUnavailableError(
            f"{error}. Use --model {NEEDS_NO_DOWNLOAD[name]}, which needs no download, or try again with a connection."
        ) from error


def _best(cache: Path) -> tuple[Encoder, str]:
    from scripts.programs.clip_service.vit import WEIGHTS

    reason = f"CLIP's weights {'are on this machine' if WEIGHTS.are_at_hand(cache) else 'could be downloaded'}"
    try:
        return _load("clip", cache), reason
    except ModelUnavailableError as error:
        return _load("starter", cache), str(error)


def _load(name: ModelName, cache: Path) -> Encoder:
    # The models' libraries are heavy, so each is imported only where it is chosen.
    if name == "clip":
        from scripts.programs.clip_service.vit import VitEncoder

        return VitEncoder(cache)
    if name == "resnet":
        from scripts.programs.clip_service.resnet import ResNetEncoder

        return ResNetEncoder(cache)
    if name == "efficientnet":
        from scripts.programs.clip_service.efficientnet import EfficientNetEncoder

        return EfficientNetEncoder(cache)
    from scripts.programs.clip_service.starter import StarterEncoder

    return StarterEncoder(cache)
