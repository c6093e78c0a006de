// The page Find: pictures by words, by an upload, by a picture of the collection or a part of one.
// Opened from a query (?for=), it grades what is found for that query.

import { BoxTool } from "./boxes.js";
import { makeCard, nameOf } from "./cards.js";
import { Compare } from "./compare.js";
import { api } from "./connection.js";
import { $, facts, h, picture, plural, sentence } from "./dom.js";
import { GRADES, MATCH } from "./grades.js";
import { Keys } from "./keys.js";
import { Outbox } from "./outbox.js";
import { rightsFacts } from "./rights.js";
import { Status } from "./status.js";
import { Steering } from "./steering.js";
import { Viewer } from "./viewer.js";

const MOST = 60; // images that a search by words gives
const NEAREST = 40; // and one by a picture
const OTHER = { drawing: "artwork", artwork: "drawing" };

const page = $("#find").dataset;
const form = $("#search").elements;
const count = $("#count");
const status = new Status();
const outbox = new Outbox((state) => status.outbox(state));
const viewer = new Viewer($("#query-viewer"));
const tool = new BoxTool(viewer, "picture", () => {
  tellBox();
  lookWith();
});
let wanted = null; // the query whose match is looked for, as a task of the server
let asking = null; // the picture that is looked with: {kind, id} or {kind, file}
let searches = 0; // so that a late answer does not overwrite a newer one
let cards = [];
const steering = new Steering($("#steering"), lookSteered);

const compare = new Compare({ graded: grade, boxed: box, closed: () => {} });

// Looking

async function search(words, most, request) {
  const number = ++searches;
  count.textContent = "Looking…";
  let found = [];
  let told;
  try {
    const answer = await request();
    found = answer.candidates;
    const kinds = found.length ? found[0].kind : form.look.value;
    told = `${found.length === most ? "The first " : ""}${plural(found.length, kinds, `${kinds}s`)} ${words}${answer.fault ? `, not re-ranked: ${answer.fault}` : ""}`;
  } catch (failure) {
    told = sentence(failure.message);
  }
  if (number !== searches) return;
  count.textContent = told;
  cards = found.map(cardOf);
  $("#results").replaceChildren(...cards);
}

function lookForWords() {
  const text = form.text.value.trim();
  if (!text) return form.text.focus();
  steering.clear();
  remember({ text });
  if (seen()) return lookSteered();
  return search(`with “${text}”`, MOST, async () => ({ candidates: await api("/api/find/text", { kind: form.look.value, text }) }));
}

function lookWith() {
  const { kind, id, file } = asking;
  const box = tool.box && { kind, id, box: tool.box };
  const near = tool.box ? "nearest to the marked part" : "nearest to the picture";
  return search(near, NEAREST, async () => {
    if (file) {
      const body = new FormData();
      body.append("file", file);
      body.append("kind", kind);
      if (box) ["x", "y", "width", "height"].forEach((name, i) => body.append(name, tool.box[i]));
      return api("/api/find/image", body);
    }
    if (box) return api("/api/find/box", box);
    return api(`/api/candidates?${new URLSearchParams({ kind, id, start: 0, count: NEAREST })}`);
  });
}

// More like this, less like that

/** Whether words are looked for by what pictures show. */
const seen = () => form.how?.value === "seen" && Boolean(form.text.value.trim());

function lookSteered() {
  const { like, unlike } = steering;
  const of = ({ kind, id }) => ({ kind, id });
  const wished = [...(asking?.id ? [asking] : []), ...like].map(of);
  const text = seen() ? form.text.value.trim() : "";
  if (!steering.any && !text) return asking ? lookWith() : lookForWords();
  if (!wished.length && !text) return status.say("Choose something that it should be like, too", "wait");
  const kind = form.look.value;
  const nearest = text && !wished.length && !unlike.length ? `nearest to “${text}”` : "nearest to what was chosen";
  return search(nearest, NEAREST, () => api("/api/find/steer", { kind, like: wished, unlike: unlike.map(of), text }));
}

/** The card that has the focus, for a key. */
function steerFocused(way) {
  const card = document.activeElement?.closest?.("#results .card");
  if (card && !asking?.file) steering.toggle(card.item, way);
}

/** Keep in the address what is looked for, so that going back comes back to it. */
function remember(more) {
  const query = new URLSearchParams({ kind: OTHER[form.look.value], ...(wanted ? { for: wanted.id } : {}), ...more });
  if (`?${query}` !== location.search) history.pushState(null, "", `/find?${query}`);
}

// The picture to look with

function ask(picked, source, title, details) {
  steering.clear();
  if (asking?.address) URL.revokeObjectURL(asking.address);
  asking = picked;
  tool.active = false;
  tool.box = null;
  $("#drop").hidden = true;
  viewer.frame.hidden = $("#caption").hidden = false;
  viewer.show(source, title);
  $("#query-title").textContent = title;
  $("#query-facts").replaceChildren(...facts(details));
  const link = $("#judge-it");
  link.hidden = !picked.id;
  if (picked.id) link.href = `/judge?${new URLSearchParams({ kind: picked.kind, id: picked.id })}`;
  tellBox();
}

function show(item) {
  if (form.look.length) form.look.value = OTHER[item.kind];
  ask({ kind: item.kind, id: item.id }, picture(item.kind, item.id, "full"), item.title,
    { ...(item.artist ? { artist: item.artist } : {}), ...item.details, ...rightsFacts(item) });
}

function askItem(item) {
  show(item);
  remember({ like: item.id });
  lookWith();
}

function askFile(file) {
  if (!file) return;
  const address = URL.createObjectURL(file);
  ask({ kind: OTHER[form.look.value], file, address }, address, file.name, {});
  lookWith();
}

function drop() {
  asking = null;
  viewer.frame.hidden = $("#caption").hidden = true;
  $("#drop").hidden = false;
  $("#file").value = "";
  $("#file").focus();
}

function tellBox() {
  $("#box").setAttribute("aria-pressed", String(tool.active));
  $("#whole").hidden = !tool.box;
}

function draw() {
  if (!asking) return;
  tool.active = !tool.active;
  tellBox();
}

// What was found

function cardOf(item) {
  const card = makeCard(item, () => (wanted ? look(item) : askItem(item)));
  if (wanted) {
    card.grade(wanted.judgements[item.id] ?? null);
    card.append(h("button", {
      type: "button", class: "button match", "aria-label": `This is the match: ${nameOf(item)}`,
      onclick: () => grade(item, MATCH.grade),
    }, "This is the match"));
  } else {
    card.append(h("a", {
      class: "button match", href: `/judge?${new URLSearchParams({ kind: item.kind, id: item.id })}`,
      "aria-label": `Judge this ${item.kind}: ${nameOf(item)}`,
    }, `Judge this ${item.kind}`));
  }
  if (!asking?.file) card.append(steering.buttons(item));
  return card;
}

function look(item) {
  compare.show(wanted.item, item, wanted.judgements[item.id], wanted.boxes[item.id]);
}

const about = (item) => ({
  kind: wanted.kind, [`${wanted.kind}_id`]: wanted.id, [`${item.kind}_id`]: item.id, audit: wanted.audit,
});

/** Grade what was found, or take the grade away. Ranks are those of Judge's list: none is sent. */
function grade(item, given) {
  const { judgements } = wanted;
  if (judgements[item.id] === given) {
    delete judgements[item.id];
    outbox.add({ ...about(item), action: "clear" });
  } else {
    judgements[item.id] = given;
    outbox.add({ ...about(item), action: "grade", grade: given });
  }
  cards.find((card) => card.item.id === item.id)?.grade(judgements[item.id] ?? null);
  if (compare.dialog.open) look(item);
}

function box(item, boxes) {
  wanted.boxes[item.id] = boxes;
  outbox.add({ ...about(item), action: "box", ...boxes });
}

function leaf(name) {
  const at = cards.findIndex((card) => card.item.id === compare.candidate.id);
  const next = cards[at + (name === "ArrowLeft" ? -1 : 1)];
  if (next) look(next.item);
}

// Keys, buttons, files

const dialog = compare.dialog;
const keys = new Keys([
  { keys: ["/"], label: "Type words", run: () => form.text.focus() },
  { keys: ["b"], label: "Draw a box on the picture to look with", run: draw },
  { keys: ["Enter"], shown: ["⏎"], label: "While drawing: put a box, to be moved by the arrows", run: () => tool.active && tool.begin() },
  { keys: ["+"], label: "More like the picture that has the focus", run: () => steerFocused("like") },
  { keys: ["-"], label: "Less like it", run: () => steerFocused("unlike") },
  { keys: ["z"], label: "Zoom", run: () => viewer.toggle() },
  { keys: ["?"], label: "Show these keys", run: () => keys.help() },
  { keys: ["c", "Space"], run: () => compare.overlay(), dialog },
  { keys: ["z"], run: () => compare.zoom(), dialog },
  { keys: ["b"], run: () => compare.draw(), dialog },
  { keys: ["Enter"], run: () => compare.drawing && compare.beginBox(), dialog },
  { keys: ["ArrowLeft", "ArrowRight"], run: leaf, repeat: true, dialog },
  ...GRADES.map(({ grade: given, key }) => ({ keys: [key], run: () => grade(compare.candidate, given), dialog })),
]);
$("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  lookForWords();
});
$("#unsteer").addEventListener("click", () => {
  steering.clear();
  lookSteered();
});
$("#box").addEventListener("click", draw);
$("#whole").addEventListener("click", () => {
  tool.box = null;
  tellBox();
  lookWith();
});
$("#other")?.addEventListener("click", drop);
$("#compare-before").addEventListener("click", () => leaf("ArrowLeft"));
$("#compare-after").addEventListener("click", () => leaf("ArrowRight"));
$("#file").addEventListener("change", (event) => askFile(event.target.files[0]));
addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
for (const name of ["dragleave", "drop"]) {
  addEventListener(name, (event) => {
    if (name === "drop" || !event.relatedTarget) document.body.classList.remove("dropping");
  });
}
addEventListener("drop", (event) => {
  event.preventDefault();
  if (!page.wanted) askFile(event.dataTransfer.files[0]);
});
addEventListener("popstate", () => location.reload());

// What the address asks for

async function begin() {
  const item = JSON.parse(page.picture);
  try {
    if (page.wanted) wanted = await api(`/api/task?${new URLSearchParams({ kind: item.kind, id: item.id })}`);
  } catch (failure) {
    status.say(sentence(failure.message), "bad");
  }
  if (item) show(item);
  if (form.text.value) lookForWords();
  else if (item) lookWith();
}

begin();
