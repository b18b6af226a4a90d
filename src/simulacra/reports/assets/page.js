"use strict";
(() => {
  const run = JSON.parse(document.getElementById("run").textContent);
  const element = (id) => document.getElementById(id);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  // What is shown. Everything on the page follows from these and from nothing else.
  const MODES = ["pair", "single", "wipe", "map"];
  const state = { subject: 0, chain: 0, copy: run.span, mode: "pair", against: "origin", playing: false };
  const chainsNow = () => run.subjects[state.subject];
  const chainNow = () => chainsNow()[state.chain];

  // ---- chains: which stored frame shows a copy, and its numbers (as in subjects.py) ----

  const repeated = (chain, copy) => (chain.period ? chain.settled + ((copy - chain.settled) % chain.period) : null);
  const frameAt = (chain, copy) => (copy <= chain.last ? copy : repeated(chain, copy));

  const indexOf = (chain, reference, copy) => {
    if (copy <= chain.last) return copy;
    if (!chain.period) return null;
    return reference === "previous" ? repeated(chain, copy - 1) + 1 : repeated(chain, copy);
  };

  const valueAt = (chain, reference, measure, copy) => {
    const column = chain.values[reference]?.[measure];
    const index = indexOf(chain, reference, copy);
    return column && index !== null ? (column[index] ?? null) : null;
  };

  const reasonAt = (chain, reference, measure, copy) => {
    const index = indexOf(chain, reference, copy);
    const found = chain.undefined[reference]?.[measure]?.find(([first, last]) => first <= index && index <= last);
    return found ? found[2] : "";
  };

  /** The kept frame that stands for a stored one: itself, or the nearest before it where the page keeps a sample. */
  const kept = (chain, frame) => chain.places.findLast(([index]) => index <= frame);

  const referenceOf = (measure) => (chainNow().values.frame?.[measure] ? "frame" : state.against);

  /** A number to about three figures, as numbers.py writes it. */
  const shown = (value, signed = false) => {
    const size = Math.abs(value);
    if (size === 0) return "0";
    const digits = size >= 99.95 || (size < 1000 && Number.isInteger(size)) ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    const text = size < 0.001 ? size.toExponential(1).replace("e-", "e−") : size.toFixed(digits);
    return (value < 0 ? "−" : signed ? "+" : "") + text;
  };

  // ---- pictures: decoded when first needed, the latest ones kept ----

  const MOST_PIXELS = 48e6; // 4 bytes each
  const decoded = new Map();
  let heldPixels = 0;

  const picture = (number) => {
    const held = decoded.get(number);
    if (held) {
      decoded.delete(number); // to the young end
      decoded.set(number, held);
      return held;
    }
    const carrier = element(`image-${number}`);
    if (!carrier) return Promise.resolve(null); // the file is still being read
    const bytes = Uint8Array.from(atob(carrier.textContent), (character) => character.charCodeAt(0));
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    const promise = createImageBitmap(new Blob([bytes], { type: "image/webp" }), options).then((bitmap) => {
      heldPixels += bitmap.width * bitmap.height;
      for (const [old, one] of decoded) {
        if (heldPixels <= MOST_PIXELS || old === number) break;
        decoded.delete(old);
        one.then((oldBitmap) => (heldPixels -= oldBitmap.width * oldBitmap.height));
      }
      return bitmap;
    });
    decoded.set(number, promise);
    return promise;
  };

  const draw = (canvas, bitmap) => {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
  };

  // ---- the difference map: CIEDE2000 of every pixel, so that its mean is the number in the curve ----

  const linear = Float64Array.from({ length: 256 }, (_, code) => {
    const value = code / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const cube = (t) => (t > 216 / 24389 ? Math.cbrt(t) : (t * (24389 / 27) + 16) / 116);

  /** CIELAB (D65) of every pixel of a bitmap: L*, a*, b* in turn. */
  const labOf = (bitmap) => {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const lab = new Float32Array((data.length / 4) * 3);
    for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
      const r = linear[data[from]], g = linear[data[from + 1]], b = linear[data[from + 2]];
      const x = cube((0.4123908 * r + 0.3575843 * g + 0.1804808 * b) / 0.9504559);
      const y = cube(0.2126390 * r + 0.7151687 * g + 0.0721923 * b);
      const z = cube((0.0193308 * r + 0.1191948 * g + 0.9505322 * b) / 1.0890578);
      lab[to] = 116 * y - 16;
      lab[to + 1] = 500 * (x - y);
      lab[to + 2] = 200 * (y - z);
    }
    return lab;
  };

  /** CIEDE2000 of two CIELAB colours (CIE 142-2001; Sharma, Wu and Dalal 2005). */
  const ciede2000 = (l1, a1, b1, l2, a2, b2) => {
    const turn = 2 * Math.PI, degree = Math.PI / 180;
    const mean7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
    const g = 1.5 - 0.5 * Math.sqrt(mean7 / (mean7 + 6103515625));
    const c1 = Math.hypot(g * a1, b1), c2 = Math.hypot(g * a2, b2);
    const h1 = c1 ? (Math.atan2(b1, g * a1) + turn) % turn : 0, h2 = c2 ? (Math.atan2(b2, g * a2) + turn) % turn : 0;
    let apart = c1 * c2 ? h2 - h1 : 0;
    if (apart > Math.PI) apart -= turn;
    else if (apart < -Math.PI) apart += turn;
    const dl = l2 - l1, dc = c2 - c1, dh = 2 * Math.sqrt(c1 * c2) * Math.sin(apart / 2);
    const l = (l1 + l2) / 2, c = (c1 + c2) / 2;
    let h = h1 + h2;
    if (c1 * c2) h = Math.abs(h1 - h2) <= Math.PI ? h / 2 : (h < turn ? h + turn : h - turn) / 2;
    const t = 1 - 0.17 * Math.cos(h - 30 * degree) + 0.24 * Math.cos(2 * h) + 0.32 * Math.cos(3 * h + 6 * degree) - 0.2 * Math.cos(4 * h - 63 * degree);
    const c7 = c ** 7;
    const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2), sc = 1 + 0.045 * c, sh = 1 + 0.015 * c * t;
    const rt = -2 * Math.sqrt(c7 / (c7 + 6103515625)) * Math.sin(60 * degree * Math.exp(-(((h / degree - 275) / 25) ** 2)));
    return Math.sqrt(Math.max(0, (dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * (dc / sc) * (dh / sh)));
  };

  // A ramp that rises evenly in OKLab lightness from near black through violet and orange to pale yellow.
  const ramp = Uint8ClampedArray.from({ length: 256 * 3 }, (_, place) => {
    const t = Math.floor(place / 3) / 255;
    const l = 0.14 + 0.83 * t, chroma = 0.165 * Math.sin(Math.PI * t ** 0.85) + 0.02, hue = (290 + 175 * t) * (Math.PI / 180);
    const a = chroma * Math.cos(hue), b = chroma * Math.sin(hue);
    const [p, q, r] = [l + 0.3963378 * a + 0.2158038 * b, l - 0.1055613 * a - 0.0638542 * b, l - 0.0894842 * a - 1.2914855 * b].map((v) => v ** 3);
    const value = [4.0767417 * p - 3.3077116 * q + 0.2309699 * r, -1.2684380 * p + 2.6097574 * q - 0.3413194 * r, -0.0041961 * p - 0.7034186 * q + 1.7076147 * r][place % 3];
    return 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
  });
  const MAP_TOP = { origin: 40, previous: 10 }; // ΔE00 at the bright end; fixed, so that maps of two frames compare

  const labs = new Map(); // of the last few pictures: the reference stays while the frame runs
  const labFor = (number, bitmap) => {
    const lab = labs.get(number) ?? labOf(bitmap);
    labs.delete(number);
    labs.set(number, lab);
    if (labs.size > 3) labs.delete(labs.keys().next().value);
    return lab;
  };

  /** Draw the map of two pictures and give the mean difference. */
  const drawMap = (canvas, numbers, bitmaps, top) => {
    const [from, to] = numbers.map((number, place) => labFor(number, bitmaps[place]));
    canvas.width = bitmaps[0].width;
    canvas.height = bitmaps[0].height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    let sum = 0;
    for (let at = 0, pixel = 0; at < from.length; at += 3, pixel += 4) {
      const delta = ciede2000(from[at], from[at + 1], from[at + 2], to[at], to[at + 1], to[at + 2]);
      sum += delta;
      const colour = 3 * Math.round(255 * Math.min(1, delta / top));
      image.data.set([ramp[colour], ramp[colour + 1], ramp[colour + 2], 255], pixel);
    }
    context.putImageData(image, 0, 0);
    return sum / (from.length / 3);
  };

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

  const drawPictures = async () => {
    const { copy, mode, against } = state;
    const chains = chainsNow(), chain = chainNow();
    const frame = frameAt(chain, copy) ?? chain.last;
    const before = against === "origin" ? 0 : frameAt(chain, Math.max(0, Math.min(copy, chain.period ? copy : chain.last) - 1));
    const [here, there] = [kept(chain, frame), kept(chain, before)];
    const thumbs = chains.map((one) => kept(one, frameAt(one, copy) ?? one.last)[1]);
    const [current, reference, ...small] = await Promise.all([here[1], there[1], ...thumbs].map(picture));
    if (!current || !reference) return;

    draw(element("current"), current);
    draw(element("reference"), reference);
    draw(element("mini"), current);
    element("stage").style.setProperty("--aspect", current.width / current.height);
    all("canvas", element("chains")).forEach((canvas, place) => small[place] && draw(canvas, small[place]));
    const name = (found) => (found[0] ? `frame ${found[0]}` : "frame 0, the original");
    const settled = copy > chain.last && chain.period ? ` (copy ${copy} is the same picture)` : "";
    element("current-caption").textContent = `${name(here)}${here[0] === frame ? settled : `, the nearest one on this page to ${frame}`}`;
    element("reference-caption").textContent = name(there);
    element("current").setAttribute("aria-label", `${chain.label}, ${name(here)}`);
    element("reference").setAttribute("aria-label", `${chain.label}, ${name(there)}`);
    if (mode === "map") {
      const mean = drawMap(element("map"), [there[1], here[1]], [reference, current], MAP_TOP[against]);
      element("map").setAttribute("aria-label", `Difference of ${name(here)} and ${name(there)}, mean ΔE00 ${shown(mean)}`);
      element("map").dataset.mean = mean;
      element("map-top").textContent = `${MAP_TOP[against]} ΔE00 or more`;
      element("map-caption").textContent = `mean ${shown(mean)} against ${name(there)}${chain.exact ? "" : ", computed on lossy frames"}`;
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
    const exhibit = all(".exhibit")[state.subject];
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

  // ---- changes of state ----

  const seek = (copy) => {
    pause();
    show(copy);
  };

  const show = (copy) => {
    state.copy = clamp(copy, 0, run.span);
    render();
    if (!state.playing) remember();
  };

  const chooseMode = (mode) => {
    state.mode = mode;
    all(`[name="mode"]`).forEach((input) => (input.checked = input.value === mode));
    show(state.copy);
  };

  const chooseAgainst = (against) => {
    state.against = against;
    all(`#against input, .curves-against input`).forEach((input) => (input.checked = input.value === against));
    show(state.copy);
  };

  const chooseChain = (chain) => {
    state.chain = chain;
    all("button", element("chains")).forEach((button, place) => {
      button.setAttribute("aria-checked", place === chain);
      button.tabIndex = place === chain ? 0 : -1;
    });
    show(state.copy);
  };

  const chooseSubject = (subject) => {
    state.subject = subject;
    all(".exhibit").forEach((exhibit, place) => (exhibit.hidden = place !== subject));
    if (element("picture")) element("picture").value = subject;
    element("chains").replaceChildren(
      ...chainsNow().map((chain, place) => {
        const button = document.createElement("button");
        const kind = document.createElement("em");
        button.type = "button";
        button.setAttribute("role", "radio");
        kind.textContent = chain.control ? "control" : "";
        button.append(document.createElement("canvas"), kind, chain.label);
        button.addEventListener("click", () => chooseChain(place));
        return button;
      }),
    );
    chooseChain(0);
  };

  // ---- playing, with the pace of the film ----

  let timer = 0;

  const play = () => {
    if (state.copy >= run.span) show(0);
    state.playing = true;
    element("play").classList.add("playing");
    element("play").setAttribute("aria-label", "Pause");
    const step = () => {
      if (state.copy >= run.span) return pause();
      show(state.copy + 1);
      timer = setTimeout(step, run.milliseconds[state.copy]);
    };
    timer = setTimeout(step, state.copy ? run.milliseconds[state.copy] : 400);
  };

  const pause = () => {
    clearTimeout(timer);
    if (!state.playing) return;
    state.playing = false;
    element("play").classList.remove("playing");
    element("play").setAttribute("aria-label", "Play");
    remember();
  };

  // ---- what a screen reader hears, and what the address remembers, once things are at rest ----

  let resting = 0;

  const remember = () => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      const values = all("tbody tr", element("readout")).slice(0, 3).map((row) => `${row.cells[0].textContent} ${row.cells[1].textContent}`);
      element("spoken").textContent = [`Frame ${state.copy}`, ...values, element("status").textContent].filter(Boolean).join(". ");
      const { subject, chain, copy, mode, against } = state;
      history.replaceState(null, "", `#${new URLSearchParams({ picture: subject, chain, frame: copy, view: mode, against })}`);
    }, 400);
  };

  const recall = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    const number = (key, most, otherwise = 0) => clamp(Number.parseInt(asked.get(key) ?? otherwise, 10) || 0, 0, most);
    state.copy = number("frame", run.span, run.span); // a page opens on what became of the picture
    if (MODES.includes(asked.get("view"))) chooseMode(asked.get("view"));
    if (["origin", "previous"].includes(asked.get("against"))) chooseAgainst(asked.get("against"));
    chooseSubject(number("picture", run.subjects.length - 1));
    chooseChain(number("chain", chainsNow().length - 1));
  };

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
    r: () => chooseAgainst(state.against === "origin" ? "previous" : "origin"),
    c: () => chooseChain(next(state.chain, chainsNow().length)),
    p: () => chooseSubject(next(state.subject, run.subjects.length)),
    "?": () => element("help").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || element("help").open) return;
    const { target } = event;
    const own = target.closest?.(`select, summary, .choice, #wipe`);
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
  element("against").addEventListener("change", (event) => chooseAgainst(event.target.value));
  all(".curves-against").forEach((field) => field.addEventListener("change", (event) => chooseAgainst(event.target.value)));
  element("picture")?.addEventListener("change", (event) => chooseSubject(Number(event.target.value)));
  for (const tile of all("button.tile")) {
    tile.addEventListener("click", () => {
      chooseChain(Number(tile.dataset.chain));
      seek(Number(tile.dataset.copy));
    });
  }

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
  document.addEventListener("DOMContentLoaded", render); // the pictures stand at the end of the file
})();
