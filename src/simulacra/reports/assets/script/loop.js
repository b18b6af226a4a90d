const loops = JSON.parse(document.getElementById("loops").textContent);

// What is shown. Everything that moves follows from these two.
const state = { generation: loops.span, seed: loops.seeds[0], playing: false };

// ---- drawing ----

const inside = (svg, kind, name, owner) => {
  const found = svg.querySelector(`.${name}[data-owner="${owner}"]`);
  if (found) return found;
  const node = document.createElementNS(svg.namespaceURI, kind);
  node.setAttribute("class", owner === "" ? name : `${name} k${owner % loops.colours}`);
  node.dataset.owner = owner;
  svg.append(node);
  return node;
};

const circle = (svg, name, owner, x, y, radius) => {
  const dot = inside(svg, "circle", name, owner);
  dot.setAttribute("r", y === null || y === undefined ? 0 : radius);
  if (dot.getAttribute("r") === "0") return;
  dot.setAttribute("cx", x);
  dot.setAttribute("cy", y);
};

const { left, right, top, bottom, width } = loops.plot;
const across = (generation) => (loops.span === 1 ? (left + right) / 2 : left + ((right - left) * (generation - 1)) / (loops.span - 1));

const upright = (svg, name, generation) => inside(svg, "path", name, "").setAttribute("d", `M${across(generation)} ${top}V${bottom}`);

const say = (card, generation) => {
  const { said } = loops.charts[card.dataset.name];
  all(".said output", card).forEach((output, loop) => (output.textContent = said[loop][generation - 1] ?? "–"));
};

/** The last of some marked elements that is not beyond this generation: where pages sample many, the nearest before. */
const mark = (elements, generation) => {
  const nearest = elements.findLast((one) => Number(one.dataset.generation) <= generation);
  elements.forEach((one) => one.classList.toggle("now", one === nearest));
};

/** The seed of a loop that is shown: the chosen one, or the first where a loop was not run with it. */
const seedOf = (loop) => Math.max(0, loops.loops[loop].seeds.indexOf(state.seed));

const drawCharts = () => {
  for (const card of all(".card[data-name]")) {
    say(card, state.generation);
    const svg = card.querySelector(".plot");
    upright(svg, "cursor", state.generation);
    loops.charts[card.dataset.name].places.forEach((places, loop) =>
      circle(svg, "here", loop, across(state.generation), places[state.generation - 1], 3.5));
  }
  all(".plane").forEach((svg, place) =>
    loops.planes[place].forEach((steps, loop) => {
      const step = steps.find(([generation]) => generation === state.generation);
      circle(svg, "marker", loop, step?.[1], step?.[2], 7.5);
    }));
};

const drawSheets = () => {
  for (const figure of all("#viewer figure[data-loop]")) {
    const loop = Number(figure.dataset.loop);
    const seed = loops.loops[loop].seeds[seedOf(loop)];
    const sheets = all(`[data-sheet="${loop}-${seed}"] img`);
    const shown = sheets[Math.min(state.generation, sheets.length) - 1];
    const image = figure.querySelector("img");
    figure.hidden = !shown;
    if (!shown) continue;
    const generation = Math.min(state.generation, sheets.length);
    if (image.src !== shown.src) image.src = shown.src;
    image.className = `sheet ${shown.className}`;
    image.alt = shown.alt;
    const ended = generation < state.generation ? ", its last" : "";
    figure.querySelector("figcaption span").textContent = `generation ${generation}${ended}${loops.seeds.length > 1 ? `, seed ${seed}` : ""}`;
  }
};

const scattered = (flat) => {
  let path = "";
  for (let at = 0; at < flat.length; at += 2) path += `M${flat[at]} ${flat[at + 1]}h0`;
  return path;
};

const drawFall = () => {
  for (const part of all(".falling")) {
    const loop = Number(part.dataset.loop);
    const generations = loops.loops[loop].projections[seedOf(loop)];
    const generation = Math.min(state.generation, generations.length);
    part.querySelector(".large .made").setAttribute("d", generation ? scattered(generations[generation - 1]) : "");
    part.querySelector(".large output").textContent = generation;
    mark(all(".panels .tile", part), state.generation);
  }
  for (const part of all(".ridges")) mark(all(".ridge", part), state.generation);
  for (const svg of all(".spectrum")) mark(all(".eigen", svg), state.generation);
  for (const head of all(".heat thead")) mark(all("[data-generation]", head), state.generation);
  for (const strip of all(".strip.sheets")) mark(all("button.tile", strip), state.generation);
};

const render = () => {
  element("scrubber").value = state.generation;
  element("scrubber").setAttribute("aria-valuetext", `generation ${state.generation} of ${loops.span}`);
  element("counter").textContent = state.generation;
  drawCharts();
  drawSheets();
  drawFall();
  document.documentElement.dataset.drawn = state.generation;
};

// ---- changes of state ----

const show = (generation) => {
  state.generation = clamp(generation, 1, loops.span);
  render();
  if (!state.playing) remember();
};

const chooseSeed = (seed) => {
  state.seed = seed;
  all(".seed-choice input").forEach((input) => (input.checked = Number(input.value) === seed));
  show(state.generation);
};

const course = { first: 1, last: loops.span, now: () => state.generation, milliseconds: () => loops.milliseconds };

// ---- what a screen reader hears, and what the address remembers, once things are at rest ----

let resting = 0;

const remember = () => {
  clearTimeout(resting);
  resting = setTimeout(() => {
    const first = all(".card[data-name]")[0];
    const values = first ? all(".said li", first).map((one) => one.textContent.trim()) : [];
    const about = first ? `${first.querySelector("h4").textContent} ${values.join(", ")}` : "";
    element("spoken").textContent = [`Generation ${state.generation}`, about].filter(Boolean).join(". ");
    history.replaceState(null, "", `#${new URLSearchParams({ generation: state.generation, seed: state.seed })}`);
  }, 400);
};

// ---- listening ----

const KEYS = {
  ArrowLeft: () => seek(state.generation - 1),
  ArrowRight: () => seek(state.generation + 1),
  Home: () => seek(1),
  End: () => seek(loops.span),
  " ": () => (state.playing ? pause() : play()),
  s: () => chooseSeed(loops.seeds[(loops.seeds.indexOf(state.seed) + 1) % loops.seeds.length]),
  "?": () => element("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || element("help").open) return;
  const { target } = event;
  if (target.closest?.("summary, .choice") && !/^[a-z0-9?]$/.test(event.key)) return; // arrows and space work the thing in focus
  if (event.key === " " && target.closest?.("button, a")) return;
  if (/^[0-9]$/.test(event.key)) seek(1 + Math.round(((loops.span - 1) * Number(event.key)) / 10));
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

element("scrubber").addEventListener("input", (event) => seek(Number(event.target.value)));
element("play").addEventListener("click", KEYS[" "]);
element("keys").addEventListener("click", KEYS["?"]);
for (const field of all(".seed-choice")) field.addEventListener("change", (event) => chooseSeed(Number(event.target.value)));
for (const tile of all("button.tile")) tile.addEventListener("click", () => seek(Number(tile.dataset.generation)));

for (const svg of all(".by-generation")) {
  const card = svg.closest(".card");
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    return clamp(1 + Math.round(((x - left) / (right - left)) * (loops.span - 1)), 1, loops.span);
  };
  const leave = () => {
    svg.querySelector(".ghost")?.remove();
    say(card, state.generation);
  };
  svg.addEventListener("pointermove", (event) => {
    if (svg.hasPointerCapture(event.pointerId)) return seek(under(event));
    upright(svg, "ghost", under(event));
    say(card, under(event));
  });
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    svg.setPointerCapture(event.pointerId);
    leave();
    seek(under(event));
  });
  svg.addEventListener("pointerleave", leave);
}

// ---- start ----

document.documentElement.classList.add("live");
element("transport").hidden = loops.span < 2;
all(".seed-choice, .falling .large").forEach((one) => (one.hidden = false));
if (element("viewer")) {
  element("viewer").hidden = false;
  const restart = element("viewer").querySelector(".restart img");
  if (restart) restart.src = element("restart").src, (restart.alt = element("restart").alt);
}
const asked = new URLSearchParams(location.hash.slice(1));
const seed = Number.parseInt(asked.get("seed"), 10);
if (loops.seeds.includes(seed)) chooseSeed(seed);
show(Number.parseInt(asked.get("generation"), 10) || loops.span);
