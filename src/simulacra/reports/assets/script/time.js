// ---- through time: ribbon and slit-scan, a column a copy, and the trails of a face ----

/** The column of a copy: its own, or where the pictures sample a long chain the nearest. */
const columnOf = (copy) => {
  const after = run.columns.findIndex((column) => column >= copy);
  return after && copy - run.columns[after - 1] < run.columns[after] - copy ? after - 1 : after;
};

const drawTime = () => {
  const exhibit = exhibitNow();
  const here = `${(100 * (columnOf(state.copy) + 0.5)) / run.columns.length}%`;
  for (const lane of all(".lane", exhibit)) {
    lane.style.setProperty("--here", here);
    lane.classList.toggle("shown", Number(lane.dataset.chain) === state.chain);
  }
  drawFace(exhibit);
};

for (const lane of all(".lane")) {
  const seekUnder = (event) => {
    const box = lane.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * run.columns.length);
    seek(run.columns[clamp(column, 0, run.columns.length - 1)]);
  };
  lane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    lane.setPointerCapture(event.pointerId);
    chooseChain(Number(lane.dataset.chain));
    seekUnder(event);
  });
  lane.addEventListener("pointermove", (event) => lane.hasPointerCapture(event.pointerId) && seekUnder(event));
}

// The page comes with the slit-scan of the middle; any other column is cut from the frames on the page.

let slitsAsked = 0;

const drawSlits = async () => {
  const asked = (slitsAsked += 1);
  for (const lane of all(".slit .lane", exhibitNow())) {
    const chain = chainsNow()[Number(lane.dataset.chain)];
    const canvas = document.createElement("canvas");
    let context = null;
    for (const [place, copy] of run.columns.entries()) {
      const frame = frameAt(chain, copy);
      if (frame === null) break;
      const bitmap = await picture(kept(chain, frame)[1]);
      if (!bitmap || asked !== slitsAsked) return; // the reader has moved on
      if (!context) {
        canvas.width = run.columns.length;
        canvas.height = bitmap.height;
        context = canvas.getContext("2d");
        context.imageSmoothingEnabled = false;
      }
      const column = Math.min(bitmap.width - 1, Math.floor(state.slit * bitmap.width));
      context.drawImage(bitmap, column, 0, 1, bitmap.height, place, 0, 1, canvas.height);
    }
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${chain.label}, the column ${Math.round(100 * state.slit)} % across, through time`);
    lane.querySelector("img, canvas").replaceWith(canvas);
  }
};

const chooseSlit = (slit) => {
  state.slit = slit;
  const part = exhibitNow().querySelector(".slit");
  part.style.setProperty("--slit", `${100 * slit}%`);
  part.querySelector(".slit-place").value = 1000 * slit;
  remember();
  return drawSlits();
};

for (const part of all(".slit")) {
  const frame = part.querySelector(".slit-frame");
  const choose = (event) => {
    const box = frame.getBoundingClientRect();
    chooseSlit(clamp((event.clientX - box.left) / box.width, 0, 1));
  };
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    frame.setPointerCapture(event.pointerId);
    choose(event);
  });
  frame.addEventListener("pointermove", (event) => frame.hasPointerCapture(event.pointerId) && choose(event));
  part.querySelector(".slit-place").addEventListener("input", (event) => chooseSlit(Number(event.target.value) / 1000));
}

/** Where the points of the face are at this copy, on their trails. */
const drawFace = (exhibit) => {
  const trails = run.trails[state.subject];
  if (!trails) return;
  const marks = exhibit.querySelector(".marks");
  const chain = chainsNow()[0]; // the one that was traced
  const frame = frameAt(chain, state.copy) ?? chain.last;
  const places = trails.places[trails.copies.findLastIndex((copy) => copy <= frame)];
  marks.classList.toggle("gone", valueAt(chain, "frame", "face_present", frame) !== 1);
  for (let at = 0; at < places.length; at += 2) {
    const mark = marks.children[at / 2] ?? marks.appendChild(document.createElementNS(marks.namespaceURI, "circle"));
    mark.setAttribute("cx", places[at]);
    mark.setAttribute("cy", places[at + 1]);
    mark.setAttribute("r", marks.dataset.radius);
  }
};
