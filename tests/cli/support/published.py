"""Model folders in the layouts that published checkpoints have, made of the golden model."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from program import MODEL, floats_of

Floats = npt.NDArray[np.floating[Any]]

# How a folder says where its tensors are: by an index of .bin files that may lie beside it, or not at all.
LAYOUTS = ["bin index", "bin index and twins", "no index", "safetensors index"]


def stored(values: Floats, dtype: str) -> npt.NDArray[Any]:
    """The numbers as a file of this type holds them."""
    if dtype != "BF16":
        return values.astype({"F32": np.float32, "F16": np.float16}[dtype])
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)  # to the nearest, ties to even


def write_safetensors(file: Path, tensors: dict[str, Floats], dtype: str) -> None:
    """A file of tensors of one type, but for the router, which stays float32."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    parts, end = [], 0
    for name, values in sorted(tensors.items(), key=lambda item: "wg.weight" not in item[0]):
        kind = "F32" if "wg.weight" in name else dtype
        parts.append(stored(values, kind).tobytes())
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [end, end + len(parts[-1])]}
        end += len(parts[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def buffers() -> dict[str, Floats]:
    """What published checkpoints hold beside the weights."""
    vision = "model.vision_tower.vision_tower.vision_model."
    return {
        "model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(8, np.float32),
        "model.visual_model.pixel_mean": np.ones((3, 1, 1), np.float32),
        "model.visual_model.pixel_std": np.ones((3, 1, 1), np.float32),
        f"{vision}post_layernorm.weight": np.ones(80, np.float32),
        f"{vision}embeddings.position_ids": np.ones((1, 577), np.float32),
    }


def publish(folder: Path, layout: str, dtype: str, shards: int = 3) -> Path:
    """A new folder of this layout and type with the golden model's weights."""
    folder.mkdir()
    for name in ("config.json", "tokenizer.model", "added_tokens.json", "tokenizer_config.json"):
        shutil.copyfile(MODEL / name, folder / name)
    tensors: dict[str, Floats] = {}
    for shard in sorted(MODEL.glob("*.safetensors")):
        tensors |= {name: np.asarray(values) for name, values in floats_of(shard).items()}
    tensors |= buffers()
    names = sorted(tensors)
    index: dict[str, str] = {}
    for number in range(shards):
        stem, own = f"{number + 1:05d}-of-{shards:05d}", names[number::shards]
        write_safetensors(folder / f"model-{stem}.safetensors", {name: tensors[name] for name in own}, dtype)
        is_bin = layout != "safetensors index"
        index |= dict.fromkeys(own, f"pytorch_model-{stem}.bin" if is_bin else f"model-{stem}.safetensors")
        if "twins" in layout:
            (folder / f"pytorch_model-{stem}.bin").write_bytes(b"\x80\x02never read")
    if layout != "no index":
        file = "model.safetensors.index.json" if layout == "safetensors index" else "pytorch_model.bin.index.json"
        (folder / file).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": index}))
    return folder
