"""A plain PyTorch training of the parts that draw: the same sizes, losses and optimizer as `medplib train` with
objective "grounding", written as one would write it in Python. bench/train runs it beside the engine.

    python bench/eager_grounding.py recipe.json    prints samples a second and the number of parameters as JSON

Its pictures are read and scaled before the clock starts, and its masks are at the size of the SAM input.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class ChannelNorm(nn.LayerNorm):
    """Over the channels of (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Self-attention of (B, h, w, C) with relative positions, as in SAM."""

    def __init__(self, dim: int, heads: int, side: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.rows = nn.Parameter(torch.zeros(2 * side - 1, dim // heads))
        self.columns = nn.Parameter(torch.zeros(2 * side - 1, dim // heads))
        index = torch.arange(side)
        self.register_buffer("offsets", index[:, None] - index[None, :] + side - 1)

    def forward(self, x: Tensor) -> Tensor:
        b, h, w, _ = x.shape
        q, k, v = self.qkv(x).reshape(b, h * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        places = q.reshape(b * self.heads, h, w, -1)
        rows = torch.einsum("bhwc,hkc->bhwk", places, self.rows[self.offsets])
        columns = torch.einsum("bhwc,wkc->bhwk", places, self.columns[self.offsets])
        bias = (rows[..., None] + columns[..., None, :]).reshape(b, self.heads, h * w, h * w)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(mixed.transpose(1, 2).reshape(b, h, w, -1))


class Block(nn.Module):
    def __init__(self, sam: dict[str, Any], grid: int, everywhere: bool) -> None:
        super().__init__()
        dim, self.window = sam["embed_dim"], 0 if everywhere else sam["window_size"]
        self.norm1, self.norm2 = nn.LayerNorm(dim, 1e-6), nn.LayerNorm(dim, 1e-6)
        self.attention = Attention(dim, sam["num_heads"], grid if everywhere else sam["window_size"])
        ratio = sam.get("mlp_ratio", 4)
        self.mlp = nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))

    def attend(self, x: Tensor) -> Tensor:
        if not self.window:
            return self.attention(x)
        b, h, w, c = x.shape
        side = self.window
        windows = x.view(b, h // side, side, w // side, side, c).transpose(2, 3).reshape(-1, side, side, c)
        mixed = self.attention(windows).view(b, h // side, w // side, side, side, c)
        return mixed.transpose(2, 3).reshape(b, h, w, c)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    def __init__(self, sam: dict[str, Any]) -> None:
        super().__init__()
        grid, dim, channels = sam["image_size"] // sam["patch_size"], sam["embed_dim"], sam["out_chans"]
        widths = [3, *sam["stem_channels"], dim]
        self.stem = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), *([ChannelNorm(b, 1e-2), nn.GELU()] if i < len(widths) - 2 else []))
            for i, (a, b) in enumerate(itertools.pairwise(widths))
        )
        self.positions = nn.Parameter(torch.randn(1, grid, grid, dim) * 0.02)
        everywhere = set(sam["global_attn_indexes"])
        self.blocks = nn.ModuleList(Block(sam, grid, i in everywhere) for i in range(sam["depth"]))
        self.neck = nn.Sequential(
            nn.Conv2d(dim, channels, 1, bias=False),
            ChannelNorm(channels, 1e-6),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            ChannelNorm(channels, 1e-6),
        )

    def forward(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        x, features = pixels.contiguous(memory_format=torch.channels_last), []
        for stage in self.stem:
            x = stage(x)
            features.append(x)
        x = x.permute(0, 2, 3, 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2)), [features[2], features[1]]


class PromptEncoder(nn.Module):
    """Its points and masks are not used here; they are parameters all the same."""

    def __init__(self, sam: dict[str, Any]) -> None:
        super().__init__()
        dim, inner, self.grid = sam["out_chans"], sam.get("mask_in_chans", 16), sam["image_size"] // sam["patch_size"]
        self.register_buffer("fourier", torch.randn(2, dim // 2))
        self.points = nn.Parameter(torch.randn(4, dim))
        self.not_a_point, self.no_mask = nn.Parameter(torch.randn(1, dim)), nn.Parameter(torch.randn(1, dim))
        self.masks = nn.Sequential(
            nn.Conv2d(1, inner // 4, 2, 2),
            ChannelNorm(inner // 4, 1e-6),
            nn.GELU(),
            nn.Conv2d(inner // 4, inner, 2, 2),
            ChannelNorm(inner, 1e-6),
            nn.GELU(),
            nn.Conv2d(inner, dim, 1),
        )

    def image_positions(self) -> Tensor:
        axis = (torch.arange(self.grid) + 0.5) / self.grid
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        phase = 2 * math.pi * (2 * torch.stack([x, y], -1) - 1) @ self.fourier
        return torch.cat([phase.sin(), phase.cos()], -1).flatten(0, 1)[None]  # (1, g², C)


class CrossAttention(nn.Module):
    def __init__(self, dim: int, inner: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (
            nn.Linear(*size) for size in ((dim, inner), (dim, inner), (dim, inner), (inner, dim))
        )

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        split = [
            f(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for f, x in ((self.q, q), (self.k, k), (self.v, v))
        ]
        return self.out(F.scaled_dot_product_attention(*split).transpose(1, 2).flatten(2))


class TwoWay(nn.Module):
    def __init__(self, dim: int, heads: int, mlp: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.own, self.to_image, self.to_tokens = (CrossAttention(dim, i, heads) for i in (dim, dim // 2, dim // 2))
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(dim) for _ in range(4))
        self.mlp = nn.Sequential(nn.Linear(dim, mlp), nn.ReLU(), nn.Linear(mlp, dim))

    def forward(self, queries: Tensor, image: Tensor, tokens: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        if self.first:
            queries = self.own(queries, queries, queries)
        else:
            queries = queries + self.own(queries + tokens, queries + tokens, queries)
        queries = self.norm1(queries)
        queries = self.norm2(queries + self.to_image(queries + tokens, image + positions, image))
        queries = self.norm3(queries + self.mlp(queries))
        image = self.norm4(image + self.to_tokens(image + positions, queries + tokens, queries))
        return queries, image


def relu_mlp(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Decoder(nn.Module):
    def __init__(self, sam: dict[str, Any]) -> None:
        super().__init__()
        dim, heads, masks = sam["out_chans"], sam["decoder_num_heads"], sam.get("num_multimask_outputs", 3) + 1
        hidden, depth = sam["iou_head_hidden_dim"], sam.get("iou_head_depth", 3)
        self.iou_token, self.mask_tokens = nn.Parameter(torch.randn(1, dim)), nn.Parameter(torch.randn(masks, dim))
        self.layers = nn.ModuleList(
            TwoWay(dim, heads, sam["decoder_mlp_dim"], i == 0) for i in range(sam.get("decoder_depth", 2))
        )
        self.last, self.last_norm = CrossAttention(dim, dim // 2, heads), nn.LayerNorm(dim)
        self.up1, self.up_norm = nn.ConvTranspose2d(dim, dim // 4, 2, 2), ChannelNorm(dim // 4, 1e-6)
        self.up2 = nn.ConvTranspose2d(dim // 4, dim // 8, 2, 2)
        stem = sam["stem_channels"]
        self.skip1, self.skip2 = nn.Conv2d(stem[2], dim // 4, 1), nn.Conv2d(stem[1], dim // 8, 1)
        self.filters = nn.ModuleList(relu_mlp([dim, dim, dim, dim // 8]) for _ in range(masks))
        self.iou = relu_mlp([dim] + [hidden] * (depth - 1) + [masks])

    def forward(self, image: Tensor, skips: list[Tensor], positions: Tensor, prompt: Tensor) -> Tensor:
        n, c, g, _ = image.shape
        own = torch.cat([self.iou_token, self.mask_tokens])[None].expand(n, -1, -1)
        tokens = torch.cat([own, prompt[:, None]], 1)
        queries, seen = tokens, image.flatten(2).transpose(1, 2)
        for layer in self.layers:
            queries, seen = layer(queries, seen, tokens, positions)
        queries = self.last_norm(queries + self.last(queries + tokens, seen + positions, seen))
        x = self.up1(seen.transpose(1, 2).reshape(n, c, g, g)) + self.skip1(skips[0])
        x = F.gelu(self.up2(F.gelu(self.up_norm(x))) + self.skip2(skips[1]))
        logits: Tensor = self.filters[0](queries[:, 1])[:, None] @ x.flatten(2)
        return logits.view(n, 1, x.shape[2], x.shape[3])


class Sam(nn.Module):
    def __init__(self, sam: dict[str, Any]) -> None:
        super().__init__()
        self.encoder, self.prompts, self.decoder = Encoder(sam), PromptEncoder(sam), Decoder(sam)
        self.name = nn.Parameter(torch.randn(sam["out_chans"]))  # stands for the structure's name

    def forward(self, pixels: Tensor) -> Tensor:
        image, skips = self.encoder(pixels)
        image = image + self.prompts.no_mask[..., None, None]
        return self.decoder(image, skips, self.prompts.image_positions(), self.name.expand(len(pixels), -1))


def read_samples(recipe: dict[str, Any], root: Path, side: int) -> tuple[Tensor, Tensor]:
    """Pictures (n, 3, S, S), normalised, and masks (n, 1, S, S)."""
    pictures, masks = [], []
    for record in json.loads((root / recipe["train"]).read_text()):
        with Image.open(root / record["image"]) as image:
            rgb = np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR), np.float32)
        pictures.append(torch.from_numpy((rgb - MEAN) / DEVIATION).float().permute(2, 0, 1))
        path = record["conversations"][1]["value"].split("<mask>")[1].removesuffix("</mask>")
        with Image.open(root / path) as mask:
            grey = mask.convert("L").resize((side, side), Image.Resampling.NEAREST)
        masks.append(torch.from_numpy(np.asarray(grey) > 0).float()[None])
    return torch.stack(pictures), torch.stack(masks)


def loss_of(logits: Tensor, masks: Tensor, recipe: dict[str, Any]) -> Tensor:
    logits = F.interpolate(logits, masks.shape[2:], mode="bilinear")
    p = logits.sigmoid()
    overlap, sizes = (p * masks).sum((1, 2, 3)), p.sum((1, 2, 3)) + masks.sum((1, 2, 3))
    dice = (1 - (2 * overlap + 1e-6) / (sizes + 1e-6)).mean()
    return recipe["dice"] * dice + recipe["bce"] * F.binary_cross_entropy_with_logits(logits, masks)


def train(recipe: dict[str, Any], root: Path) -> dict[str, float]:
    torch.set_num_threads(recipe["threads"])
    torch.manual_seed(recipe["seed"])
    random.seed(recipe["seed"])
    sam = json.loads((root / recipe["model"] / "config.json").read_text())["sam_config"]
    model = Sam(sam)
    average = copy.deepcopy(model).requires_grad_(False)
    pictures, masks = read_samples(recipe, root, sam["image_size"])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe["learning_rate"], betas=(0.9, 0.98), weight_decay=0.05, fused=True
    )
    batch = recipe["images_per_step"]
    started = time.monotonic()
    for _ in range(recipe["steps"]):
        chosen = torch.tensor([random.randrange(len(pictures)) for _ in range(batch)])
        loss = loss_of(model(pictures[chosen]), masks[chosen], recipe)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 0.002)
        loss.item()  # it is logged
    seconds = time.monotonic() - started
    count = sum(p.numel() for name, p in model.named_parameters() if name != "name")
    return {"samples_per_second": batch * recipe["steps"] / seconds, "parameters": count}


if __name__ == "__main__":
    path = Path(sys.argv[1])
    print(json.dumps(train(json.loads(path.read_text()), path.parent)))
