// Computes the perceptual hash of a picture in the visitor's browser, with the same 64 bits as generators/media/perceptual_hashes.py.
// The picture is never uploaded: its input has no name, and the Content Security Policy forbids requests.
"use strict";
(() => {
  const SIZE = 32, KEPT = 8, LARGEST = 4096;

  // Lanczos (a = 3) as in Pillow: horizontally, then vertically, rounded to integers from 0 to 255 in between.
  const lanczos = (x) => {
    if (x === 0) return 1;
    if (Math.abs(x) >= 3) return 0;
    const a = Math.PI * x, b = a / 3;
    return (Math.sin(a) / a) * (Math.sin(b) / b);
  };
  const weights = (from, to) => {
    const scale = from / to, wide = Math.max(scale, 1), support = 3 * wide;
    return Array.from({ length: to }, (_, at) => {
      const centre = (at + 0.5) * scale;
      const first = Math.max(Math.trunc(centre - support + 0.5), 0);
      const last = Math.min(Math.trunc(centre + support + 0.5), from);
      const parts = [];
      for (let i = first; i < last; i++) parts.push(lanczos((i - centre + 0.5) / wide));
      const sum = parts.reduce((a, b) => a + b, 0);
      return { first, parts: parts.map((part) => part / sum) };
    });
  };
  const whole = (value) => Math.min(255, Math.max(0, Math.round(value)));
  const shrink = (grey, width, height) => {
    const across = weights(width, SIZE), down = weights(height, SIZE);
    const narrow = new Float64Array(SIZE * height), small = [];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < SIZE; x++) {
        let sum = 0;
        across[x].parts.forEach((part, i) => { sum += part * grey[y * width + across[x].first + i]; });
        narrow[y * SIZE + x] = whole(sum);
      }
    for (let y = 0; y < SIZE; y++) {
      small.push(new Float64Array(SIZE));
      for (let x = 0; x < SIZE; x++) {
        let sum = 0;
        down[y].parts.forEach((part, i) => { sum += part * narrow[(down[y].first + i) * SIZE + x]; });
        small[y][x] = whole(sum);
      }
    }
    return small;
  };

  const cosines = Array.from({ length: KEPT }, (_, k) =>
    Array.from({ length: SIZE }, (_, n) => Math.cos((Math.PI * (2 * n + 1) * k) / (2 * SIZE))));
  const hash = (rows) => {
    const half = cosines.map((wave) => Array.from({ length: SIZE }, (_, x) =>
      rows.reduce((sum, row, y) => sum + wave[y] * row[x], 0)));
    const low = half.flatMap((line) => cosines.map((wave) => line.reduce((sum, value, x) => sum + wave[x] * value, 0)));
    const median = low.slice(1).sort((a, b) => a - b)[31];
    let said = "";
    for (let at = 0; at < 64; at += 4)
      said += [0, 1, 2, 3].reduce((bits, i) => bits * 2 + (low[at + i] > median ? 1 : 0), 0).toString(16);
    return said;
  };

  const mirrored = (rows) => rows.map((row) => Array.from(row).reverse());
  const turned = (rows) => rows[0].length ? Array.from(rows[0], (_, i) => rows.map((row) => row[row.length - 1 - i])) : rows;
  const negative = (rows) => rows.map((row) => Array.from(row, (value) => 255 - value));
  const all = (rows) => {
    const upright = [];
    for (let side of [rows, mirrored(rows)])
      for (let turns = 0; turns < 4; turns++) {
        upright.push(side);
        side = turned(side);
      }
    return [...upright, ...upright.map(negative)].map(hash);
  };

  const greyOf = async (file) => {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LARGEST / Math.max(picture.width, picture.height));
    const width = Math.max(1, Math.round(picture.width * scale)), height = Math.max(1, Math.round(picture.height * scale));
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const paper = canvas.getContext("2d", { willReadFrequently: true });
    paper.drawImage(picture, 0, 0, width, height);
    picture.close();
    const { data } = paper.getImageData(0, 0, width, height);
    const grey = new Uint8Array(width * height);
    for (let i = 0; i < grey.length; i++)
      grey[i] = (data[4 * i] * 19595 + data[4 * i + 1] * 38470 + data[4 * i + 2] * 7471 + 0x8000) >> 16;
    return { grey, width, height };
  };

  const part = document.getElementById("compare");
  if (!part) return;
  const chosen = part.querySelector("input[type=file]"), said = part.querySelector("output");
  const look = document.getElementById("look");
  part.hidden = false;
  chosen.addEventListener("change", async () => {
    look.value = "";
    said.textContent = "";
    if (!chosen.files.length) return;
    said.textContent = part.dataset.working;
    try {
      const { grey, width, height } = await greyOf(chosen.files[0]);
      look.value = all(shrink(grey, width, height)).join(",");
      said.textContent = part.dataset.done;
    } catch {
      said.textContent = part.dataset.failed;
    }
  });
})();
