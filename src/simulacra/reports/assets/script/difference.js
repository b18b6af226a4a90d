// ---- the difference map: CIEDE2000 of every pixel, so that its mean is the number in the curve ----

const linear = Float64Array.from({ length: 256 }, (_, code) => {
  const value = code / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});
const cube = (t) => (t > 216 / 24389 ? Math.cbrt(t) : (t * (24389 / 27) + 16) / 116);

/** CIELAB (D65) of every pixel of a bitmap, drawn at this size: L*, a*, b* in turn. */
const labOf = (bitmap, width, height) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
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
const MAP_TOP = { origin: 40, previous: 10, pinned: 40 }; // ΔE00 at the bright end; fixed, so that maps of two frames compare

const labs = new Map(); // of the last few pictures: the reference stays while the frame runs
const labFor = (number, bitmap, width, height) => {
  const key = `${number} ${width}`;
  const lab = labs.get(key) ?? labOf(bitmap, width, height);
  labs.delete(key);
  labs.set(key, lab);
  if (labs.size > 3) labs.delete(labs.keys().next().value);
  return lab;
};

/** Draw the map of two pictures at the size of the second, and give the mean difference. */
const drawMap = (canvas, numbers, bitmaps, top) => {
  const { width, height } = bitmaps[1]; // a page may carry a pinned control smaller than the frame
  const [from, to] = numbers.map((number, place) => labFor(number, bitmaps[place], width, height));
  canvas.width = width;
  canvas.height = height;
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
