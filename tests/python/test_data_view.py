"""Contact sheets of records, with what the check found of them."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medplib.data import view
from medplib.data.__main__ import main
from medplib.data.findings import by_record
from medplib.data.records import evenly
from medplib.data.sheet import as_html, as_png
from medplib.data.tiles import SIDE, Tile
from PIL import Image
from published_sets import as_json, picture

FOUND = {1: ["The mask is empty."], 2: ["The picture isn't there & more."]}
MASKED = (230, 159, 0)  # the first mask's colour


def turns(question: str, answer: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: Any) -> Path:
    """A mask, a place, a picture that is missing, words that look like HTML, and no record at all."""
    picture(tmp_path / "a.png", size=(200, 100))
    for name, box in (("left", (10, 10, 60, 60)), ("right", (120, 30, 180, 80))):
        inside = Image.new("L", (200, 100))
        inside.paste(255, box)
        inside.save(tmp_path / f"{name}.png")
    said = [("a.png", "Segment it.", "Here: <SEG>.<mask>left.png</mask>")]
    said += [("a", "What is in <region>right.png</region>?", "A cyst."), ("gone.png", "Why?", "So.")]
    said += [("a.png", "Is <b>it</b> large?", "<script>alert(1)</script>"), ("../a.png", "Out?", "No.")]
    records: list[Any] = [
        {"id": f"r{index}", "image": image, "conversations": turns(question, answer)}
        for index, (image, question, answer) in enumerate(said)
    ]
    monkeypatch.setattr(view, "findings_of", lambda *_: FOUND)
    return as_json(tmp_path / "train.json", [*records, "text"])


def shown(file: Path) -> list[tuple[str, Image.Image | None]]:
    """The figures of a sheet: their HTML without the picture, and the picture."""
    figures: list[tuple[str, Image.Image | None]] = []
    for text in re.findall("<figure>(.*?)</figure>", file.read_text(encoding="utf-8"), re.DOTALL):
        found = re.search('<img alt="" src="data:image/png;base64,([^"]*)">', text)
        image = Image.open(io.BytesIO(base64.b64decode(found[1]))) if found else None
        figures.append((text.replace(found[0], "") if found else text, image))
    return figures


def test_a_sheet_shows_masks_places_words_and_what_is_wrong(data: Path, capsys: Any) -> None:
    out = data.with_name("sheet.html")
    assert main(["view", str(data), "--out", str(out)]) == 0
    assert "6 of 6 records, 2 with faults" in capsys.readouterr().out
    (mask, drawn), (place, outlined), (missing, none), *_ = shown(out)
    assert "0 · r0" in mask and "Segment it." in mask and "Here: [mask]." in mask and "wrong" not in mask
    assert drawn is not None and outlined is not None and none is None
    colours = np.asarray(drawn.convert("RGB")).astype(int)
    assert (colours[10, 10] == MASKED).all() and (colours[5, 5] == (90, 90, 10)).all()
    assert (colours[30, 30] != (90, 90, 10)).any()
    assert (np.asarray(outlined.convert("RGB"))[30, 120:180] == 255).all()
    assert "What is in [place]?" in place and '<p class="wrong">The mask is empty.</p>' in place
    assert "The picture isn&#x27;t there &amp; more." in missing and "gone.png" in missing


def test_a_sheet_needs_no_other_file_and_words_stay_words(data: Path) -> None:
    out = data.with_name("sheet.html")
    main(["view", str(data), "--out", str(out)])
    text = out.read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "Is &lt;b&gt;it&lt;/b&gt; large?" in text
    assert not re.search(r'(?:src|href)="(?!data:)', text) and "url(" not in text
    assert "leads out of" in shown(out)[4][0] and shown(out)[4][1] is None
    assert "This is no record" in shown(out)[5][0]


def test_only_what_is_wrong_is_shown_on_wish(data: Path) -> None:
    out = data.with_name("sheet.html")
    assert main(["view", str(data), "--only-faults", "--out", str(out)]) == 0
    assert [re.findall("<small>([0-9]+)", text) for text, _ in shown(out)] == [["1"], ["2"]]


def test_a_name_with_dots_that_lacks_its_ending_is_found(data: Path) -> None:
    data.with_name("a.png").rename(data.with_name("1.3.6.png"))
    as_json(data, [{"image": "1.3.6", "conversations": turns("Why?", "So.")}])
    out = data.with_name("sheet.html")
    assert main(["view", str(data), "--out", str(out)]) == 0
    assert shown(out)[0][1] is not None


def test_what_the_engines_check_finds_stands_below_its_record(data: Path, monkeypatch: Any) -> None:
    monkeypatch.undo()
    Image.new("L", (200, 100)).save(data.with_name("left.png"))
    out = data.with_name("sheet.html")
    assert main(["view", str(data), "--pictures", "--out", str(out)]) == 0
    figures = [text for text, _ in shown(out)]
    assert "empty" in figures[0] and 'class="wrong"' in figures[0]
    assert 'class="wrong"' not in figures[1]
    assert "gone.png" in figures[2].partition('class="wrong"')[2]


def test_without_faults_there_is_no_sheet_of_them(data: Path, monkeypatch: Any, capsys: Any) -> None:
    out = data.with_name("sheet.html")
    monkeypatch.setattr(view, "findings_of", lambda *_: {})
    assert main(["view", str(data), "--only-faults", "--out", str(out)]) == 1
    assert "nothing was found wrong" in capsys.readouterr().err and not out.exists()
    assert main(["view", str(data), "--out", str(out)]) == 0


def test_a_png_has_the_pictures_in_columns(data: Path) -> None:
    out = data.with_name("sheet.png")
    assert main(["view", str(data), "--most", "2", "--images", str(data.parent), "--out", str(out)]) == 0
    with Image.open(out) as sheet:
        assert sheet.width == 2 * (SIDE + 16)
        assert sheet.getpixel((8 + 10, 8 + 10)) == MASKED
    assert sorted(file.name for file in data.parent.iterdir()) == sorted(
        ["a.png", "left.png", "right.png", "sheet.png", "train.json"]
    )


def test_long_words_and_many_lines_stay_in_their_tile() -> None:
    tile = Tile("1", None, ["W" * 500, "word " * 500], ["wrong " * 500])
    with Image.open(io.BytesIO(as_png([tile, Tile("2", None, ["很长", ""], [])]))) as sheet:
        assert sheet.width == 2 * (SIDE + 16) and sheet.height < 600
        margin = np.asarray(sheet)[:, SIDE + 9 : SIDE + 16]
        assert (margin == 255).all()
    assert "<title>a &amp; b</title>" in as_html("a & b", [tile])


def test_a_large_picture_is_shown_small(data: Path) -> None:
    picture(data.with_name("a.png"), size=(1000, 500))
    for name in ("left", "right"):
        Image.new("L", (1000, 500), 255).save(data.with_name(f"{name}.png"))
    out = data.with_name("sheet.html")
    main(["view", str(data), "--out", str(out)])
    assert [image.size for _, image in shown(out) if image] == [(SIDE, SIDE // 2)] * 3


def test_a_mask_of_another_size_is_told_and_the_picture_shown(data: Path) -> None:
    Image.new("L", (50, 50), 255).save(data.with_name("left.png"))
    out = data.with_name("sheet.html")
    main(["view", str(data), "--out", str(out)])
    text, image = shown(out)[0]
    assert image is not None and "50" in text and "wrong" in text


def test_what_cannot_be_is_a_sentence(data: Path, capsys: Any) -> None:
    empty = as_json(data.with_name("empty.json"), [])
    for given, sentence in (
        ([data, "--out", "sheet.gif"], "a sheet is a .png or a .html file"),
        ([data, "--out", "sheet.png", "--most", "201"], "a .png sheet holds 1 to 200 records"),
        ([data, "--out", "sheet.png", "--most", "0"], "--most is 0"),
        ([empty, "--out", "sheet.png"], "there are no records"),
        ([data.with_name("a.png"), "--out", "sheet.png"], "a.png is not JSON"),
        ([as_json(data.with_name("o.json"), {}), "--out", "sheet.png"], "o.json must hold a list of records"),
    ):
        assert main(["view", *map(str, given)]) == 1
        assert sentence in capsys.readouterr().err


def test_a_part_of_the_records_is_evenly_out_of_all() -> None:
    assert evenly(range(10), 3) == [0, 3, 6]
    assert evenly([4, 7], 5) == [4, 7]


def test_findings_are_sorted_by_record() -> None:
    report = {
        "findings": [{"record": 3, "message": "Wrong."}, {"record": 1, "message": "W"}, {"record": 3, "message": "X"}]
    }
    assert by_record(report) == {3: ["Wrong.", "X"], 1: ["W"]}


def test_an_empty_mask_is_told(data: Path) -> None:
    Image.new("L", (200, 100)).save(data.with_name("left.png"))
    main(["view", str(data), "--out", str(data.with_name("sheet.html"))])
    text, image = shown(data.with_name("sheet.html"))[0]
    assert image is not None and "left.png" in text and "wrong" in text
