"""The widget in a real JupyterLab with a headless Chromium: the mouse draws places, text comes, and masks are seen.

The second test leaves build/widget.png, of which docs/widget.png is a copy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import medplib
import nbformat
import numpy as np
import numpy.typing as npt
import pytest
from medplib import examples
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
# Answers everything with one <SEG>, also where a box is pointed at.
DRAWS_EVERYTHING = ROOT / "tests/goldens/ckpt/tiny_seg"
QUESTION = "Please segment the tumour in this MRI image."
PIXELS = """
const canvas = arguments[0];
return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
"""
REMEMBER_TEXTS = """
window.texts = [];
const remember = (changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach(({ data }) => texts.push(data)));
new MutationObserver(remember).observe(arguments[0], { childList: true });
"""
KERNEL_IS_READY = """
const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
return context?.isReady && context.session?.kernel?.status === "idle";
"""
Pixels = npt.NDArray[np.int64]


class Lab:
    """A notebook that is open in JupyterLab, and the view in it."""

    def __init__(self, browser: webdriver.Chrome, url: str) -> None:
        self.browser = browser
        browser.get(url)
        self.wait(lambda: browser.execute_script(KERNEL_IS_READY))
        browser.execute_script("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait(lambda: len(self.find("canvas")) > 0 and self.pixels().any())

    def wait(self, until: Callable[[], Any]) -> None:
        WebDriverWait(self.browser, 180).until(lambda _: until())

    def find(self, part: str) -> list[WebElement]:
        found: list[WebElement] = self.browser.find_elements(By.CSS_SELECTOR, f".medplib-{part}")
        return found

    def one(self, part: str) -> WebElement:
        return self.find(part)[0]

    def pixels(self) -> Pixels:
        """(H, W, 3) of the canvas."""
        canvas = self.one("canvas")
        height, width = (int(str(canvas.get_property(side))) for side in ("height", "width"))
        flat = np.array(self.browser.execute_script(PIXELS, canvas), np.int64)
        return flat.reshape(height, width, 4)[:, :, :3]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """The mouse, from here to there; both in parts of the canvas, 0 to 1."""
        canvas = self.one("canvas")
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
        (x0, y0), (x1, y1) = (
            (round((x - 0.5) * canvas.size["width"]), round((y - 0.5) * canvas.size["height"])) for x, y in (start, end)
        )
        mouse = ActionChains(self.browser).move_to_element_with_offset(canvas, x0, y0).click_and_hold()
        mouse.move_by_offset(x1 - x0, y1 - y0).release().perform()

    def type_and_press(self, words: str, button: str) -> None:
        self.one("words").clear()
        self.one("words").send_keys(words)
        self.one(button).click()

    @property
    def code(self) -> str:
        return str(self.one("code").get_property("textContent"))


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromium-driver are not installed: run scripts/setup --full")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=900,1500"):
        options.add_argument(argument)
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture
def open_notebook(browser: webdriver.Chrome, tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Opens a notebook in a JupyterLab of its own, with these variables set in its kernels."""
    servers: list[subprocess.Popen[bytes]] = []

    def opened(notebook: Path, **environment: str) -> Lab:
        for name in ("config", "data", "runtime"):
            environment[f"JUPYTER_{name.upper()}_DIR"] = str(tmp_path / name)
        never_ask = (
            tmp_path / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
        )
        never_ask.parent.mkdir(parents=True)
        never_ask.write_text('{"fetchNews": "false", "checkForUpdates": false}')
        options = ["--allow-root", "--no-browser", "--expose-app-in-browser", "--port=0", "--ServerApp.ip=127.0.0.1"]
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *options, f"--ServerApp.root_dir={notebook.parent}"],
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            stderr=subprocess.DEVNULL,
        )
        servers.append(server)
        facts = tmp_path / f"runtime/jpserver-{server.pid}.json"
        WebDriverWait(facts, 180).until(lambda file: server.poll() is None and file.exists() and file.stat().st_size)
        where = json.loads(facts.read_text())
        return Lab(browser, f"{where['url']}doc/tree/{notebook.name}?token={where['token']}")

    yield opened
    for server in servers:
        server.terminate()
        server.wait()


def write_notebook(file: Path, cells: list[Any]) -> None:
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": python}), file)


def expected(lab: Lab, model: medplib.Model, image: Path) -> tuple[medplib.Answer, list[medplib.Region]]:
    """What the code that the view shows answers without it."""
    names: dict[str, Any] = {"medplib": medplib, "session": model.session(image)}
    exec(lab.code, names)
    return names["answer"], names.get("regions", [])


def agreement(before: Pixels, after: Pixels, mask: medplib.Mask) -> float:
    """The part of the pixels of which it is true that they were changed just when they lie in the mask."""
    return float(((after != before).any(2) == mask.array).mean())


def test_a_box_is_drawn_and_asked_about_and_its_mask_is_seen(open_notebook: Callable[..., Lab], tmp_path: Path) -> None:
    _, image = examples.write_examples(tmp_path)
    code = f"""
import medplib
from medplib.widget import ImageView

view = ImageView(medplib.load().session({str(image)!r}))
view"""
    file = tmp_path / "view.ipynb"
    write_notebook(file, [nbformat.v4.new_code_cell(code)])
    lab = open_notebook(file, MEDPLIB_MODEL=str(DRAWS_EVERYTHING))
    lab.drag((0.25, 0.25), (0.6, 0.5))
    lab.wait(lambda: "Region.box(" in lab.code)
    with_box = lab.pixels()
    lab.browser.execute_script(REMEMBER_TEXTS, lab.one("text"))
    lab.type_and_press(QUESTION, "ask")
    lab.wait(lambda: lab.find("masks label"))
    answer, regions = expected(lab, medplib.load(DRAWS_EVERYTHING, device="cpu"), image)
    assert 0.01 < answer[0].array.mean() < 0.99
    assert lab.one("text").get_property("textContent") == answer.text
    texts = lab.browser.execute_script("return window.texts")
    assert len(texts) > 1
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert f"{answer[0].area} pixels" in lab.find("masks label")[0].text
    box = [int(value) for value in lab.code.split("Region.box(")[1].split(")")[0].split(",")]
    np.testing.assert_allclose(box, [0.25 * 197, 0.25 * 233, 0.6 * 197, 0.5 * 233], atol=2)
    assert [repr(region) for region in regions] == [repr(medplib.Region.box(*box))]
    assert agreement(with_box, lab.pixels(), answer[0]) > 0.97  # the lines of the box lie over the mask
    lab.one("masks input").click()
    lab.wait(lambda: (lab.pixels() == with_box).all())
    assert lab.code.endswith("shown = []\n")
    lab.one("point").click()
    lab.drag((0.5, 0.5), (0.5, 0.5))
    lab.wait(lambda: "Region.point(" in lab.code)
    point = [int(value) for value in lab.code.split("Region.point(")[1].split(")")[0].split(",")]
    np.testing.assert_allclose(point, [0.5 * 197, 0.5 * 233], atol=2)
    lab.one("scribble").click()
    lab.drag((0.3, 0.7), (0.7, 0.8))
    lab.wait(lambda: "Region.scribble(" in lab.code)
    line = [int(value) for value in re.findall(r"\d+", lab.code.split("Region.scribble(")[1])]
    np.testing.assert_allclose(line[:2] + line[-2:], [0.3 * 197, 0.7 * 233, 0.7 * 197, 0.8 * 233], atol=2)


def test_the_notebook_is_pointed_at_with_the_mouse(open_notebook: Callable[..., Lab], tmp_path: Path) -> None:
    _, image = examples.write_examples(tmp_path / "examples")
    cells = nbformat.read(ROOT / "notebooks/02_point_at_it.ipynb", as_version=4).cells[:2]  # up to the view itself
    file = tmp_path / "point_at_it.ipynb"
    write_notebook(file, cells)
    lab = open_notebook(file)
    plain = lab.pixels()
    np.testing.assert_array_equal(plain, medplib.Image.read(image).array)
    lab.drag((0.4, 0.32), (0.6, 0.55))
    lab.wait(lambda: "Region.box(" in lab.code)
    lab.type_and_press("What is this?", "ask")
    lab.wait(lambda: lab.one("text").text)
    lab.one("clear").click()
    lab.type_and_press("white matter", "segment")
    lab.wait(lambda: lab.find("masks label"))
    answer, _ = expected(lab, medplib.load(device="cpu"), image)
    assert agreement(plain, lab.pixels(), answer[0]) > 0.97
    assert lab.browser.save_screenshot(str(ROOT / "build/widget.png"))
