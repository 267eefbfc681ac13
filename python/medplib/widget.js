// An ImageView in the browser: shows the model's traits and tells it what the user does. Nothing is kept here but the
// tool in hand and the stroke under way.

// Okabe and Ito's palette, as answers are drawn everywhere.
const COLOURS = [
  [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [213, 94, 0], [204, 121, 167], [0, 114, 178],
];
const TOOLS = { point: "Point", box: "Box", scribble: "Freehand" };
const PLACE_COLOUR = "#ffffff";
const TINT = 0.45;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// COCO's compressed run lengths: [outside, inside, outside, …], down the columns.
function runsOf(counts) {
  const runs = [];
  for (let at = 0; at < counts.length; ) {
    let value = 0;
    let shift = 0;
    let part;
    do {
      part = counts.charCodeAt(at++) - 48;
      value |= (part & 31) << shift;
      shift += 5;
    } while (part & 32);
    if (part & 16 && shift < 32) value |= -1 << shift;
    runs.push(value + (runs.length > 2 ? runs[runs.length - 2] : 0));
  }
  return runs;
}

function canvasOf({ size: [height, width], counts }, colour) {
  const pixels = new ImageData(width, height);
  let at = 0;
  runsOf(counts).forEach((run, index) => {
    for (const end = at + run; at < end; ++at) {
      if (index % 2 === 0) continue;
      pixels.data.set([...colour, 255 * TINT], 4 * ((at % height) * width + Math.floor(at / height)));
    }
  });
  const canvas = element("canvas", { width, height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function drawPlace(context, { kind, value }, line) {
  context.lineWidth = line;
  context.strokeStyle = context.fillStyle = PLACE_COLOUR;
  context.beginPath();
  if (kind === "point") {
    context.arc(value[0] + 0.5, value[1] + 0.5, 2 * line, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  if (kind === "box") {
    const [x0, y0, x1, y1] = value;
    context.rect(x0 + 0.5, y0 + 0.5, x1 - x0, y1 - y0);
  } else {
    value.forEach(([x, y]) => context.lineTo(x + 0.5, y + 0.5));
    if (kind === "polygon") context.closePath();
  }
  context.stroke();
}

// Where a stroke of the tool leads to, or null while it is too short to be one.
function placeOf(tool, stroke) {
  const [first, last] = [stroke[0], stroke[stroke.length - 1]];
  if (tool === "point") return { kind: "point", value: last };
  if (stroke.length < 2) return null;
  if (tool === "scribble") return { kind: "scribble", value: stroke };
  const corner = (choose) => [choose(first[0], last[0]), choose(first[1], last[1])];
  return { kind: "box", value: [...corner(Math.min), ...corner(Math.max)] };
}

// Calls `finished` with each place that is drawn on the canvas, and `changed` while it is.
function watchStrokes(canvas, toolInHand, changed, finished) {
  let stroke = null;
  const pixel = (event) => {
    const shown = canvas.getBoundingClientRect();
    const along = (at, start, length, pixels) =>
      Math.max(0, Math.min(pixels - 1, Math.floor(((at - start) / length) * pixels)));
    return [
      along(event.clientX, shown.left, shown.width, canvas.width),
      along(event.clientY, shown.top, shown.height, canvas.height),
    ];
  };
  const extend = (event) => {
    const [x, y] = pixel(event);
    const last = stroke[stroke.length - 1];
    if (!last || last[0] !== x || last[1] !== y) stroke.push([x, y]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stroke = [];
    extend(event);
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    extend(event);
    changed(placeOf(toolInHand(), stroke));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!stroke) return;
    extend(event);
    const place = placeOf(toolInHand(), stroke);
    stroke = null;
    changed(null);
    if (place) finished(place);
  });
  canvas.addEventListener("pointercancel", () => {
    stroke = null;
    changed(null);
  });
}

function makeToolbar(act) {
  let tool = "box";
  const choices = Object.entries(TOOLS).map(([kind, title]) => {
    const button = element("button", { textContent: title, className: `medplib-${kind}` });
    button.onclick = () => {
      tool = kind;
      choices.forEach((each) => each.setAttribute("aria-pressed", each === button));
    };
    button.setAttribute("aria-pressed", kind === tool);
    return button;
  });
  const clear = element("button", { textContent: "Clear", className: "medplib-clear", onclick: () => act("clear") });
  return { bar: element("div", { className: "medplib-bar" }, ...choices, clear), toolInHand: () => tool };
}

function makeQuestion(act) {
  const words = element("input", { type: "text", className: "medplib-words", placeholder: "A question, or a phrase to segment" });
  words.setAttribute("aria-label", "Question or phrase");
  words.onkeydown = (event) => {
    event.stopPropagation(); // a notebook has keys of its own
    if (event.key === "Enter") act("ask", words.value);
  };
  const buttons = [
    element("button", { textContent: "Ask", className: "medplib-ask", onclick: () => act("ask", words.value) }),
    element("button", { textContent: "Segment", className: "medplib-segment", onclick: () => act("segment", words.value) }),
  ];
  return element("div", { className: "medplib-bar" }, words, ...buttons);
}

function maskLine(mask, index, act) {
  const seen = element("input", { type: "checkbox", checked: mask.shown });
  seen.onchange = () => act("show", index, seen.checked);
  const presence = mask.presence === null ? "" : `, presence ${mask.presence.toFixed(2)} (uncalibrated)`;
  const line = element("label", {}, seen, ` ${mask.label || "mask"}: ${mask.area} pixels${presence}`);
  line.style.borderLeftColor = `rgb(${COLOURS[index % COLOURS.length]})`;
  return line;
}

function render({ model, el }) {
  const act = (what, ...given) => model.send({ do: what, with: given });
  const canvas = element("canvas", { className: "medplib-canvas" });
  const text = element("div", { className: "medplib-text" });
  const masks = element("div", { className: "medplib-masks" });
  const code = element("pre", { className: "medplib-code" });
  const { bar, toolInHand } = makeToolbar(act);
  el.classList.add("medplib-view");
  el.append(bar, canvas, makeQuestion(act), text, masks, code);

  const picture = new Image();
  let layers = []; // canvases of the masks that are shown
  let underWay = null;
  const paint = () => {
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    layers.forEach((layer) => context.drawImage(layer, 0, 0));
    const line = Math.max(1, Math.round(Math.max(canvas.width, canvas.height) / 250));
    [...model.get("places"), underWay].filter(Boolean).forEach((place) => drawPlace(context, place, line));
  };
  const loadPicture = () => {
    picture.src = URL.createObjectURL(new Blob([model.get("image")], { type: "image/png" }));
  };
  picture.onload = () => {
    URL.revokeObjectURL(picture.src);
    Object.assign(canvas, { width: picture.width, height: picture.height });
    paint();
  };
  watchStrokes(canvas, toolInHand, (place) => { underWay = place; paint(); }, (place) => act("draw", place.kind, place.value));

  const showMasks = () => {
    const all = model.get("masks");
    layers = all.flatMap((mask, index) => (mask.shown ? [canvasOf(mask.rle, COLOURS[index % COLOURS.length])] : []));
    masks.replaceChildren(...all.map((mask, index) => maskLine(mask, index, act)));
    paint();
  };
  const showText = () => {
    text.textContent = model.get("error") || model.get("text");
    text.classList.toggle("medplib-error", model.get("error") !== "");
  };
  const showCode = () => { code.textContent = model.get("code"); };
  const showBusy = () => {
    el.classList.toggle("medplib-busy", model.get("busy"));
    el.querySelectorAll("button").forEach((button) => { button.disabled = model.get("busy"); });
  };
  const shows = { image: loadPicture, places: paint, masks: showMasks, text: showText, error: showText, code: showCode, busy: showBusy };
  for (const [trait, show] of Object.entries(shows)) {
    model.on(`change:${trait}`, show);
    show();
  }
  return () => Object.entries(shows).forEach(([trait, show]) => model.off(`change:${trait}`, show));
}

export default { render };
