// Around the map: legend, search, card, pointer and keys.
const say = (text) => { $("said").textContent = text; };
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const valueOf = (field, i) => (field.codes[i] === null ? "" : field.values[field.codes[i]]);
const kindOf = (i) => (data.kinds[i] ? "drawing" : "artwork");
const titleField = data.fields.find((field) => field.name === "title");
const titleOf = (i) => (titleField && valueOf(titleField, i)) || data.ids[i];
const telling = data.fields.filter((field) => field !== titleField && field.name !== "kind"
  && !(field.colouring && field.colouring.scale === "sequence"));
const detailsOf = (i) => telling.slice(0, 2)
  .map((field) => valueOf(field, i)).filter(Boolean).join(", ");
function tile(i, size, name = "tile") {
  const made = element("canvas", { className: name, width: Math.round(size * dpr), height: Math.round(size * dpr) });
  made.style.width = made.style.height = `${size}px`;
  made.refresh = () => drawTile(made.getContext("2d"), i, made.width / 2, made.height / 2, made.width);
  made.refresh();
  return made;
}
function refreshTiles() {
  for (const made of document.querySelectorAll("canvas:not(#map)")) made.refresh();
}

// Colours and their legend
function colourBy(number) {
  state.field = data.fields[number] || null;
  state.only = null;
  const field = state.field;
  for (let i = 0; i < total; i++) {
    const of = field && field.codes[i] !== null ? field.colouring.of_value[field.codes[i]] : null;
    group[i] = of === null ? -1 : of;
  }
  // Images without a value lie below the others, and drawings, which are few, above all.
  order = [...everything].sort((a, b) =>
    data.kinds[a] - data.kinds[b] || (group[a] >= 0) - (group[b] >= 0) || shuffled[a] - shuffled[b]);
  keep();
  readColours();
  fillLegend();
}
function keep() {
  const wanted = matches && new Set(matches);
  for (let i = 0; i < total; i++) {
    kept[i] = (state.only === null || group[i] === state.only) && (!wanted || wanted.has(i)) ? 1 : 0;
  }
  forgetLevels();
  redraw();
}
function fillLegend() {
  const legend = document.querySelector(".legend"), field = state.field;
  legend.querySelector("h2").textContent = field ? field.name : "";
  const counts = new Map();
  for (const one of group) counts.set(one, (counts.get(one) || 0) + 1);
  const labels = field ? [...field.colouring.groups.map((label, n) => [label, n]), ["not given", -1]] : [];
  legend.querySelector("ul").replaceChildren(...labels.filter(([, n]) => counts.get(n)).map(([label, n]) => {
    const swatch = element("i");
    swatch.style.setProperty("--colour", `var(--${colourName(n)})`);
    const button = element("button", { type: "button" }, swatch, label,
      element("small", { textContent: counts.get(n).toLocaleString("en") }));
    button.setAttribute("aria-pressed", "false");
    button.onclick = () => {
      state.only = state.only === n ? null : n;
      for (const other of legend.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button && state.only === n));
      keep();
    };
    return element("li", {}, button);
  }));
  legend.querySelector(".shapes").hidden = new Set(data.kinds).size < 2;
}

// The card of the chosen image
function asLink(name, value) {
  const address = name === "rights" ? data.licences[value] : name === "homepage" && /^https?:\/\/\S+$/.test(value) ? value : null;
  return address ? element("a", { href: address, target: "_blank", rel: "noopener", textContent: value }) : value;
}
function choose(i) {
  state.chosen = i;
  const card = $("card");
  card.hidden = i < 0;
  card.replaceChildren();
  redraw();
  if (i < 0) return;
  const close = element("button", { type: "button", className: "close", textContent: "×", title: "Close (Escape)", onclick: () => { choose(-1); canvas.focus(); } });
  close.setAttribute("aria-label", "Close");
  const large = tile(i, Math.min(254, data.tile * 3), "large");
    const list = element("dl");
  const facts = [["", kindOf(i)], ...(titleOf(i) === data.ids[i] ? [] : [["id", data.ids[i]]])];
  for (const field of data.fields) if (field !== titleField && field.name !== "kind") facts.push([field.name, valueOf(field, i)]);
  for (const [name, value] of facts) if (value) list.append(element("dt", { textContent: name || "kind" }), element("dd", {}, asLink(name, value)));
  card.append(close, ...(data.width[i] ? [large] : []), element("h2", { textContent: titleOf(i) }), list);
  if (data.files[i]) card.append(element("a", { href: data.files[i], target: "_blank", textContent: "Open the full image" }));
  addRow(card, "Known pairs", partners.get(i) || []);
  addRow(card, "Beside it on the map", beside(i, 10));
  card.scrollTop = 0;
  say(`${kindOf(i)} ${titleOf(i)}, ${detailsOf(i)}`);
}
function addRow(card, heading, images) {
  if (!images.length) return;
  const buttons = images.map((i) => {
    const button = element("button", { type: "button", title: `${kindOf(i)}: ${titleOf(i)}`, onclick: () => { choose(i); flyToImage(i); } }, tile(i, 44));
    button.setAttribute("aria-label", `${kindOf(i)} ${titleOf(i)}`);
    return button;
  });
  card.append(element("h3", { textContent: heading }), element("div", { className: "row" }, ...buttons));
}
function beside(i, count) {
  const found = [];
  for (let j = 0; j < total; j++) {
    if (j === i) continue;
    const d = (X[j] - X[i]) ** 2 + (Y[j] - Y[i]) ** 2;
    if (found.length === count && d >= found[count - 1][0]) continue;
    found.push([d, j]);
    found.sort((a, b) => a[0] - b[0]);
    found.length = Math.min(count, found.length);
  }
  return found.map(([, j]) => j);
}

// Search
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/_/g, " ").toLowerCase();
let texts = null, active = 0;
function search() {
  const words = plain($("find").value).split(/\s+/).filter(Boolean);
  texts ??= data.ids.map((id, i) => plain([id, ...data.fields.map((field) => valueOf(field, i))].join(" ")));
  matches = words.length ? everything.filter((i) => words.every((word) => texts[i].includes(word))) : null;
  const exact = (matches || []).findIndex((i) => data.ids[i] === $("find").value.trim());
  if (exact > 0) matches.unshift(...matches.splice(exact, 1));
  active = 0;
  keep();
  list();
}
function list() {
  const box = $("found"), few = matches ? matches.slice(Math.max(0, active - 7), Math.max(8, active + 1)) : [];
  box.replaceChildren(...few.map((i) => {
    const option = element("li", { id: `found-${i}`, onpointerdown: (event) => { event.preventDefault(); active = matches.indexOf(i); arrive(); } },
      tile(i, 34), element("span", {}, titleOf(i), element("small", { textContent: detailsOf(i) || kindOf(i) })));
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(matches[active] === i));
    return option;
  }));
  expand(few.length > 0);
  count();
}
function expand(open) {
  $("found").hidden = !open;
  $("find").setAttribute("aria-expanded", String(open));
  if (open) $("find").setAttribute("aria-activedescendant", `found-${matches[active]}`);
  else $("find").removeAttribute("aria-activedescendant");
}
function count(number = 0) {
  const found = matches ? matches.length.toLocaleString("en") : "";
  $("count").textContent = number ? `${number} of ${found}` : found;
}
function arrive() {
  choose(matches[active]);
  flyToImage(matches[active]);
  expand(false);
  count(active + 1);
}
$("find").addEventListener("input", search);
$("find").addEventListener("focus", () => matches && list());
$("find").addEventListener("blur", () => expand(false));
$("find").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { $("find").value = ""; search(); return; }
  if (!matches || !matches.length) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    active = (active + step + matches.length) % matches.length;
    list();
  } else if (event.key === "Enter") {
    if ($("found").hidden) active = (active + 1) % matches.length; // again: the next one
    arrive();
  } else return;
  event.preventDefault();
});

// Pointer: one drags, two pinch, a tap chooses
const down = new Map();
let travelled = 0;
const place = (event) => ({ x: event.offsetX, y: event.offsetY });
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  if (!down.size) travelled = 0;
  down.set(event.pointerId, place(event));
  state.keyboard = false;
  flight++;
});
canvas.addEventListener("pointermove", (event) => {
  const now = place(event), before = down.get(event.pointerId);
  if (!before) { point(now); return; }
  const other = [...down].find(([id]) => id !== event.pointerId);
  down.set(event.pointerId, now);
  travelled += Math.hypot(now.x - before.x, now.y - before.y);
  if (other) {
    const held = other[1], apart = (p) => Math.hypot(p.x - held.x, p.y - held.y) || 1;
    zoomAt((now.x + held.x) / 2, (now.y + held.y) / 2, apart(now) / apart(before));
    moveBy((now.x - before.x) / 2, (now.y - before.y) / 2);
  } else moveBy(now.x - before.x, now.y - before.y);
  point(null);
});
function lift(event) {
  const single = down.size === 1;
  if (!down.delete(event.pointerId) || event.type !== "pointerup" || !single || travelled > 6) return;
  const { x, y } = place(event);
  choose(imageAt(x, y, event.pointerType === "touch" ? 18 : 9));
}
canvas.addEventListener("pointerup", lift);
canvas.addEventListener("pointercancel", lift);
canvas.addEventListener("pointerleave", () => point(null));
function point(at) {
  const i = at ? imageAt(at.x, at.y) : -1, tip = document.querySelector(".tip");
  canvas.classList.toggle("over", i >= 0);
  if (i !== state.over) { state.over = i; redraw(); }
  tip.hidden = i < 0;
  if (i < 0) return;
  tip.textContent = [titleOf(i), detailsOf(i)].filter(Boolean).join(" · ");
  tip.style.left = `${Math.max(4, Math.min(at.x + 14, width - tip.offsetWidth - 6))}px`;
  tip.style.top = `${at.y + 22 + tip.offsetHeight > height ? at.y - tip.offsetHeight - 10 : at.y + 18}px`;
}
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  flight++;
  const pixels = event.deltaY * [1, 20, 400][event.deltaMode];
  zoomAt(event.offsetX, event.offsetY, Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0018)));
}, { passive: false });

// Keys
const keys = {
  ArrowLeft: () => moveBy(80, 0), ArrowRight: () => moveBy(-80, 0),
  ArrowUp: () => moveBy(0, 80), ArrowDown: () => moveBy(0, -80),
  "+": () => zoomAt(width / 2, height / 2, 1.4), "=": () => zoomAt(width / 2, height / 2, 1.4),
  "-": () => zoomAt(width / 2, height / 2, 1 / 1.4), 0: showAll, Home: showAll,
  Enter: () => { const i = imageAt(width / 2, height / 2, 1e4); if (i >= 0) choose(i); },
  Escape: () => choose(-1),
};
canvas.addEventListener("keydown", (event) => {
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  flight++;
  state.keyboard = true;
  keys[event.key]();
  redraw();
});
canvas.addEventListener("blur", () => { state.keyboard = false; redraw(); });
$("card").addEventListener("keydown", (event) => { if (event.key === "Escape") { choose(-1); canvas.focus(); } });
$("closer").onclick = () => zoomAt(width / 2, height / 2, 1.6);
$("wider").onclick = () => zoomAt(width / 2, height / 2, 1 / 1.6);
$("all").onclick = showAll;
$("pictures").onchange = (event) => { state.pictures = event.target.checked; redraw(); };
if ($("lines")) $("lines").onchange = (event) => { state.lines = event.target.checked; redraw(); };

data.fields.forEach((field, number) => {
  if (field.colouring) $("colour").append(element("option", { value: number, textContent: field.name }));
});
$("colour").onchange = (event) => colourBy(Number(event.target.value));
$("colour").parentElement.hidden = !$("colour").options.length;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readColours);
for (const choice of document.querySelectorAll(".theme input")) choice.addEventListener("change", readColours);
new ResizeObserver(measure).observe(canvas);
measure();
colourBy($("colour").options.length ? Number($("colour").value) : -1);
// An address that ends in #id opens at that image.
const linked = data.ids.indexOf(decodeURIComponent(location.hash.slice(1)));
if (linked >= 0) { choose(linked); flyToImage(linked); }
