"""Writes small ONNX files: the messages of Protocol Buffers that a graph consists of."""

from __future__ import annotations

import numpy as np

FLOAT, INT64 = 1, 7
_TYPES = {"float32": FLOAT, "int64": INT64}


def varint(number):
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def message(*fields):
    """Return a message of pairs of a field's number and its value."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts.append(varint(number << 3) + varint(value))
        else:
            data = value.encode() if isinstance(value, str) else value
            parts.append(varint(number << 3 | 2) + varint(len(data)) + data)
    return b"".join(parts)


def tensor(name, values):
    """Return a constant of the graph."""
    values = np.asarray(values)
    values = values.astype(np.float32) if values.dtype.kind == "f" else values
    dims = [(1, side) for side in values.shape]
    return message(*dims, (2, _TYPES[str(values.dtype)]), (8, name), (9, values.tobytes()))


def outside(name, location):
    """Return a constant of four numbers in another file."""
    return message((1, 4), (2, FLOAT), (8, name), (13, message((1, "location"), (2, location))),
                   (14, 1))  # fmt: skip


def value(name, shape, kind=FLOAT):
    """Return an input or output; a side by name is left open."""
    sides = [(1, message((1 if isinstance(side, int) else 2, side))) for side in shape]
    return message((1, name), (2, message((1, message((1, kind), (2, message(*sides)))))))


def node(operator, inputs, output, *, domain="", **numbers):
    attributes = [(5, message((1, name), (3, one), (20, 2))) for name, one in numbers.items()]
    return message(*((1, name) for name in inputs), (2, output), (4, operator), *attributes,
                   (7, domain))  # fmt: skip


def model(nodes, constants, inputs, outputs, domains=("",)):
    graph = message(
        *((1, one) for one in nodes), (2, "graph"), *((5, one) for one in constants),
        *((11, one) for one in inputs), *((12, one) for one in outputs),
    )  # fmt: skip
    versions = [(8, message((1, domain), (2, 13))) for domain in domains]
    return message((1, 8), (7, graph), *versions)
