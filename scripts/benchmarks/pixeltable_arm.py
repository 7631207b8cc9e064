"""pixeltable's embedding index with the same service. Runs in pixeltable's own environment, not in the project's.

python -c "import pixeltable_arm; pixeltable_arm.main()" URL PATHS.json   with PIXELTABLE_HOME set; the last line is
JSON. (pixeltable takes functions of modules, not of scripts.)
"""

# mypy: ignore-errors
import base64
import io
import json
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pixeltable as pxt
import requests
from pixeltable.func import Batch

URL = sys.argv[1]
session = requests.Session()
# A service that does not say is the stand-in.
DIMENSION = session.get(URL.replace("/post", "/info"), timeout=10).json().get("dimension", 512)


def blob(image: PIL.Image.Image) -> str:
    """Return one photo, reduced, in base64."""
    picture = image.convert("RGB")
    picture.thumbnail((336, 336))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95)
    return base64.b64encode(out.getvalue()).decode()


@pxt.udf(batch_size=32)
def clip(images: Batch[PIL.Image.Image]) -> Batch[pxt.Array[(DIMENSION,), pxt.Float]]:
    """Embed a batch with the service."""
    body = {"data": [{"blob": blob(image)} for image in images], "parameters": {"drop_image_content": True}}
    answer = session.post(URL, json=body, timeout=300)
    answer.raise_for_status()
    return [np.array(item["embedding"], dtype=np.float32) for item in answer.json()["data"]]


def main() -> None:
    """Index the photos and print how long it took."""
    paths = json.loads(Path(sys.argv[2]).read_text())
    table = pxt.create_table("bench", {"image": pxt.Image}, if_exists="replace")
    table.add_embedding_index("image", embedding=clip)
    began = time.perf_counter()
    table.insert([{"image": path} for path in paths])
    seconds = time.perf_counter() - began
    print(json.dumps({"items": len(paths), "seconds": seconds, "per_second": len(paths) / seconds}))
