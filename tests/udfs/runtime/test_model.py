from __future__ import annotations

from typing import Any

import pytest

from udfs.runtime.errors import PolarAIError
from udfs.runtime.model import Model


def model(token: str | None = None, **config: Any) -> Model:
    return Model("m", "http://127.0.0.1/post", "clip-as-service", "clip", config, token=token)


def test_without_settings_a_model_embeds_texts_by_32_and_reduces_images_to_224() -> None:
    plain = model()
    assert (plain.input, plain.batch_size, plain.image_size, plain.dimension) == ("text", 32, 224, None)


def test_settings_are_read_from_the_configuration() -> None:
    other = model(input="image", batch_size=8, image_size=0, dimension=512)
    assert (other.input, other.batch_size, other.image_size, other.dimension) == ("image", 8, 0, 512)


@pytest.mark.parametrize("size", [0, None])
def test_a_batch_has_at_least_one_item(size: int | None) -> None:
    assert model(batch_size=size).batch_size == 1


@pytest.mark.parametrize("key", ["dimension", "image_size", "batch_size"])
@pytest.mark.parametrize("value", ["512", -1, 1.5, True, [512]])
def test_a_setting_that_is_no_whole_number_is_named(key: str, value: Any) -> None:
    with pytest.raises(PolarAIError, match=f"model_config.{key} is") as error:
        getattr(model(**{key: value}), key)
    assert (error.value.scope, error.value.sqlstate) == ("batch", "22023")


@pytest.mark.parametrize("kind", ["video", "", None, 1])
def test_an_unknown_input_is_named(kind: Any) -> None:
    with pytest.raises(PolarAIError, match=r"model_config\.input is"):
        _ = model(input=kind).input


def test_the_token_goes_into_a_header_and_nowhere_else() -> None:
    assert model("s3cret").headers() == {"Authorization": "Bearer s3cret"}
    assert model("").headers() == model(None).headers() == {}
    assert "s3cret" not in repr(model("s3cret"))
