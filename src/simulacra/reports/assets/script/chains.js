const run = JSON.parse(document.getElementById("run").textContent);

// What is shown. Everything on the page follows from these and from nothing else.
const MODES = ["pair", "single", "wipe", "blink", "map"];
const state = {
  subject: 0,
  chain: 0,
  copy: run.span,
  mode: "pair",
  against: "origin", // what the picture is compared with: "origin", "previous" or "pinned"
  curves: "origin", // what the curves are against: they know no pinned frame
  pin: null, // { chain, copy }
  slit: run.slit, // share of the width
  playing: false,
};
const chainsNow = () => run.subjects[state.subject];
const chainNow = () => chainsNow()[state.chain];
const exhibitNow = () => all(".exhibit")[state.subject];

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

const referenceOf = (measure) => (chainNow().values.frame?.[measure] ? "frame" : state.curves);

/** A number to about three figures, as numbers.py writes it. */
const shown = (value, signed = false) => {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const digits = size >= 99.95 || (size < 1000 && Number.isInteger(size)) ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  const text = size < 0.001 ? size.toExponential(1).replace("e-", "e−") : size.toFixed(digits);
  return (value < 0 ? "−" : signed ? "+" : "") + text;
};
