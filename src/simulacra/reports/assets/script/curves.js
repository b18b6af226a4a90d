// ---- the curves: a cursor in each, which the scrubber moves and which moves the scrubber ----

const { left, right, top, bottom, width } = run.plot;
const across = (copy) => left + ((right - left) * copy) / run.span;

const made = (svg, kind, name) => {
  const found = svg.querySelector(`.${name}`);
  if (found) return found;
  const node = document.createElementNS(svg.namespaceURI, kind);
  node.setAttribute("class", name);
  svg.append(node);
  return node;
};

const upright = (svg, name, copy) => {
  const line = made(svg, "path", name);
  line.setAttribute("d", `M${across(copy)} ${top}V${bottom}`);
  return line;
};

const placeCursor = (svg, chain, reference, measure, copy) => {
  all(".line", svg).forEach((line) => line.classList.toggle("shown", Number(line.dataset.chain) === state.chain));
  upright(svg, "cursor", copy);
  const value = valueAt(chain, reference, measure, copy);
  const dot = made(svg, "circle", "here");
  dot.setAttribute("r", value === null ? 0 : 3.5);
  if (value === null) return;
  const low = Number(svg.dataset.low), high = Number(svg.dataset.high);
  dot.setAttribute("cx", across(copy));
  dot.setAttribute("cy", bottom - ((bottom - top) * (value - low)) / (high - low));
};

const sayValue = (card, copy, prefix) => {
  const { measure } = card.dataset;
  const value = valueAt(chainNow(), referenceOf(measure), measure, copy);
  const output = card.querySelector(".value");
  output.textContent = value === null ? "–" : shown(value, run.measures[measure].signed);
  if (prefix) {
    const small = document.createElement("small");
    small.textContent = prefix;
    output.append(small);
  }
};

const copyUnder = (svg, event) => {
  const box = svg.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * width;
  return clamp(Math.round(((x - left) / (right - left)) * run.span), 0, run.span);
};

for (const svg of all(".plot")) {
  const card = svg.closest(".card");
  const leave = () => {
    svg.querySelector(".ghost")?.remove();
    sayValue(card, state.copy, "");
  };
  svg.addEventListener("pointermove", (event) => {
    const copy = copyUnder(svg, event);
    if (svg.hasPointerCapture(event.pointerId)) return seek(copy);
    upright(svg, "ghost", copy);
    sayValue(card, copy, `at ${copy}`);
  });
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    svg.setPointerCapture(event.pointerId);
    leave();
    seek(copyUnder(svg, event));
  });
  svg.addEventListener("pointerleave", leave);
}
