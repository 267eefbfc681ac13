"""The report as a whole, with a stand-in for the engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from medplib._core import AskOptions, Overlap, overlap
from medplib.data import progress
from medplib.errors import NotFoundError
from medplib.report import __main__ as report
from medplib.report.asking import Asker, ask_all, load_to_judge
from medplib.report.baselines import FrequentAnswers, MeanShapes
from medplib.report.card import FIGURES
from medplib.report.records import DRAWN, evenly_by_task, masks_of, read_mask
from PIL import Image

BEGIN, END = FIGURES.begin, FIGURES.end
TINY = Path(__file__).resolve().parents[2] / "models" / "tiny"


class Mask:
    def __init__(self, array: Any) -> None:
        self.array = array


class Answer:
    def __init__(self, text: str, masks: list[Mask]) -> None:
        self.text = text
        self._masks = masks

    def __len__(self) -> int:
        return len(self._masks)

    def __getitem__(self, index: int) -> Mask:
        return self._masks[index]


class Engine:
    """Draws the left half but for "nothing", says CT, and takes a click for a column and a box for itself."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def session(self, image: Path) -> Session:
        self.encoded.append(image.name)
        return Session(self, Image.open(image).size)


class Session:
    def __init__(self, engine: Engine, size: tuple[int, int]) -> None:
        self.engine = engine
        self.width, self.height = size

    def _evaluate(self, record: str, folder: Path, options: AskOptions) -> tuple[Answer, list[Overlap]]:
        asked = json.loads(record)
        mask = np.zeros((self.height, self.width), bool)
        drawn = mask.copy()
        drawn[:, : self.width // 2] = True
        if asked["task"] not in DRAWN:
            return Answer("CT.", []), []
        answer = Answer("", [] if asked["structure"] == "nothing" else [Mask(drawn)])
        targets = masks_of(asked, folder) if asked["task"] == "segment" else []
        return answer, [overlap(answer[0].array if len(answer) else mask, read_mask(file)) for file in targets]

    def refine(self, mask: Mask | None = None, **prompt: Any) -> Mask:
        array = np.zeros((self.height, self.width), bool) if mask is None else mask.array.copy()
        if box := prompt.get("box"):
            array[box[1] : box[3] + 1, box[0] : box[2] + 1] = True
        for (x, _), label in zip(prompt.get("point_coords", ()), prompt.get("point_labels", ()), strict=True):
            array[:, x] = label == 1
        return Mask(array)


def record(task: str, question: str, answer: str, image: str = "a.png", **more: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": "<image>\n" + question}, {"from": "gpt", "value": answer}]
    about = {"image": image, "set": "made", "group": image, "modality": "CT", "task": task, "answer_type": "open"}
    return {"id": f"{image} {task} {answer}", **about, "conversations": turns, **more}


def drawn(structure: str, image: str = "a.png", mask: str = "m.png", **more: Any) -> dict[str, Any]:
    answer = f"Sure <SEG>.<mask>{mask}</mask>"
    return record("segment", "Segment it.", answer, image, structure=structure, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of 8 by 4 pixels; the mask shows columns 2 and 3. The training part knows it as columns 2 to 5."""
    for name, columns in (("m", slice(2, 4)), ("t", slice(2, 6))):
        mask = np.zeros((4, 8), np.uint8)
        mask[:, columns] = 255
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    for name in ("a", "b"):
        Image.new("RGB", (8, 4)).save(tmp_path / f"{name}.png")
    training = [drawn("half", mask="t.png"), record("modality", "Which modality is this?", "MRI")]
    (tmp_path / "train.json").write_text(json.dumps(training))
    return tmp_path


def ask(folder: Path, records: list[dict[str, Any]], engine: Engine | None = None, jobs: int = 1) -> list[Any]:
    training = json.loads((folder / "train.json").read_text())
    asker = Asker(engine or Engine(), folder, MeanShapes(training, folder), FrequentAnswers(training))
    return ask_all(asker, records, jobs)


def test_a_drawn_structure_is_compared_with_its_mask_its_mean_shape_and_its_box(folder: Path) -> None:
    (result,) = ask(folder, [drawn("half")])
    assert result["drawn"]
    assert result["dice"] == pytest.approx(2 * 8 / (16 + 8))
    assert result["iou"] == pytest.approx(8 / 16)
    assert result["mean_shape"] == pytest.approx(2 * 8 / (16 + 8), abs=0.1)  # four columns, but for the resizing
    assert result["box_filled"] == result["box"] == 1


def test_each_click_is_put_where_the_mask_is_wrong(folder: Path) -> None:
    # columns 0 and 1 are too much; the clicks take away one of them, then the other, and then nothing is wrong
    (result,) = ask(folder, [drawn("half")])
    assert result["clicks"] == pytest.approx([2 * 8 / (12 + 8), 1, 1])


def test_clicks_begin_with_an_empty_mask_where_nothing_was_drawn(folder: Path) -> None:
    (result,) = ask(folder, [drawn("nothing")])
    assert (result["drawn"], result["dice"]) == (False, 0)
    assert result["clicks"] == pytest.approx([2 * 4 / (4 + 8), 1, 1])


def weights_by_manifest() -> dict[str, str]:
    files = json.loads((TINY / "medplib.json").read_text())["files"]
    return {name: digest for name, digest in files.items() if name.endswith(".safetensors")}


def test_boxes_and_clicks_are_judged_whatever_the_manifest_allows_yet(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(TINY, folder)
    manifest = json.loads((folder / "medplib.json").read_text()) | {"refine": False}
    (folder / "medplib.json").write_text(json.dumps(manifest))
    model, weights = load_to_judge(folder)
    assert not medplib.load(folder).info["refines"]
    assert model.info["refines"]
    with Image.new("RGB", (40, 30)) as picture:
        assert model.session(picture).refine(box=(5, 5, 20, 20)).array.shape == (30, 40)
    assert weights == weights_by_manifest()


def test_the_engine_compares_what_it_draws_with_its_target(folder: Path) -> None:
    Image.fromarray(np.random.default_rng(5).integers(0, 255, (4, 8, 3), dtype=np.uint8)).save(folder / "a.png")
    session = medplib.load(TINY).session(folder / "a.png")
    options, target = AskOptions(), read_mask(folder / "m.png")
    answer, overlaps = session._evaluate(json.dumps(drawn("optic disc")), folder, options)
    alone = session.segment("optic disc")
    assert isinstance(answer, medplib.Answer)
    assert (answer.text, answer.prompt, len(answer)) == (alone.text, alone.prompt, len(alone))
    mask = alone[0].array if len(alone) else np.zeros_like(target)
    assert [(each.intersection, each.in_union) for each in overlaps] == [
        (int((mask & target).sum()), int((mask | target).sum()))
    ]
    asked, _ = session._evaluate(json.dumps(record("modality", "Which modality is this?", "CT")), folder, options)
    assert isinstance(asked, medplib.Answer)
    assert asked.text == session.ask("Which modality is this?").text
    missing, none = session._evaluate(json.dumps(drawn("optic disc", mask="nowhere.png")), folder, options)
    assert isinstance(missing, NotFoundError)
    assert none == []


def test_words_are_right_or_wrong_and_so_are_the_guesses(folder: Path) -> None:
    asked = [record("modality", "Which modality is this?", answer) for answer in ("CT", "MRI", "PET")]
    results = ask(folder, asked)
    assert [result["right"] for result in results] == [True, False, False]
    assert [result["question_only"] for result in results] == [False, True, False]
    assert [result["majority"] for result in results] == [False, True, False]


def test_each_image_is_encoded_once_and_jobs_change_nothing(folder: Path) -> None:
    asked = [drawn("half"), record("absent", "Segment it.", "No.", structure="half"), drawn("nothing", "b.png")]
    engine = Engine()
    results = ask(folder, asked, engine)
    assert engine.encoded == ["a.png", "b.png"]
    assert [result["drawn"] for result in results] == [True, True, False]
    assert ask(folder, asked, jobs=2) == results


def test_a_terminal_sees_how_far_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(progress, "SILENT", -1.0)
    ask(folder, [drawn("half"), drawn("half", "b.png")])
    assert "1 of 2 images asked about, 0:00:0" in capsys.readouterr().err


def test_an_empty_true_mask_is_refused_with_a_sentence(folder: Path) -> None:
    Image.new("L", (8, 4)).save(folder / "m.png")
    with pytest.raises(ValueError, match=r"m\.png is empty, but a record asks for what it shows"):
        ask(folder, [drawn("half")])


def test_a_limit_spaces_the_records_of_each_task_evenly() -> None:
    asked = [{"task": "segment", "id": i} for i in range(10)] + [{"task": "vqa", "id": i} for i in range(2)]
    kept = [(each["task"], each["id"]) for each in evenly_by_task(asked, 4)]
    assert kept == [("segment", 0), ("segment", 2), ("segment", 5), ("segment", 7), ("vqa", 0), ("vqa", 1)]


@pytest.fixture
def validate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    asked = [drawn("half"), record("absent", "Segment it.", "No.", structure="nothing"), drawn("nothing", "b.png")]
    (folder / "validate.json").write_text(json.dumps(asked))
    monkeypatch.setattr(report, "load_to_judge", lambda model: (Engine(), {"model.safetensors": "c0ffee"}))
    return folder / "validate.json"


def run(*arguments: object) -> int:
    return report.main([str(argument) for argument in arguments])


def test_kept_results_give_the_same_tables_without_a_model(validate: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(validate, "--json", tmp_path / "kept.json") == 0
    printed = capsys.readouterr().out
    assert "| all pairs | 2 | 0.333 ± 0.653 |" in printed
    assert run("--results", tmp_path / "kept.json") == 0
    assert capsys.readouterr().out == printed


def test_nothing_is_asked_of_a_model_without_targets(validate: Path, capsys: Any) -> None:
    assert run(validate) == 0
    printed = capsys.readouterr().out
    assert "asked |" not in printed and "SLAKE" not in printed


def test_a_card_keeps_what_stands_around_its_figures(validate: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"# Card\n\n{BEGIN}\nold figures\n{END}\n\nLimits.\n")
    assert run(validate, "--card", card) == 0
    text = card.read_text()
    assert text.startswith(f"# Card\n\n{BEGIN}\n\nHeld-out images") and text.endswith(f"|\n\n{END}\n\nLimits.\n")
    assert "| all pairs | 2 |" in text and "old figures" not in text
    assert run(validate, "--card", card) == 0
    assert card.read_text() == text


def test_figures_say_of_which_weights_they_are(validate: Path, tmp_path: Path, capsys: Any) -> None:
    kept = tmp_path / "kept.json"
    assert run(validate, "--json", kept) == 0
    assert "\nFigures of the weights with SHA-256 `c0ffee`.\n" in capsys.readouterr().out
    older = {name: value for name, value in json.loads(kept.read_text()).items() if name != "weights"}
    kept.write_text(json.dumps(older))
    assert run("--results", kept) == 0
    assert "SHA-256" not in capsys.readouterr().out


def test_the_embedded_models_card_is_of_the_weights_beside_it() -> None:
    figures = (TINY / "README.md").read_text().partition(BEGIN)[2].partition(END)[0]
    (digest,) = weights_by_manifest().values()
    assert f"\nFigures of the weights with SHA-256 `{digest}`.\n" in figures


def test_results_of_a_model_that_never_saw_a_set_are_shown_too(validate: Path, tmp_path: Path, capsys: Any) -> None:
    strangers = tmp_path / "strangers.json"
    stranger = {"task": "segment", "set": "polyps", "group": "1", "structure": "polyp", "dice": 0.3, "left_out": True}
    strangers.write_text(json.dumps({"complete": True, "results": [stranger]}))
    assert run(validate, "--left-out", strangers) == 0
    printed = capsys.readouterr().out
    assert "**Sets left out of the training**" in printed and "| polyps | 1 | 0.300 |" in printed


def test_a_card_without_marks_is_refused_and_stays(validate: Path, tmp_path: Path, capsys: Any) -> None:
    card = tmp_path / "README.md"
    card.write_text("# Card\n")
    assert run(validate, "--card", card) == 1
    assert "has no place for figures" in capsys.readouterr().err
    assert card.read_text() == "# Card\n"


def test_a_card_gets_no_figures_of_part_of_the_records(validate: Path, tmp_path: Path, capsys: Any) -> None:
    card, kept = tmp_path / "README.md", tmp_path / "kept.json"
    card.write_text(f"{BEGIN}\n{END}\n")
    with pytest.raises(SystemExit, match="2"):
        run(validate, "--limit", 1, "--card", card)
    assert run(validate, "--limit", 1, "--json", kept) == 0
    assert run("--results", kept, "--card", card) == 1
    assert "part of the records" in capsys.readouterr().err
    assert card.read_text() == f"{BEGIN}\n{END}\n"


RECORD = drawn("half")
RESULT = {"task": "segment", "set": "made", "group": "1", "structure": "half", "dice": 0.5}
WORDS = {"task": "vqa", "set": "made", "group": "1", "answer_type": "open", "said": "CT", "answer": "CT"}


def without(name: str, of: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in of.items() if key != name}


@pytest.mark.parametrize(
    ("records", "saying"),
    [
        ([{"image": "a.png"}], 'validate.json, record 0 has no "conversations"'),
        ([RECORD, without("structure", RECORD)], 'record 1 has no "structure"'),
        ([without("structure", RECORD) | {"task": "absent"}], 'record 0 has no "structure"'),
        ([RECORD, RECORD | {"image": 7}], 'record 1 has an "image" that is no text'),
        ([RECORD, "a.png"], "record 1 isn't an object"),
        (RECORD, "validate.json must hold a list of records"),
        ([RECORD | {"task": "draw"}], "record 0 has the task draw, but there are only segment, absent"),
        ([RECORD | {"conversations": [{"value": "?"}]}], "record 0 has no question and answer"),
    ],
)
def test_records_of_another_format_are_refused_with_a_sentence(
    validate: Path, capsys: Any, records: Any, saying: str
) -> None:
    validate.write_text(json.dumps(records))
    assert run(validate) == 1
    assert saying in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kept", "saying"),
    [
        ({"complete": True, "results": [RESULT, without("task", RESULT)]}, 'kept.json, result 1 has no "task"'),
        ({"complete": True, "results": [without("dice", RESULT)]}, 'result 0 has no "dice"'),
        ({"complete": True, "results": [without("said", WORDS)]}, 'result 0 has no "said"'),
        ({"complete": True, "results": [WORDS, 5]}, "result 1 isn't an object"),
        ({"complete": True, "results": {}}, "kept.json holds no results"),
        ({"complete": True, "results": [], "weights": "c0ffee"}, "kept.json holds no results"),
        ([RECORD], "kept.json holds no results"),
    ],
)
def test_results_of_another_format_are_refused_with_a_sentence(
    tmp_path: Path, capsys: Any, kept: Any, saying: str
) -> None:
    (tmp_path / "kept.json").write_text(json.dumps(kept))
    assert run("--results", tmp_path / "kept.json") == 1
    assert saying in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--left-out", "--targets"])
def test_broken_json_is_told_by_its_file(validate: Path, tmp_path: Path, capsys: Any, option: str) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"complete": tr')
    assert run(validate, option, broken) == run("--results", broken) == run(broken) == 1
    assert capsys.readouterr().err.count(f"{broken} is not JSON: ") == 3


@pytest.mark.parametrize(
    ("option", "name", "saying"),
    [
        ("--json", "nodir/kept.json", "nodir/kept.json cannot be written"),
        ("--json", "folder", "folder cannot be written"),
        ("--card", "bare.md", "bare.md has no place for figures"),
        ("--card", "nodir/README.md", "nodir/README.md cannot be written"),
        ("--left-out", "bare.md", "bare.md is not JSON"),
        ("--targets", "nowhere.json", "nowhere.json"),
    ],
)
def test_what_would_fail_in_the_end_is_told_before_anything_is_asked(
    validate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, option: str, name: str, saying: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "bare.md").write_text("# Card\n")
    monkeypatch.setattr(report, "load_to_judge", lambda model: pytest.fail("a model was loaded"))
    assert run(validate, option, tmp_path / name) == 1
    assert saying in capsys.readouterr().err


def test_either_records_or_kept_results_are_needed(capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        run()
    assert "give either" in capsys.readouterr().err
