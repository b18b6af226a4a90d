// ---- changes of state ----

const show = (copy) => {
  state.copy = clamp(copy, 0, run.span);
  render();
  if (!state.playing) remember();
};

const chooseMode = (mode) => {
  state.mode = mode;
  element("stage").classList.remove("by-hand", "front");
  all(`[name="mode"]`).forEach((input) => (input.checked = input.value === mode));
  show(state.copy);
};

/** Blink; once it blinks, show the other of the two frames and let the reader go on by hand. */
const flip = () => {
  if (state.mode !== "blink") return chooseMode("blink");
  const { classList } = element("stage");
  classList.add("by-hand");
  classList.toggle("front");
};

const chooseAgainst = (against) => {
  state.against = against;
  if (against !== "pinned") state.curves = against;
  all("#against input").forEach((input) => (input.checked = input.value === state.against));
  all(".curves-against input").forEach((input) => (input.checked = input.value === state.curves));
  show(state.copy);
};

/** Keep a frame to compare with; null lets go of it. */
const pin = (frame) => {
  const choice = element("pinned");
  state.pin = frame;
  choice.hidden = !frame;
  if (frame) {
    choice.querySelector("span").textContent = `Pinned ${frame.copy}`;
    choice.title = `frame ${frame.copy} of ${chainsNow()[frame.chain].label}`;
    chooseAgainst("pinned");
  } else if (state.against === "pinned") chooseAgainst("origin");
};

const pinThis = () => pin({ chain: state.chain, copy: state.copy });

const chooseChain = (chain) => {
  state.chain = chain;
  all("button", element("chains")).forEach((button, place) => {
    button.setAttribute("aria-checked", place === chain);
    button.tabIndex = place === chain ? 0 : -1;
  });
  show(state.copy);
};

const chooseSubject = (subject) => {
  pin(null); // it is a frame of the picture before
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
  if (state.slit !== run.slit) chooseSlit(state.slit);
};

/** For playing, with the pace of the film. */
const course = { first: 0, last: run.span, now: () => state.copy, milliseconds: () => (state.copy ? run.milliseconds[state.copy] : 400) };

// ---- what a screen reader hears, and what the address remembers, once things are at rest ----

let resting = 0;

const remember = () => {
  clearTimeout(resting);
  resting = setTimeout(() => {
    const values = all("tbody tr", element("readout")).slice(0, 3).map((row) => `${row.cells[0].textContent} ${row.cells[1].textContent}`);
    element("spoken").textContent = [`Frame ${state.copy}`, ...values, element("status").textContent].filter(Boolean).join(". ");
    const { subject, chain, copy, mode, against, pin: frame, slit } = state;
    const place = new URLSearchParams({ picture: subject, chain, frame: copy, view: mode, against });
    if (frame) place.set("pin", `${frame.chain}:${frame.copy}`);
    if (slit !== run.slit) place.set("slit", slit.toFixed(3));
    history.replaceState(null, "", `#${place}`);
  }, 400);
};

const recall = () => {
  const asked = new URLSearchParams(location.hash.slice(1));
  const whole = (text, most) => clamp(Number.parseInt(text, 10) || 0, 0, most);
  const number = (key, most, otherwise = 0) => whole(asked.get(key) ?? otherwise, most);
  const slit = Number.parseFloat(asked.get("slit"));
  if (slit >= 0 && slit <= 1) state.slit = slit;
  state.copy = number("frame", run.span, run.span); // a page opens on what became of the picture
  chooseSubject(number("picture", run.subjects.length - 1));
  chooseChain(number("chain", chainsNow().length - 1));
  if (MODES.includes(asked.get("view"))) chooseMode(asked.get("view"));
  const [chain, copy] = (asked.get("pin") ?? "").split(":");
  if (copy) pin({ chain: whole(chain, chainsNow().length - 1), copy: whole(copy, run.span) });
  if (["origin", "previous"].includes(asked.get("against"))) chooseAgainst(asked.get("against"));
};
