// ---- drawing: one pass at a time; a change during a pass asks for another ----

let drawing = false, stale = false;

const render = async () => {
  stale = true;
  delete document.documentElement.dataset.drawn;
  if (drawing) return;
  drawing = true;
  while (stale) {
    stale = false;
    drawNumbers();
    await drawPictures();
  }
  drawing = false;
  document.documentElement.dataset.drawn = `${state.copy}`;
};

/** What the frame is compared with: a chain and a stored frame of it. */
const comparedWith = () => {
  const { copy, against, pin: kept } = state;
  const chain = against === "pinned" ? chainsNow()[kept.chain] : chainNow();
  if (against === "origin") return [chain, 0];
  if (against === "pinned") return [chain, frameAt(chain, kept.copy) ?? chain.last];
  return [chain, frameAt(chain, Math.max(0, Math.min(copy, chain.period ? copy : chain.last) - 1))];
};

const drawPictures = async () => {
  const { copy, mode, against } = state;
  const chains = chainsNow(), chain = chainNow();
  const frame = frameAt(chain, copy) ?? chain.last;
  const [other, before] = comparedWith();
  const [here, there] = [kept(chain, frame), kept(other, before)];
  const thumbs = chains.map((one) => kept(one, frameAt(one, copy) ?? one.last)[1]);
  const [current, reference, ...small] = await Promise.all([here[1], there[1], ...thumbs].map(picture));
  if (!current || !reference) return;

  draw(element("current"), current);
  draw(element("reference"), reference);
  draw(element("mini"), current);
  if (small[0]) draw(exhibitNow().querySelector(".slit-frame canvas"), small[0]);
  element("stage").style.setProperty("--aspect", current.width / current.height);
  all("canvas", element("chains")).forEach((canvas, place) => small[place] && draw(canvas, small[place]));
  const name = (found) => (found[0] ? `frame ${found[0]}` : "frame 0, the original");
  const settled = copy > chain.last && chain.period ? ` (copy ${copy} is the same picture)` : "";
  element("current-caption").textContent = `${name(here)}${here[0] === frame ? settled : `, the nearest one on this page to ${frame}`}`;
  const compared = against === "pinned" ? `frame ${state.pin.copy}${other === chain ? "" : ` of ${other.label}`}, pinned` : name(there);
  element("reference-caption").textContent = compared;
  element("current").setAttribute("aria-label", `${chain.label}, ${name(here)}`);
  element("reference").setAttribute("aria-label", `${other.label}, ${compared}`);
  if (mode === "map") {
    const mean = drawMap(element("map"), [there[1], here[1]], [reference, current], MAP_TOP[against]);
    element("map").setAttribute("aria-label", `Difference of ${name(here)} and ${compared}, mean ΔE00 ${shown(mean)}`);
    element("map").dataset.mean = mean;
    element("map-top").textContent = `${MAP_TOP[against]} ΔE00 or more`;
    element("map-caption").textContent = `mean ${shown(mean)} against ${compared}${chain.exact && other.exact ? "" : ", computed on lossy frames"}`;
  }
};

const drawNumbers = () => {
  const { copy } = state;
  const chain = chainNow();
  element("scrubber").value = copy;
  element("scrubber").setAttribute("aria-valuetext", `frame ${copy} of ${run.span}`);
  element("counter").textContent = copy;
  element("readout-frame").textContent = copy;
  element("status").textContent = copy > chain.last || (copy === chain.last && chain.last < run.span) ? chain.ending : "";
  drawReadout(chain);
  drawTime();
  const exhibit = exhibitNow();
  const nearest = all(`.tile[data-chain="0"]`, exhibit).findLast((tile) => Number(tile.dataset.copy) <= copy)?.dataset.copy;
  all("button.tile", exhibit).forEach((tile) => tile.classList.toggle("here", tile.dataset.copy === nearest));
  for (const card of all(".card", exhibit)) {
    const { measure } = card.dataset;
    const reference = referenceOf(measure);
    sayValue(card, copy, "");
    const svg = card.querySelector(`.plot[data-reference="${reference}"]`);
    if (svg) placeCursor(svg, chain, reference, measure, copy);
  }
  element("stage").dataset.mode = state.mode;
};

const drawReadout = (chain) => {
  const controls = chainsNow().filter((one) => one.control && one !== chain);
  for (const row of all("tbody tr", element("readout"))) {
    const { measure } = row.dataset;
    const { signed } = run.measures[measure];
    const reference = referenceOf(measure);
    const value = valueAt(chain, reference, measure, state.copy);
    const others = controls.map((one) => valueAt(one, reference, measure, state.copy)).filter((one) => one !== null);
    const ends = [Math.min(...others), Math.max(...others)].map((one) => shown(one, signed));
    row.cells[1].textContent = value === null ? "–" : shown(value, signed);
    row.cells[1].title = value === null ? reasonAt(chain, reference, measure, state.copy) : "";
    row.cells[2].textContent = others.length === 0 ? "" : ends[0] === ends[1] ? ends[0] : `${ends[0]} to ${ends[1]}`;
  }
};
