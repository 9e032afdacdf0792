#!/usr/bin/python3
"""Trains the example network on jet images and exports it as raw ONNX (BatchNorm not folded).

    make build/jets/train.bin            # 20,000 records, seed 1; see jets.mk
    examples/jets/train.py build/jets/train.bin build/jets/test_batch.bin examples/jets/jets.onnx

A ResNet-8: 3x3 stem of 16 channels, residual blocks of 16, 32 and 64 channels (the last two with stride 2 and
a 1x1 projection), global average pooling, three classes. Needs Debian's python3-torch and a CPU.
"""
import json
import sys
import time

import numpy as np
import torch
from torch import nn

EPOCHS = 6
BATCH = 100
PEAK_RATE = 0.1


def load(path):
    records = np.fromfile(path, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    pixels = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / 255)
    return pixels, torch.from_numpy(records[:, 0].astype(np.int64))


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.relu1 = nn.ReLU()
        self.relu2 = nn.ReLU()
        self.shortcut = nn.Sequential()
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False),
                                          nn.BatchNorm2d(c_out))

    def forward(self, x):
        y = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(y)) + self.shortcut(x))


class JetNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, 3)

    def forward(self, x):
        x = self.blocks(self.relu(self.bn(self.conv(x))))
        return self.fc(torch.flatten(self.pool(x), 1))


def augment(x):
    """A jet image has no preferred side: flips and a transposition."""
    if torch.rand(()) < 0.5:
        x = x.flip(2)
    if torch.rand(()) < 0.5:
        x = x.flip(3)
    return x.transpose(2, 3) if torch.rand(()) < 0.5 else x


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        hits = sum(int((net(a).argmax(1) == b).sum()) for a, b in zip(x.split(500), y.split(500)))
    return 100 * hits / len(y)


def train(net, x, y, epochs):
    steps = epochs * (len(y) // BATCH)
    opt = torch.optim.SGD(net.parameters(), PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, PEAK_RATE, steps)
    for epoch in range(epochs):
        net.train()
        total, order = 0.0, torch.randperm(len(y))
        for i in range(len(y) // BATCH):
            pick = order[i * BATCH:(i + 1) * BATCH]
            loss = nn.functional.cross_entropy(net(augment(x[pick])), y[pick])
            opt.zero_grad()
            loss.backward()
            opt.step()
            rate.step()
            total += float(loss)
        print(f"epoch {epoch + 1}: loss {total / (len(y) // BATCH):.3f}", flush=True)


def export(net, mean, std, path):
    net.eval()
    torch.onnx.export(net, torch.zeros(1, 3, 32, 32), path, opset_version=13, input_names=["image"],
                      output_names=["scores"], dynamic_axes={"image": {0: "n"}, "scores": {0: "n"}},
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    with open(path[:-len(".onnx")] + ".input.json", "w") as f:
        json.dump({"format": "cifar10", "mean": mean, "std": std}, f)
        f.write("\n")


def main():
    if len(sys.argv) != 4 or not sys.argv[3].endswith(".onnx"):
        sys.exit("usage: train.py TRAIN.bin TEST.bin OUT.onnx")
    torch.manual_seed(1)
    torch.set_num_threads(1)  # one thread adds in one order
    x, y = load(sys.argv[1])
    mean = [0.0, 0.0, 0.0]  # scaled, not shifted: an empty cell stays zero, and the accelerator can skip it
    std = [round(float(v), 4) for v in x.pow(2).mean((0, 2, 3)).sqrt()]
    scale = torch.tensor(std).view(1, 3, 1, 1)
    net, start = JetNet(), time.time()
    train(net, x / scale, y, EPOCHS)
    print(f"trained in {time.time() - start:.0f} s")
    x, y = load(sys.argv[2])
    print(f"accuracy on {sys.argv[2]}: {accuracy(net, x / scale, y):.2f} %")
    export(net, mean, std, sys.argv[3])


if __name__ == "__main__":
    main()
