"""Reading and writing: safetensors (the format is simple enough to need no package) and compact JSON."""
import json
import struct

import numpy as np

_DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2"), "I64": np.dtype("<i8")}


def to_bf16(x):
    """float32 -> the upper 16 bits, rounded to nearest, ties to even. No NaN here."""
    bits = np.ascontiguousarray(x, dtype="<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def from_bf16(x):
    return (x.astype("<u4") << 16).view("<f4")


def safetensors_bytes(tensors, dtype="F32"):
    """tensors: {name: float array}; integer arrays are written I64 whatever the dtype. An 8-byte little-endian header
    length, a JSON header padded with spaces so that the data starts at a multiple of 8, then the data. Tensors are
    sorted by falling alignment and then by name, as the safetensors package does."""
    entries = []
    for name, a in tensors.items():
        a = np.asarray(a)
        if a.dtype.kind in "iu":
            entries.append((name, "I64", a.astype("<i8")))
        elif dtype == "BF16":
            entries.append((name, dtype, to_bf16(a)))
        else:
            entries.append((name, dtype, a.astype(_DTYPES[dtype])))
    entries.sort(key=lambda e: (-e[2].itemsize, e[0]))
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, kind, a in entries:
        header[name] = {"dtype": kind, "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for _, _, a in entries)


def read_safetensors(data):
    """bytes -> {name: float32 or int64 array}."""
    (n,) = struct.unpack_from("<Q", data)
    out = {}
    for name, e in json.loads(data[8:8 + n]).items():
        if name == "__metadata__":
            continue
        lo, hi = e["data_offsets"]
        a = np.frombuffer(data[8 + n + lo:8 + n + hi], _DTYPES[e["dtype"]]).reshape(e["shape"])
        out[name] = from_bf16(a) if e["dtype"] == "BF16" else a if e["dtype"] == "I64" else a.astype("<f4")
    return out


def numbers(x, digits=12):
    """A tensor or array -> nested lists of Python numbers with so many significant digits."""
    x = x.detach().numpy() if hasattr(x, "detach") else np.asarray(x)
    if x.dtype.kind in "iub":
        return x.tolist()

    def short(v):
        return [short(e) for e in v] if isinstance(v, list) else float(f"{v:.{digits - 1}e}")

    return short(x.astype(np.float64).tolist())


def _number(x):
    if isinstance(x, float):
        return "0" if x == 0 else repr(x)
    return json.dumps(x, ensure_ascii=False)


def json_text(x, indent=0):
    """JSON with each list of plain values on one line: small to store, and a change shows in a diff."""
    pad = " " * (indent + 1)
    if isinstance(x, dict):
        if not x:
            return "{}"
        inner = ",\n".join(f"{pad}{json.dumps(k)}: {json_text(v, indent + 1)}" for k, v in x.items())
        text = "{\n" + inner + "\n" + " " * indent + "}"
        flat = not any(isinstance(v, (dict, list)) for v in x.values())
        one = "{" + ", ".join(f"{json.dumps(k)}: {json_text(v)}" for k, v in x.items()) + "}" if flat else text
        return one if flat and indent > 1 and len(one) < 200 else text
    if isinstance(x, (list, tuple)):
        if any(isinstance(v, (dict, list, tuple)) for v in x):
            return "[\n" + ",\n".join(pad + json_text(v, indent + 1) for v in x) + "\n" + " " * indent + "]"
        return "[" + ",".join(_number(v) for v in x) + "]"
    return _number(x)
