"""Holds what simdex reads of public decoder suites against Pillow and ImageMagick.

    cargo run --release --example decode_suite -- SUITES > read.jsonl
    python3 tests/decode_suites.py SUITES read.jsonl [older.jsonl]

SUITES is a folder with a folder for each suite; the suites are brought in by hand and are no
part of this repository. Needs Pillow, and `convert` for ImageMagick's column.

A picture is right if it has the size of Pillow's or ImageMagick's and no cell of 32 x 32 differs
by much; what neither of them reads, or only one of them and otherwise, is not judged.
"""

import io
import json
import os
import subprocess
import sys
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

from PIL import Image, ImageCms, ImageOps

warnings.simplefilter("ignore")
# As simdex's own limit: Pillow refuses what is twice as large.
Image.MAX_IMAGE_PIXELS = 105_000_000
SIDE = 32
# Of 255: the mean over all cells, and the worst share of cells. Decoders round, smooth colours
# and convert profiles in their own ways.
MEAN, FAR, SHARE = 6, 40, 0.02
SRGB = ImageCms.createProfile("sRGB")


def pillow(path):
    """Size and cells, on white and on black; None if it does not read it."""
    try:
        with Image.open(path) as picture:
            profile = picture.info.get("icc_profile")
            picture = ImageOps.exif_transpose(picture)
            if picture.mode.startswith("I;16") or picture.mode == "I":
                picture = picture.point(lambda v: v / 257).convert("L")
            transparent = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
            if profile:
                try:
                    alpha = picture.convert("RGBA").getchannel("A") if transparent else None
                    if picture.mode not in ("RGB", "L", "CMYK"):
                        picture = picture.convert("RGB")
                    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
                    picture = ImageCms.profileToProfile(picture, source, SRGB, outputMode="RGB")
                    if alpha:
                        picture.putalpha(alpha)
                except Exception:
                    pass
            return grounds(picture.convert("RGBA") if transparent else picture.convert("RGB"))
    except Exception:
        return None


def grounds(picture):
    cells = []
    for ground in ("white", "black"):
        rgb = picture
        if picture.mode == "RGBA":
            rgb = Image.new("RGBA", picture.size, ground)
            rgb.alpha_composite(picture)
            rgb = rgb.convert("RGB")
        cells.append(rgb.resize((SIDE, SIDE), Image.BILINEAR).tobytes())
    return picture.size, cells


def magick(path):
    command = ["convert", f"{path}[0]", "-auto-orient", "-colorspace", "sRGB", "-depth", "8", "-compress", "none", "tiff:-"]
    try:
        run = subprocess.run(command, capture_output=True, timeout=60)
        if run.returncode or not run.stdout:
            return None
        with Image.open(io.BytesIO(run.stdout)) as picture:
            return grounds(picture.convert("RGBA"))
    except Exception:
        return None


def alike(size, cells, other):
    if other is None or tuple(size) != tuple(other[0]):
        return False
    for theirs in other[1]:
        apart = [abs(a - b) for a, b in zip(cells, theirs)]
        far = sum(value > FAR for value in apart)
        if sum(apart) <= MEAN * len(apart) and far <= SHARE * len(apart):
            return True
    return False


def verdict(line, theirs, others):
    read = [other for other in (theirs, others) if other]
    if "size" not in line:
        return "refused wrongly" if read else "refused rightly"
    cells = bytes.fromhex(line["pixels"])
    if not read:
        return "read alone"
    if any(alike(line["size"], cells, other) for other in read):
        return "read"
    both = len(read) == 2 and alike(theirs[0], theirs[1][0], others)
    return "wrong pixels" if both or len(read) == 1 else "unlike (they differ)"


def main():
    root, *outputs = sys.argv[1:]
    runs = []
    for output in outputs:
        with open(output) as lines:
            runs.append({line["path"]: line for line in map(json.loads, lines)})
    paths = sorted(runs[0])
    cache = os.environ.get("OTHERS")
    known = {}
    if cache and os.path.exists(cache):
        import pickle
        known = pickle.load(open(cache, "rb"))
    missing = [path for path in paths if path not in known]
    with ThreadPoolExecutor(2) as pool:
        for path, other in zip(missing, pool.map(lambda p: (pillow(p), magick(p)), missing)):
            known[path] = other
    if cache:
        import pickle
        pickle.dump(known, open(cache, "wb"))
    tables = [defaultdict(Counter) for _ in runs]
    counts = defaultdict(Counter)
    for path in paths:
        suite = os.path.relpath(path, root).split(os.sep)[0]
        theirs, others = known[path]
        counts[suite].update(files=1, pillow=theirs is not None, magick=others is not None)
        said = []
        for run, table in zip(runs, tables):
            line = run.get(path, {"reason": "not run"})
            said.append(verdict(line, theirs, others))
            table[suite][said[-1]] += 1
        line = runs[0][path]
        if "wrong" in said[0] or "unlike" in said[0] or said[0] == "read alone" or len(set(said)) > 1:
            print("\t".join([" <- ".join(said), path, line.get("message", "")]), file=sys.stderr)
    kinds = ["read", "read alone", "refused rightly", "refused wrongly", "wrong pixels", "unlike (they differ)"]
    print("| suite | files | " + " | ".join(kinds) + " | Pillow reads | ImageMagick reads |")
    print("|---" * (len(kinds) + 4) + "|")
    total = Counter()
    for suite in [*sorted(counts), None]:
        if suite is None:
            cells = [" <- ".join(str(sum(t[s][kind] for s in counts)) for t in tables) for kind in kinds]
            count, suite = total, "all"
        else:
            cells = [" <- ".join(str(t[suite][kind]) for t in tables) for kind in kinds]
            count = counts[suite]
            total.update(count)
        print(f"| {suite} | {count['files']} | " + " | ".join(cells) + f" | {count['pillow']} | {count['magick']} |")


main()
