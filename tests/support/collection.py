"""What the collection of the search tests consists of."""

from __future__ import annotations

import json
from typing import Any

from tests.support.project import Project

# name: (colour, title, caption, taken, latitude, longitude, attributes)
COLOURED: dict[str, tuple[Any, ...]] = {
    "red": ("red", "Barn", "a red barn in the snow", "2026-01-10", 52.37, 4.90, {"country": "nl"}),
    "dark_red": ((180, 0, 0), "Bus", "a bus at night", "2026-02-10", 51.51, -0.13, {"country": "uk"}),
    "green": ("green", "Field", "a green field", "2026-03-10", 52.01, 4.36, {"country": "nl", "season": "spring"}),
    "dark_green": ((0, 90, 0), "Wood", "trees in the snow", "2026-04-10", 60.17, 24.94, {"country": "fi"}),
    "blue": ("blue", "Sea", "the blue sea", "2026-05-10", -17.80, 178.00, {"country": "fj"}),
    "dark_blue": ((0, 0, 150), "Night", "the sky at night", "2026-06-10", -13.80, -172.00, {"country": "ws"}),
    "yellow": ("yellow", None, None, None, None, None, {}),
}
TEXTS = ["a red barn", "the green, green grass of home", "deep blue sea", "yellow submarine", "nothing of the kind"]


def stage_photos(project: Project) -> None:
    """Stage the photos in the order of their names, with what is known of them."""
    for name, (colour, title, caption, taken, latitude, longitude, attributes) in COLOURED.items():
        project.database.run(
            """
            insert into polarlens.image_paths
                (path, source_version, title, caption, taken_at, latitude, longitude, attributes)
            values (%s, '1', %s, %s, %s, %s, %s, %s)
            """,
            project.photo(f"{name}.png", colour),
            *(title, caption, taken, latitude, longitude, json.dumps(attributes)),
        )


def people_fill_in(project: Project) -> None:
    """Fill in texts, labels with calories, and saved searches."""
    for text in TEXTS:
        project.database.run("insert into polarlens.texts (content) values (%s)", text)
    for label, calories in {"red": 300, "green": 50, "blue": 120}.items():
        project.database.run(
            "insert into polarlens.labels (label_set, label, attributes) values ('food', %s, %s)",
            *(label, json.dumps({"calories": calories})),
        )
    project.database.run(
        """
        insert into polarlens.saved_searches (name, query, k, filters, min_score) values
            ('Blue things', 'something blue', 2, null, null),
            ('Red in the Netherlands', 'red', 5, '{"attributes": {"country": "nl"}}', 0.5),
            ('Mistaken', 'green', 5, '{"colour": "green"}', null)
        """
    )
