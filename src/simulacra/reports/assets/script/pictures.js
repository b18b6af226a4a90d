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
