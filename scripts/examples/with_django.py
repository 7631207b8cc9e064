"""Photo search with Django and pgvector, in one file: the search functions, and a query set of one's own.

    python scripts/examples/with_django.py "a cat"

Connects with libpq's variables (PGHOST, …); a search reader's rights are enough: grant polarlens_reader to …;
In a project of yours, only the models and the two functions below are needed.
"""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ.get("PGDATABASE", "polarlens"),
            # The models' tables are in the first two schemas, pgvector's operators in public.
            "OPTIONS": {"options": "-c search_path=search,search_internal,public"},
        }
    }
)
django.setup()

from django.db import connection, models  # noqa: E402 - Django wants its settings first
from django.db.models.expressions import RawSQL  # noqa: E402
from pgvector.django import CosineDistance, HalfVectorField  # noqa: E402


class Photo(models.Model):
    """A photo and what is known of it: a view, which Django leaves alone."""

    image_id: models.BigIntegerField[int, int] = models.BigIntegerField(primary_key=True)
    path: models.TextField[str, str] = models.TextField()

    class Meta:
        """Where it is."""

        app_label = "polarlens"
        managed = False
        db_table = "photos"


class ImageEmbedding(models.Model):
    """A photo's vector: the table that `dbt run` keeps."""

    photo: models.OneToOneField[Photo, Photo] = models.OneToOneField(
        Photo, models.DO_NOTHING, db_column="image_id", primary_key=True
    )
    embedding = HalfVectorField()

    class Meta:
        """Where it is."""

        app_label = "polarlens"
        managed = False
        db_table = "image_embeddings"


def search(words: str, k: int) -> list[tuple[float, str]]:
    """Text to images."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select score, path from search.search_images(query => %s, k => %s) order by rank",
            [words, k],
        )
        return list(cursor.fetchall())


def search_in_own_query_set(words: str, k: int) -> list[tuple[float, str]]:
    """Text to images with pgvector's operator, in the one shape that is safe: ascending, a scalar query, a limit."""
    query = RawSQL("select search.query_vector(%s)", [words])
    nearest = ImageEmbedding.objects.annotate(distance=CosineDistance("embedding", query)).order_by("distance")
    return [(1 - distance, path) for distance, path in nearest.values_list("distance", "photo__path")[:k]]


def main() -> None:
    """Print what is found, both ways."""
    words = sys.argv[1] if len(sys.argv) > 1 else "a cat"
    for title, found in (
        ("search.search_images", search(words, 3)),
        ("your own query set", search_in_own_query_set(words, 3)),
    ):
        print(title)
        for score, path in found:
            print(f"  {score:.3f}  {path}")


if __name__ == "__main__":
    main()
