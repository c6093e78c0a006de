// The data, the view, and the drawing. World coordinates: the larger extent of the map is 1.
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const total = data.ids.length;
const X = Float32Array.from(data.x, (step) => step / 65535);
const Y = Float32Array.from(data.y, (step) => step / 65535);
const extent = { x: X.reduce((a, b) => Math.max(a, b), 0), y: Y.reduce((a, b) => Math.max(a, b), 0) };
const FARTHEST = 0.5, CLOSEST = 300;
const TILE_SHOWN = 15; // pixels below which a picture says less than a dot
const canvas = $("map"), pen = canvas.getContext("2d", { alpha: false });
const still = matchMedia("(prefers-reduced-motion: reduce)");

const sheets = data.sheets.map(() => null);
data.sheets.forEach((uri, number) => {
  const image = new Image();
  // A bitmap stays decoded; an image may be decoded anew for each frame.
  image.onload = async () => { sheets[number] = await createImageBitmap(image); redraw(); refreshTiles(); };
  image.src = uri;
});

const partners = new Map();
for (const [one, other] of data.pairs) {
  for (const [from, to] of [[one, other], [other, one]]) {
    if (!partners.has(from)) partners.set(from, []);
    partners.get(from).push(to);
  }
}

// What is chosen. group: of each image, -1 for none; kept: 1 for images that are not dimmed.
const state = { field: null, only: null, chosen: -1, over: -1, keyboard: false, pictures: true, lines: true };
const group = new Int8Array(total), kept = new Uint8Array(total).fill(1);
let matches = null; // images that were searched for
let order = []; // from the first to be drawn to the last

// The view: what is in the middle, and how much larger than the whole map.
const view = { x: extent.x / 2, y: extent.y / 2, zoom: 1 };
let width = 1, height = 1, fit = 1, dpr = 1;
const scale = () => fit * view.zoom;
const screenX = (x) => (x - view.x) * scale() + width / 2;
const screenY = (y) => (y - view.y) * scale() + height / 2;
const clampZoom = (zoom) => Math.min(CLOSEST, Math.max(FARTHEST, zoom));

function measure() {
  dpr = devicePixelRatio || 1;
  width = canvas.clientWidth;
  height = canvas.clientHeight;
  canvas.width = Math.round(width * dpr);
  canvas.height = Math.round(height * dpr);
  // Room for the whole of a picture at the edge.
  const margin = Math.min(Math.max(40, tileSize(1) / 2 + 6), width / 4, height / 4);
  fit = Math.min((width - 2 * margin) / (extent.x || 1), (height - 2 * margin) / (extent.y || 1));
  frame = pen.createImageData(canvas.width, canvas.height);
  ground = new Uint32Array(frame.data.buffer);
  dots.clear();
  forgetLevels();
  redraw();
}

// Pictures grow more slowly than the space between them, so that ever more of them find room. A
// picture that is shown stays so at higher magnifications and while the map is moved. Dimmed images
// are dots and take no room.
const tileSize = (zoom) => {
  const spacing = Math.sqrt((width * height) / Math.max(total, 1));
  return Math.min(data.tile * 1.5, Math.max(1, 0.85 * spacing * zoom ** 0.8));
};
const zoomOf = (level) => FARTHEST * 2 ** (level / 2);
const levelOf = new Uint8Array(total);
const NEVER = 255;
let levels = 0, placed = [];
const shuffled = Uint32Array.from({ length: total }, (_, i) => Math.imul(i + 1, 2654435761) >>> 0);
const everything = Array.from({ length: total }, (_, i) => i);
const ranked = [...everything].sort((a, b) =>
  partners.has(b) - partners.has(a) || data.kinds[b] - data.kinds[a] || shuffled[a] - shuffled[b]);

function forgetLevels() {
  levelOf.fill(NEVER);
  levels = 0;
  placed = [];
}
function reachLevel(level) {
  for (; levels <= level; levels++) {
    const size = tileSize(zoomOf(levels));
    if (size < TILE_SHOWN) continue;
    const cell = (size + 3) / (fit * zoomOf(levels));
    const grid = new Map();
    const key = (x, y) => Math.floor(x / cell) * 1e6 + Math.floor(y / cell);
    const put = (i) => {
      const k = key(X[i], Y[i]);
      if (grid.has(k)) grid.get(k).push(i); else grid.set(k, [i]);
    };
    const free = (i) => {
      for (let dx = -1; dx <= 1; dx++) {
        for (let dy = -1; dy <= 1; dy++) {
          for (const other of grid.get(key(X[i] + dx * cell, Y[i] + dy * cell)) || []) {
            if (Math.abs(X[i] - X[other]) < cell && Math.abs(Y[i] - Y[other]) < cell) return false;
          }
        }
      }
      return true;
    };
    placed.forEach(put);
    for (const i of ranked) {
      if (kept[i] && levelOf[i] === NEVER && data.width[i] && free(i)) { levelOf[i] = levels; placed.push(i); put(i); }
    }
  }
}
function shownLevel() {
  if (!state.pictures || tileSize(view.zoom) < TILE_SHOWN) return -1;
  const level = Math.floor(Math.log2(view.zoom / FARTHEST) * 2 + 1e-6);
  reachLevel(level);
  return level;
}

// Colours: the names of the variables that hold them, and what they are now
let colours = {};
function colourName(n) {
  const { scale, groups } = state.field.colouring;
  if (n < 0) return "nothing";
  if (scale === "categories" || groups.length < 2) return n < 6 ? `g${n}` : "other";
  return `q${Math.round((n * 5) / (groups.length - 1))}`;
}
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  colours = { page: of("page"), ink: of("ink"), soft: of("soft"), groups: [] };
  const field = state.field;
  if (field) {
    colours.groups = field.colouring.groups.map((_, n) => of(colourName(n)));
  }
  colours.none = of(field ? "nothing" : "g0");
  colours.pixel = pixelOf(colours.page);
  dots.clear();
  redraw();
}
const colourOf = (i) => (group[i] < 0 ? colours.none : colours.groups[group[i]]);

function outline(brush, x, y, radius, drawing) {
  brush.beginPath();
  if (drawing) {
    const side = radius * 1.25;
    brush.moveTo(x, y - side);
    brush.lineTo(x + side, y + side * 0.8);
    brush.lineTo(x - side, y + side * 0.8);
    brush.closePath();
  } else brush.arc(x, y, radius, 0, 2 * Math.PI);
}

// Dots are so many that no canvas copies them fast enough without a graphics card: each colour and
// shape is drawn once, and its pixels are laid into a picture of the whole map by hand.
const dots = new Map();
let ground = null, frame = null; // the same memory, by pixel and by channel
function dot(i, radius) {
  const drawing = data.kinds[i], key = `${group[i]} ${drawing} ${radius}`;
  if (!dots.has(key)) {
    const side = 2 * Math.ceil(radius * (drawing ? 1.6 : 1) * dpr + 1);
    const brush = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
    brush.scale(dpr, dpr);
    outline(brush, side / dpr / 2, side / dpr / 2, radius, drawing);
    brush.fillStyle = colourOf(i);
    brush.fill();
    if (drawing) { brush.lineWidth = 1; brush.strokeStyle = colours.ink; brush.stroke(); }
    dots.set(key, { side, pixels: brush.getImageData(0, 0, side, side).data });
  }
  return dots.get(key);
}
function layDot(i, x, y, radius) {
  const { side, pixels } = dot(i, radius), share = kept[i] ? 1 / 255 : 0.12 / 255;
  const left = Math.round(x * dpr - side / 2), top = Math.round(y * dpr - side / 2);
  const wide = frame.width, below = Math.min(side, frame.height - top), right = Math.min(side, wide - left);
  for (let row = Math.max(0, -top); row < below; row++) {
    for (let column = Math.max(0, -left); column < right; column++) {
      const from = (row * side + column) * 4, opacity = pixels[from + 3] * share;
      if (!opacity) continue;
      const to = ((top + row) * wide + left + column) * 4;
      for (let channel = 0; channel < 3; channel++) {
        frame.data[to + channel] += (pixels[from + channel] - frame.data[to + channel]) * opacity;
      }
    }
  }
}
function pixelOf(colour) {
  const brush = new OffscreenCanvas(1, 1).getContext("2d");
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  return new Uint32Array(brush.getImageData(0, 0, 1, 1).data.buffer)[0];
}

// Where a picture lies within a square of this size around a place.
function boxOf(i, x, y, size) {
  const grown = size / data.tile, w = data.width[i] * grown, h = data.height[i] * grown;
  return [x - w / 2, y - h / 2, w, h];
}
function drawTile(brush, i, x, y, size) {
  const sheet = sheets[Math.floor(i / data.columns ** 2)], place = i % data.columns ** 2, box = boxOf(i, x, y, size);
  if (sheet && data.width[i]) {
    const from = [(place % data.columns) * data.tile, Math.floor(place / data.columns) * data.tile];
    brush.drawImage(sheet, ...from, data.width[i], data.height[i], ...box);
  }
  return box;
}

let asked = 0;
function redraw() {
  if (!asked) asked = requestAnimationFrame(draw);
}
let shownTiles = []; // images whose pictures are on the screen, with their boxes
function draw() {
  asked = 0;
  const level = shownLevel(), size = tileSize(view.zoom);
  const spacing = Math.sqrt((width * height) / Math.max(total, 1));
  const radius = Math.round(Math.min(5, Math.max(1.5, spacing * 0.2 * view.zoom ** 0.4)) * 4) / 4;
  const k = scale(), left = width / 2 - view.x * k, top = height / 2 - view.y * k, margin = size / 2 + 6;
  const tiles = [];
  ground.fill(colours.pixel);
  for (const i of order) {
    const x = X[i] * k + left, y = Y[i] * k + top;
    if (x < -margin || y < -margin || x > width + margin || y > height + margin) continue;
    if (levelOf[i] <= level) tiles.push([i, x, y]);
    else layDot(i, x, y, data.kinds[i] ? radius + 1.5 : radius);
  }
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  pen.putImageData(frame, 0, 0);
  if (state.lines) drawLines();
  shownTiles = tiles.map(([i, x, y]) => framedTile(i, x, y, size));
  drawChosen(Math.max(size, Math.min(56, data.tile)));
  if (state.keyboard) drawCross();
}
function framedTile(i, x, y, size) {
  const box = drawTile(pen, i, x, y, size), frame = size < 28 ? 1.5 : 2.5;
  pen.strokeStyle = colourOf(i);
  pen.lineWidth = frame;
  pen.strokeRect(...box);
  if (data.kinds[i]) {
    outline(pen, box[0] + 1, box[1] + 1, Math.min(6, size / 6 + 2), true);
    pen.fillStyle = colourOf(i);
    pen.fill();
    pen.lineWidth = 1;
    pen.strokeStyle = colours.ink;
    pen.stroke();
  }
  return [i, box];
}
function drawLines() {
  pen.beginPath();
  for (const [one, other] of data.pairs) {
    if (!kept[one] && !kept[other]) continue;
    pen.moveTo(screenX(X[one]), screenY(Y[one]));
    pen.lineTo(screenX(X[other]), screenY(Y[other]));
  }
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1;
  pen.globalAlpha = Math.max(0.08, Math.min(0.45, 60 / (data.pairs.length + 1)));
  pen.stroke();
  pen.globalAlpha = 1;
}
function drawChosen(size) {
  const i = state.chosen, ends = i < 0 ? [] : partners.get(i) || [];
  pen.strokeStyle = colours.ink;
  for (const other of ends) {
    pen.beginPath();
    pen.moveTo(screenX(X[i]), screenY(Y[i]));
    pen.lineTo(screenX(X[other]), screenY(Y[other]));
    pen.lineWidth = 2;
    pen.stroke();
  }
  const marked = [...ends, ...(i < 0 ? [] : [i])];
  for (const one of [...marked, ...(state.over < 0 ? [] : [state.over])]) {
    const x = screenX(X[one]), y = screenY(Y[one]), large = one === i ? size * 1.25 : size;
    let shown = marked.includes(one) ? [one, boxOf(one, x, y, large)] : shownTiles.findLast(([other]) => other === one);
    if (!shown || !shown[1][2]) shown = [one, [x - 6, y - 6, 12, 12]];
    const [left, top, w, h] = shown[1];
    for (const [colour, line] of [[colours.page, 7], [colours.ink, 3]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = line;
      pen.strokeRect(left - 2.5, top - 2.5, w + 5, h + 5);
    }
    if (marked.includes(one)) shownTiles.push(framedTile(one, x, y, large));
  }
}
function drawCross() {
  pen.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    pen.moveTo(width / 2 + dx * 5, height / 2 + dy * 5);
    pen.lineTo(width / 2 + dx * 14, height / 2 + dy * 14);
  }
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1.5;
  pen.stroke();
}

// Which image is at a place of the screen: the topmost picture, else the nearest dot within reach.
function imageAt(x, y, reach = 9) {
  const tile = shownTiles.findLast(([, [l, t, w, h]]) => x >= l && x <= l + w && y >= t && y <= t + h);
  if (tile) return tile[0];
  let best = -1, nearest = reach * reach;
  for (const i of order) {
    const d = (screenX(X[i]) - x) ** 2 + (screenY(Y[i]) - y) ** 2;
    if (d <= nearest && kept[i]) { nearest = d; best = i; }
  }
  return best;
}

// Movements
function zoomAt(x, y, factor) {
  const before = scale(), zoom = clampZoom(view.zoom * factor);
  const grown = (fit * zoom) / before;
  view.x += ((x - width / 2) / before) * (1 - 1 / grown);
  view.y += ((y - height / 2) / before) * (1 - 1 / grown);
  view.zoom = zoom;
  redraw();
}
function moveBy(dx, dy) {
  view.x = Math.min(extent.x, Math.max(0, view.x - dx / scale()));
  view.y = Math.min(extent.y, Math.max(0, view.y - dy / scale()));
  redraw();
}
let flight = 0;
function flyTo(x, y, zoom) {
  const from = { ...view }, began = performance.now(), lasts = still.matches ? 0 : 550, mine = ++flight;
  const step = (now) => {
    if (mine !== flight) return; // somebody took the map in hand
    const t = lasts ? Math.min(1, Math.max(0, (now - began) / lasts)) : 1, eased = t * t * (3 - 2 * t);
    view.zoom = from.zoom * (zoom / from.zoom) ** eased;
    // The middle moves as fast as the magnification lets it look even.
    const share = Math.abs(zoom / from.zoom - 1) < 1e-3 ? eased : (1 / from.zoom - 1 / view.zoom) / (1 / from.zoom - 1 / zoom);
    view.x = from.x + (x - from.x) * share;
    view.y = from.y + (y - from.y) * share;
    redraw();
    if (t < 1) requestAnimationFrame(step);
  };
  step(began);
}
const flyToImage = (i) => {
  // Near enough that pictures around it are seen.
  let zoom = view.zoom;
  while (zoom < CLOSEST && tileSize(zoom) < Math.min(40, data.tile)) zoom *= 1.2;
  zoom = clampZoom(zoom);
  const hidden = width < 768 && !$("card").hidden ? $("card").offsetHeight : 0; // by the card below
  flyTo(X[i], Y[i] + hidden / 2 / (fit * zoom), zoom);
};
const showAll = () => flyTo(extent.x / 2, extent.y / 2, 1);
