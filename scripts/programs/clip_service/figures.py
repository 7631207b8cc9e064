"""Measure a running service: how well it finds photos by name and by caption, and how fast it is.

Everything goes over HTTP through the service's real code path; no figure is stored anywhere but in the
report that this writes.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import requests

from scripts.common.errors import UserError
from scripts.programs.clip_service.encoder import Vectors, unit

CAPTIONS_FILE = Path(__file__).with_name("captions.json")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
BATCH = 16
SPEED_TEXTS = 256
TIMEOUT_SECONDS = 120

Ranks = npt.NDArray[np.int64]


def report(service: dict[str, Any], folder: Path, destination: Path) -> int:
    """Print the figures for the photos in ``folder`` and write them to ``destination`` as JSON.

    Raises UserError if there are no photos or the service does not answer properly.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not paths:
        raise UserError(f"No photos in {folder}: name a folder that holds some, or make the demo photos first.")
    blobs = [{"blob": base64.b64encode(path.read_bytes()).decode()} for path in paths]
    names = [path.stem.replace("_", " ") for path in paths]

    began = time.perf_counter()
    images = _embed(service["url"], blobs)
    images_per_second = len(blobs) / (time.perf_counter() - began)

    rows: dict[str, dict[str, float]] = {}
    queries = _embed(service["url"], [{"text": name} for name in names])
    rows["name -> photo"] = summary(ranks(queries @ images.T, np.eye(len(paths), dtype=bool)))
    rows |= _caption_figures(service["url"], paths, images)

    began = time.perf_counter()
    _embed(service["url"], [{"text": f"photo {i} of {names[i % len(names)]}"} for i in range(SPEED_TEXTS)])
    texts_per_second = SPEED_TEXTS / (time.perf_counter() - began)

    print(f"Model {service['model']} {service['version']} on {len(paths)} photos in {folder}")
    print(f"{'query':<20}{'queries':>8}{'R@1':>8}{'R@5':>8}{'MRR':>8}")
    for label, row in rows.items():
        print(f"{label:<20}{row['queries']:>8.0f}{row['R@1']:>8.3f}{row['R@5']:>8.3f}{row['MRR']:>8.3f}")
    print(f"{images_per_second:.0f} images/s, {texts_per_second:.0f} texts/s")
    result: dict[str, Any] = {
        "model": service["model"],
        "version": service["version"],
        "folder": str(folder),
        "photos": len(paths),
        "retrieval": rows,
        "images_per_second": round(images_per_second, 1),
        "texts_per_second": round(texts_per_second, 1),
    }
    destination.write_text(json.dumps(result, indent=2) + "\n")
    print(f"Written to {destination}")
    return 0


def ranks(scores: npt.NDArray[np.floating], relevant: npt.NDArray[np.bool_]) -> Ranks:
    """Return, for each query, the rank (from 1) of its best relevant result; both arrays (queries, results).

    Ties count against the query: a model that scores everything alike finds nothing.
    """
    best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
    return np.asarray(((scores >= best) & ~relevant).sum(axis=1) + 1, dtype=np.int64)


def summary(found: Ranks) -> dict[str, float]:
    """Return recall at 1 and at 5 and the mean reciprocal rank of the queries' ranks."""
    figures = {"R@1": (found <= 1).mean(), "R@5": (found <= 5).mean(), "MRR": (1 / found).mean()}
    return {"queries": len(found), **{name: round(float(value), 4) for name, value in figures.items()}}


def _caption_figures(url: str, paths: Sequence[Path], images: Vectors) -> dict[str, dict[str, float]]:
    """Captions find photos among all photos; captioned photos find captions among all captions."""
    captions: dict[str, list[str]] = json.loads(CAPTIONS_FILE.read_text())
    pairs = [(text, row) for row, path in enumerate(paths) for text in captions.get(path.stem, [])]
    if not pairs:
        return {}
    texts = _embed(url, [{"text": text} for text, _ in pairs])
    belongs = np.array([[row == own for row in range(len(paths))] for _, own in pairs])
    scores = texts @ images.T
    captioned = belongs.any(axis=0)
    return {
        "caption -> photo": summary(ranks(scores, belongs)),
        "photo -> caption": summary(ranks(scores.T[captioned], belongs.T[captioned])),
    }


def _embed(url: str, items: Sequence[dict[str, str]]) -> Vectors:
    vectors: list[list[float]] = []
    try:
        with requests.Session() as session:
            for start in range(0, len(items), BATCH):
                body = {"data": items[start : start + BATCH], "parameters": {"drop_image_content": True}}
                answer = session.post(url, json=body, timeout=TIMEOUT_SECONDS)
                answer.raise_for_status()
                status = answer.json()["header"]["status"]
                if status:
                    raise UserError(f"The service could not embed a photo: {status['description']}")
                vectors += [document["embedding"] for document in answer.json()["data"]]
    except requests.RequestException as error:
        raise UserError(f"The service at {url} did not answer: {error}") from error
    return unit(np.array(vectors))
