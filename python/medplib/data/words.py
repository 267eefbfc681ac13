"""Words as the engine asks and trains them."""

from __future__ import annotations

# What shows nothing: Unicode's Default_Ignorable_Code_Point, its interlinear annotations, and control characters.
INVISIBLE = (
    *((0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F)),
    *((0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)),
    (0xE0000, 0xE0FFF),
)
_LEFT_OUT = {code: None for first, last in INVISIBLE for code in range(first, last + 1) if not chr(code).isspace()}


def plain_words(text: str) -> str:
    """The text as it is seen, as the engine's plain_words has it: one space for white space of any kind, and nothing
    for what shows nothing."""
    return " ".join(text.translate(_LEFT_OUT).split())


def without_tags(text: str) -> str:
    """One line of plain words, and no angle bracket that could be taken for a placeholder."""
    return plain_words(text.replace("<", " less than ").replace(">", " more than "))
