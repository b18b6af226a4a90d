// ---- listening ----

const next = (value, count) => (value + 1) % count;
const KEYS = {
  ArrowLeft: () => seek(state.copy - 1),
  ArrowRight: () => seek(state.copy + 1),
  PageDown: () => seek(state.copy - 10),
  PageUp: () => seek(state.copy + 10),
  Home: () => seek(0),
  End: () => seek(run.span),
  " ": () => (state.playing ? pause() : play()),
  v: () => chooseMode(MODES[next(MODES.indexOf(state.mode), MODES.length)]),
  b: flip,
  r: () => {
    const choices = state.pin ? ["origin", "previous", "pinned"] : ["origin", "previous"];
    chooseAgainst(choices[next(choices.indexOf(state.against), choices.length)]);
  },
  m: pinThis,
  c: () => chooseChain(next(state.chain, chainsNow().length)),
  p: () => chooseSubject(next(state.subject, run.subjects.length)),
  "?": () => element("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || element("help").open) return;
  const { target } = event;
  const own = target.closest?.(`select, summary, .choice, #wipe, .slit-place`);
  if (own && !/^[a-z0-9?]$/.test(event.key)) return; // arrows and space work the thing in focus
  if (event.key === " " && target.closest?.("button, a")) return;
  const inChains = target.closest?.("#chains") && { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (inChains) chooseChain((state.chain + inChains + chainsNow().length) % chainsNow().length), all("button", element("chains"))[state.chain].focus();
  else if (/^[0-9]$/.test(event.key)) seek(Math.round((run.span * Number(event.key)) / 10));
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

element("scrubber").addEventListener("input", (event) => seek(Number(event.target.value)));
element("play").addEventListener("click", KEYS[" "]);
element("keys").addEventListener("click", KEYS["?"]);
element("modes").addEventListener("change", (event) => chooseMode(event.target.value));
element("pin").addEventListener("click", pinThis);
element("against").addEventListener("change", (event) => chooseAgainst(event.target.value));
all(".curves-against").forEach((field) => field.addEventListener("change", (event) => chooseAgainst(event.target.value)));
element("picture")?.addEventListener("change", (event) => chooseSubject(Number(event.target.value)));
for (const tile of all("button.tile")) {
  tile.addEventListener("click", () => {
    const subject = Number(tile.dataset.subject ?? state.subject); // the wall shows every picture
    if (subject !== state.subject) chooseSubject(subject);
    chooseChain(Number(tile.dataset.chain));
    seek(Number(tile.dataset.copy));
  });
}

element("current").addEventListener("click", () => state.mode === "blink" && flip());

const placeWipe = () => element("stage").style.setProperty("--wipe", `${element("wipe").value / 10}%`);
element("wipe").addEventListener("input", placeWipe);
for (const kind of ["pointerdown", "pointermove"]) {
  element("current").addEventListener(kind, (event) => {
    if (state.mode !== "wipe" || !(event.buttons & 1)) return;
    const box = element("current").getBoundingClientRect();
    element("wipe").value = clamp((event.clientX - box.left) / box.width, 0, 1) * 1000;
    placeWipe();
  });
}

// ---- start ----

const legend = element("legend").getContext("2d");
const stripe = legend.createImageData(256, 1);
for (let at = 0; at < 256; at += 1) stripe.data.set([ramp[3 * at], ramp[3 * at + 1], ramp[3 * at + 2], 255], 4 * at);
legend.putImageData(stripe, 0, 0);
for (const [place, measure] of run.readout.flatMap((channel) => [...channel.entries()])) {
  const { label, unit } = run.measures[measure];
  const row = element("readout").tBodies[0].insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = label;
  head.title = unit;
  row.dataset.measure = measure;
  row.classList.toggle("turn", place === 0);
  row.append(head);
  row.insertCell();
  row.insertCell();
}
document.documentElement.classList.add("live");
element("viewer").hidden = false;
element("transport").hidden = false;
recall();
document.addEventListener("DOMContentLoaded", () => {
  render(); // the pictures stand at the end of the file
  if (state.slit !== run.slit) drawSlits();
});
