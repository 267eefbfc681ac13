"""A small vocabulary of its own for a small model, in LLaMA's manner."""

from __future__ import annotations

import io
import json
import re
import string
from collections.abc import Iterable
from pathlib import Path

import sentencepiece

from .records import Record

ADDED = ("<SEG>", "<ref>", "</ref>", "<region>", "</region>", "<mask>", "</mask>", "<im_start>", "<im_end>")
PIECES = 1503  # with the added tokens a multiple of 8
SYSTEM_WEIGHT = 300  # every prompt begins with a system sentence: its words should be whole pieces
SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions.",
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions.",
)
_TAGS = re.compile(r"<region>.*?</region>|<mask>.*?</mask>|<SEG>|<image>\n?")


def spoken(records: Iterable[Record]) -> list[str]:
    """The text of the records as the language model reads it, without placeholders and paths."""
    lines = []
    for record in records:
        for turn in record["conversations"]:
            lines += [part.strip() for part in _TAGS.split(turn["value"]) if part.strip()]
    return lines


def write_vocabulary(lines: list[str], out: Path, pieces: int = PIECES) -> None:
    """Train the pieces on `lines` and write the tokenizer's files into `out`."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*SYSTEM, "USER: ASSISTANT:"] * SYSTEM_WEIGHT + lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=pieces,
        byte_fallback=True,
        character_coverage=1.0,
        required_chars=string.ascii_letters + string.digits + string.punctuation,
        normalization_rule_name="identity",
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        num_threads=1,
        shuffle_input_sentence=False,
        minloglevel=1,
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "tokenizer.model").write_bytes(model.getvalue())
    added = {token: pieces + index for index, token in enumerate(ADDED)}
    config = {
        "tokenizer_class": "LlamaTokenizer",
        "legacy": True,
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<unk>",
    }
    for name, content in (("added_tokens.json", added), ("tokenizer_config.json", config)):
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
