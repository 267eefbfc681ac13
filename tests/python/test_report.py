"""The report as a whole, with a stand-in for the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from medplib.report import __main__ as report
from medplib.report.asking import Asker, ask_all, load_to_judge
from medplib.report.baselines import FrequentAnswers, MeanShapes
from medplib.report.card import BEGIN, END, markdown
from medplib.report.figures import Figure, Table
from medplib.report.measures import Estimate
from medplib.report.records import evenly
from medplib.report.sections import tables
from medplib.report.targets import Target, read_targets
from PIL import Image


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

    def segment(self, phrase: str, **options: Any) -> Answer:
        mask = np.zeros((self.height, self.width), bool)
        mask[:, : self.width // 2] = True
        return Answer("", [] if phrase == "nothing" else [Mask(mask)])

    def ask(self, question: str, **options: Any) -> Answer:
        return Answer("CT.", [])

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


def test_boxes_and_clicks_are_judged_whatever_the_manifest_allows_yet() -> None:
    model = load_to_judge(None)
    assert not medplib.load().info["refines"]
    assert model.info["refines"]
    with Image.new("RGB", (40, 30)) as picture:
        assert model.session(picture).refine(box=(5, 5, 20, 20)).array.shape == (30, 40)


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
    ask(folder, [drawn("half"), drawn("half", "b.png")])
    shown = capsys.readouterr().err
    assert "image 1 of 2, " in shown and shown.endswith("image 2 of 2, 0:00 left \n")


def test_an_empty_true_mask_is_refused_with_a_sentence(folder: Path) -> None:
    Image.new("L", (8, 4)).save(folder / "m.png")
    with pytest.raises(ValueError, match=r"m\.png is empty, but a record asks for what it shows"):
        ask(folder, [drawn("half")])


def test_a_limit_spaces_the_records_of_each_task_evenly() -> None:
    asked = [{"task": "segment", "id": i} for i in range(10)] + [{"task": "vqa", "id": i} for i in range(2)]
    kept = [(each["task"], each["id"]) for each in evenly(asked, 4)]
    assert kept == [("segment", 0), ("segment", 2), ("segment", 5), ("segment", 7), ("vqa", 0), ("vqa", 1)]


def pair(of_set: str, dice: float, group: str = "1", **more: Any) -> dict[str, Any]:
    about = {"task": "segment", "set": of_set, "group": group, "structure": "thing", "drawn": dice > 0}
    return {**about, "dice": dice, "iou": dice / 2, "mean_shape": 0.25, "box_filled": 0.5, "strict": True, **more}


def figure(results: list[Any], title: str, name: str, left_out: Any = ()) -> Figure:
    (table,) = (table for table in tables(results, left_out) if table.title == title)
    (found,) = (figure for figure in table.figures if figure.name == name)
    return found


def test_sets_weigh_alike_in_their_mean_and_pairs_in_the_other() -> None:
    results = [pair("one", 0.2), pair("one", 0.4, "2"), pair("two", 0.9)]
    everything, sets = (figure(results, "Text → mask", name) for name in ("all pairs", "mean of sets"))
    assert everything.count == 3
    assert everything.estimate.value == pytest.approx(0.5)
    assert everything.beside == {"gIoU": pytest.approx(0.25), "mean shape": 0.25}
    assert sets.estimate.value == pytest.approx((0.3 + 0.9) / 2)


def test_in_sample_sets_stay_out_of_means_but_in_their_line() -> None:
    results = [pair("one", 0.2), pair("brain", 0.8, in_sample=True)]
    assert figure(results, "Text → mask", "all pairs").count == 1
    assert figure(results, "By set", "brain (in-sample)").estimate.value == 0.8


def test_structures_are_taken_from_their_sets_alone() -> None:
    results = [
        pair("drishti", 0.9, structure="optic disc"),
        pair("idrid_od", 0.7, structure="optic disc"),
        pair("drishti", 0.1, structure="optic cup"),
    ]
    disc = figure(results, "Text → mask", "optic disc (drishti, idrid_od)")
    assert disc.count == 2
    assert disc.estimate.value == pytest.approx(0.8)


def test_the_strict_line_leaves_out_near_duplicates() -> None:
    results = [pair("slake", 0.2), pair("slake", 0.8, "2", strict=False)]
    assert figure(results, "Text → mask", "SLAKE").estimate.value == 0.5
    assert figure(results, "Text → mask", "SLAKE, strict").estimate.value == 0.2


def test_clicks_are_judged_by_what_they_gain() -> None:
    results = [pair("one", 0.2, box=0.8, clicks=[0.3, 0.4, 0.5]), pair("one", 0.6, box=0.6, clicks=[0.5, 0.6, 0.7])]
    gained = figure(results, "Boxes and clicks", "gain of 3 clicks")
    assert gained.estimate.value == pytest.approx((0.3 + 0.1) / 2)
    assert figure(results, "Boxes and clicks", "after click 1").estimate.value == pytest.approx(0.4)
    assert figure(results, "Boxes and clicks", "box → mask").beside == {"box filled": 0.5}


def test_declining_is_right_for_absent_structures_and_a_false_alarm_for_present_ones() -> None:
    absent = [{"task": "absent", "set": "one", "group": str(i), "drawn": i == 0} for i in range(4)]
    results = [*absent, pair("one", 0), pair("one", 0.5)]
    title = "Structures that are not there"
    assert figure(results, title, "absent, called absent").estimate.value == 0.75
    assert figure(results, title, "absent, drawn nevertheless").estimate.value == 0.25
    assert figure(results, title, "present, called absent (false alarms)").estimate.value == 0.5


def said(task: str, right: bool, kind: str = "open", guess: bool = False, **more: Any) -> dict[str, Any]:
    about = {"task": task, "set": "slake", "group": "1", "answer_type": kind, "own": True, "strict": True}
    return {**about, "said": "Yes", "answer": "Yes", "right": right, "question_only": guess, "majority": False, **more}


def test_slakes_figures_count_its_own_questions_alone() -> None:
    results = [said("modality", True), said("modality", True, own=False), said("vqa", False, "closed", guess=True)]
    title = "SLAKE's own questions"
    assert figure(results, title, "modality").count == 1
    assert (figure(results, title, "all").count, figure(results, title, "all").estimate.value) == (2, 0.5)
    closed = figure(results, title, "closed")
    assert closed.beside == {"question only": 1, "majority": 0}


def test_presence_is_shown_with_its_balance() -> None:
    results = [said("presence", True), said("presence", True), said("presence", False, answer="No")]
    title = "Names, presence and modality"
    assert figure(results, title, "presence").estimate.value == pytest.approx(2 / 3)
    assert figure(results, title, "presence, where it is not").estimate.value == 0
    assert figure(results, title, "presence: “Yes” is right").estimate.value == pytest.approx(2 / 3)
    assert figure(results, title, "presence: “Yes” is said").estimate.value == 1


def test_left_out_sets_stand_beside_the_same_sets_seen() -> None:
    title, stranger = "Sets left out of the training", pair("polyps", 0.3, left_out=True, mean_shape=None)
    results = [pair("polyps", 0.6), pair("one", 0.5)]
    unseen = figure(results, title, "polyps", [stranger, pair("one", 0.9)])
    assert (unseen.count, unseen.estimate.value, unseen.beside["mean shape"]) == (1, 0.3, None)
    assert figure(results, title, "polyps, seen in training", [stranger]).estimate.value == 0.6
    assert figure([*results, stranger], "Text → mask", "all pairs").count == 2


def test_what_was_asked_is_printed_met_or_missed() -> None:
    figures = [
        Figure("good", 3, Estimate(0.7, 0.05), {"gIoU": 0.5}),
        Figure("bad", 4, Estimate(0.2, None), {"gIoU": None}),
        Figure("free", 5, Estimate(1, None)),
        Figure("beside", 6, Estimate(0.51, None), {"gIoU": 0.5}),
    ]
    targets = {
        "good": Target(at_least=0.6, aim=0.7),
        "bad": Target(at_most=0.1),
        "beside": Target(more_than="gIoU", by=0.02),
    }
    lines = markdown([Table("Title", "pairs", "Dice", figures)], {"Title": targets}).splitlines()[-6:]
    assert lines == [
        "|  | pairs | Dice, 95 % interval | gIoU | asked |  |",
        "|---|---:|---:|---:|---|---|",
        "| good | 3 | 0.700 ± 0.050 | 0.500 | ≥ 0.60 (aim 0.70) | met |",
        "| bad | 4 | 0.200 | – | ≤ 0.10 | **missed** |",
        "| free | 5 | 1.000 | – |  |  |",
        "| beside | 6 | 0.510 | 0.500 | ≥ 0.52 | **missed** |",
    ]


def test_nothing_is_asked_of_a_model_without_targets(validate: Path, capsys: Any) -> None:
    assert run(validate) == 0
    printed = capsys.readouterr().out
    assert "asked |" not in printed and "SLAKE" not in printed


def test_targets_are_read_from_a_file(validate: Path, tmp_path: Path, capsys: Any) -> None:
    targets = tmp_path / "targets.json"
    targets.write_text(json.dumps({"Text → mask": {"all pairs": {"at_least": 0.3}}}))
    assert run(validate, "--targets", targets) == 0
    assert "| ≥ 0.30 | met |" in capsys.readouterr().out
    targets.write_text(json.dumps({"Text → mask": {"all pairs": {"atleast": 0.3}}}))
    assert run(validate, "--targets", targets) == 1
    assert "atleast" in capsys.readouterr().err


def test_the_embedded_models_card_answers_each_of_its_targets() -> None:
    folder = Path(__file__).resolve().parents[2] / "models" / "tiny"
    card = (folder / "README.md").read_text()
    for title, named in read_targets(folder / "targets.json").items():
        lines = card.partition(f"**{title}**")[2].partition("\n**")[0].splitlines()
        answered = {line.split(" | ")[0].strip("| ") for line in lines if line.endswith(("| met |", "| **missed** |"))}
        assert answered == set(named)


def test_each_structure_has_its_figure() -> None:
    results = [pair("one", 0.2), pair("two", 0.8), pair("two", 0.4, structure="spleen")]
    assert figure(results, "By structure", "thing").count == 2
    assert figure(results, "By structure", "spleen").estimate.value == 0.4


@pytest.fixture
def validate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    asked = [drawn("half"), record("absent", "Segment it.", "No.", structure="nothing"), drawn("nothing", "b.png")]
    (folder / "validate.json").write_text(json.dumps(asked))
    monkeypatch.setattr(report, "load_to_judge", lambda model: Engine())
    return folder / "validate.json"


def run(*arguments: object) -> int:
    return report.main([str(argument) for argument in arguments])


def test_kept_results_give_the_same_tables_without_a_model(validate: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(validate, "--json", tmp_path / "kept.json") == 0
    printed = capsys.readouterr().out
    assert "| all pairs | 2 | 0.333 ± 0.653 |" in printed
    assert run("--results", tmp_path / "kept.json") == 0
    assert capsys.readouterr().out == printed


def test_a_card_keeps_what_stands_around_its_figures(validate: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"# Card\n\n{BEGIN}\nold figures\n{END}\n\nLimits.\n")
    assert run(validate, "--card", card) == 0
    text = card.read_text()
    assert text.startswith(f"# Card\n\n{BEGIN}\n\nHeld-out images") and text.endswith(f"|\n\n{END}\n\nLimits.\n")
    assert "| all pairs | 2 |" in text and "old figures" not in text
    assert run(validate, "--card", card) == 0
    assert card.read_text() == text


def test_the_embedded_models_card_has_a_place_for_figures() -> None:
    text = (Path(__file__).resolve().parents[2] / "models" / "tiny" / "README.md").read_text()
    assert 0 < text.index(BEGIN) < text.index(END)


def test_results_of_a_model_that_never_saw_a_set_are_shown_too(validate: Path, tmp_path: Path, capsys: Any) -> None:
    strangers = tmp_path / "strangers.json"
    strangers.write_text(json.dumps({"complete": True, "results": [pair("polyps", 0.3, left_out=True)]}))
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


def test_records_of_another_format_are_refused_with_a_sentence(validate: Path, capsys: Any) -> None:
    validate.write_text(json.dumps([{"image": "a.png"}]))
    assert run(validate) == 1
    assert 'record 1 has no "set"' in capsys.readouterr().err


def test_either_records_or_kept_results_are_needed(capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        run()
    assert "give either" in capsys.readouterr().err
