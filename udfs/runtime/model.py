"""A registered model, as the runtime needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import BAD_ARGUMENT, PolarAIError

# A longer text is a mistake, not a caption or a document chunk.
MAX_TEXT_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Model:
    """One row of the registry, with its token.

    Of ``config`` the runtime reads: input ('text' or 'image'), dimension, image_size (pixels of the short
    side that an image is reduced to; 0 sends it as it is), image_fit, batch_size (items a request), parameters (what a
    provider puts into its request bodies), labels (of a classification) and batch (see merging.py).
    """

    model_id: str
    url: str
    provider: str
    name: str
    config: dict[str, Any] = field(default_factory=dict)
    type: str = ""
    token: str | None = field(default=None, repr=False)

    @property
    def input(self) -> str:
        """What the model embeds: 'text' or 'image'."""
        kind = self.config.get("input", "text")
        if kind not in ("text", "image"):
            raise PolarAIError(
                f"model {self.model_id}: model_config.input is {kind!r}, not 'text' or 'image'",
                sqlstate=BAD_ARGUMENT,
                scope="batch",
            )
        return str(kind)

    @property
    def dimension(self) -> int | None:
        """The number of dimensions, or None where the registry does not say."""
        return self._whole("dimension", None)

    @property
    def image_size(self) -> int:
        """The short side in pixels that images are reduced to before they are sent; 0: as they are."""
        return self._whole("image_size", 224) or 0

    @property
    def image_fit(self) -> str:
        """How an image is reduced to image_size: 'short_side' (whole), 'crop' (its centre) or 'stretch' (a square)."""
        fit = self.config.get("image_fit", "short_side")
        if fit in ("short_side", "crop", "stretch"):
            return str(fit)
        raise PolarAIError(
            f"model {self.model_id}: model_config.image_fit is {fit!r}, not 'short_side', 'crop' or 'stretch'",
            sqlstate=BAD_ARGUMENT,
            scope="batch",
        )

    @property
    def batch_size(self) -> int:
        """The most items that go into one request."""
        return max(1, self._whole("batch_size", 32) or 1)

    @property
    def parameters(self) -> dict[str, Any]:
        """What a provider puts into its request bodies beside the input."""
        given = self.config.get("parameters", {})
        if isinstance(given, dict):
            return given
        raise PolarAIError(
            f"model {self.model_id}: model_config.parameters is not a JSON object",
            sqlstate=BAD_ARGUMENT,
            scope="batch",
        )

    def check_text(self, text: str) -> None:
        """Raise unless ``text`` can be embedded."""
        if not text.strip():
            raise PolarAIError("the text is blank", sqlstate=BAD_ARGUMENT, stage="load")
        if len(text) > MAX_TEXT_CHARACTERS:
            raise PolarAIError(
                f"the text has {len(text):,} characters; the limit is {MAX_TEXT_CHARACTERS:,}",
                sqlstate=BAD_ARGUMENT,
                stage="load",
            )

    def headers(self) -> dict[str, str]:
        """Return the headers that carry the token."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def _whole(self, key: str, default: int | None) -> int | None:
        value = self.config.get(key, default)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        raise PolarAIError(
            f"model {self.model_id}: model_config.{key} is {value!r}, not a whole number",
            sqlstate=BAD_ARGUMENT,
            scope="batch",
        )
